using Tandem.Data;
using Tandem.Data.Masks;
using Tandem.Data.Text;
using Tandem.Layers;
using Tandem.Methods.Data2Vec2;
using Tandem.Networks;
using Tandem.Torch;

namespace Tandem.Bench;

/// <summary>Rows of tokens. Masks are drawn within the step, as the original's model draws them.</summary>
sealed class TextRow(string name, TextShape shape, Precision precision)
    : Data2Vec2Row(name, shape.Batch, UsefulWork.Text(shape), Build(shape), SequenceAdam(clip: 1), precision)
{
    // The first ids stand for padding and other special tokens.
    const int FirstToken = 4;

    readonly HostTensor tokens = Draw(shape);
    readonly MaskPlan masks = new(new(Mask, shape.Copies, 1), (1, shape.Tokens));
    readonly long[] ids = [.. Enumerable.Range(0, shape.Batch).Select(i => (long)i)];
    readonly int[] lengths = [.. Enumerable.Repeat(shape.Tokens, shape.Batch)];

    static MaskOptions Mask => new() { Probability = 0.48, Length = 1 };

    protected override Batch BatchOf(long update)
    {
        var drawn = masks.Empty(ids.Length);
        for (var i = 0; i < ids.Length; i++)
            masks.Draw(drawn, i, update, i);
        return new TextBatch { Ids = ids, Tokens = tokens, Lengths = lengths, Masks = drawn };
    }

    /// <summary>The publisher's base recipe for text in the row's sizes.</summary>
    static Data2Vec2Method Build(TextShape s)
    {
        var kept = RandomMask.Kept(s.Tokens, Mask.Probability);
        if (kept != s.Visible)
            throw new InvalidOperationException($"the masks leave {kept} places visible, not {s.Visible}");
        var trunk = new TrunkOptions { Block = SequenceBlock(s.Width, s.Heads), Depth = s.Depth };
        var front = new TextFrontEndOptions
        {
            Vocabulary = s.Vocabulary,
            MaxTokens = s.MaxTokens,
            EmbeddingDropout = 0.1,
            Mask = Mask,
            Decoder = new()
            {
                Width = s.DecoderWidth,
                Layers = s.DecoderLayers,
                Kernel = s.Kernel,
                Groups = s.Groups,
                Residual = false,
                InputDropout = 0.1,
                ProjectionLayers = 2,
                ProjectionRatio = 2,
            },
        };
        var options = new Data2Vec2Options
        {
            Copies = s.Copies,
            TopLayers = s.TopLayers,
            LossScale = 1,
            InstanceNormLayer = true,
            TeacherParts = TeacherParts.Blocks,
            Teacher = new() { DecayStart = 0.9999, DecayEnd = 0.99999, AnnealEnd = 100_000 },
        };
        return new Data2Vec2Method(WeightStore.Fresh(1), (at, sharing) => new TextFrontEnd(at, front, trunk, (sharing as TextFrontEnd)?.Embedding), trunk, options);
    }

    static HostTensor Draw(TextShape s)
    {
        var draw = Randomness.Of(1, "tokens");
        var tokens = new long[s.Batch * s.Tokens];
        foreach (ref var token in tokens.AsSpan())
            token = FirstToken + draw.Next(s.Vocabulary - FirstToken);
        return HostTensor.From<long>(tokens, s.Batch, s.Tokens);
    }
}
