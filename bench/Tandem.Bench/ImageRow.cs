using Tandem.Data;
using Tandem.Data.Images;
using Tandem.Data.Masks;
using Tandem.Layers;
using Tandem.Methods.Data2Vec2;
using Tandem.Networks;
using Tandem.Torch;
using Tandem.Training;

namespace Tandem.Bench;

/// <summary>Pictures, with masks drawn beforehand.</summary>
sealed class ImageRow(string name, ImageShape shape, Precision precision)
    : Data2Vec2Row(name, shape.Batch, UsefulWork.Image(shape), Build(shape), Adam, precision)
{
    readonly ImageBatch batch = Draw(shape);

    static OptimizerOptions Adam => new() { Style = AdamStyle.Fairseq, LearningRate = 5e-4, Beta1 = 0.9, Beta2 = 0.95, Epsilon = 1e-8, WeightDecay = 0.05, ClipNorm = 4 };

    protected override Batch BatchOf(long update) => batch;

    /// <summary>The publisher's base recipe for pictures in the row's sizes.</summary>
    static Data2Vec2Method Build(ImageShape s)
    {
        var trunk = new TrunkOptions { Block = new() { Width = s.Width, Heads = s.Heads, MlpRatio = 4, Norm = NormPlacement.Post }, Depth = s.Depth };
        var front = new ImageFrontEndOptions
        {
            InputSize = s.Input,
            PatchSize = s.Patch,
            PrenetDepth = s.Prenet,
            ExtraTokens = 1,
            Mask = MaskOf(s),
            Decoder = new() { Width = s.DecoderWidth, Layers = s.DecoderLayers, Kernel = s.Kernel, Groups = s.Groups, InputDropout = 0 },
        };
        var options = new Data2Vec2Options
        {
            Copies = s.Copies,
            TopLayers = s.TopLayers,
            LayerNormLayer = true,
            ClassWeight = 0.01,
            TeacherParts = TeacherParts.Whole,
            Teacher = new() { DecayStart = 0.9998, DecayEnd = 0.99999, AnnealEnd = 100_000 },
        };
        return new Data2Vec2Method(WeightStore.Fresh(1), (at, sharing) => new ImageFrontEnd(at, front, trunk, (sharing as ImageFrontEnd)?.Patches), trunk, options);
    }

    static MaskOptions MaskOf(ImageShape s) => new() { Probability = 0.8, Adjust = 0.07, Length = s.Patch == 4 ? 2 : 3, Inverse = true };

    static ImageBatch Draw(ImageShape s)
    {
        var draw = Randomness.Of(1, "pictures");
        var pixels = new float[s.Batch * 3 * s.Input * s.Input];
        foreach (ref var pixel in pixels.AsSpan())
            pixel = (float)draw.NextNormal(0, 1);
        var sampler = new MaskSampler(MaskOf(s), s.Copies, 1);
        var side = s.Input / s.Patch;
        var masks = Enumerable.Range(0, s.Batch).SelectMany(sample => sampler.Draw((side, side), 0, sample)).ToArray();
        var visible = masks.Take(s.Places).Count(bit => bit == 0);
        if (visible != s.Visible)
            throw new InvalidOperationException($"the masks leave {visible} places visible, not {s.Visible}");
        return new ImageBatch
        {
            Ids = [.. Enumerable.Range(0, s.Batch).Select(i => (long)i)],
            Pixels = HostTensor.From<float>(pixels, s.Batch, 3, s.Input, s.Input),
            Masks = HostTensor.From<byte>(masks, s.Batch * s.Copies, s.Places),
        };
    }
}
