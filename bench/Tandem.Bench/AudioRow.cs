using Tandem.Data;
using Tandem.Data.Audio;
using Tandem.Data.Masks;
using Tandem.Layers;
using Tandem.Methods.Data2Vec2;
using Tandem.Networks;
using Tandem.Torch;

namespace Tandem.Bench;

/// <summary>Recordings of one length, with masks drawn beforehand.</summary>
sealed class AudioRow(string name, AudioShape shape, Precision precision)
    : Data2Vec2Row(name, shape.Batch, UsefulWork.Audio(shape), Build(shape), SequenceAdam(clip: 0), precision)
{
    readonly AudioBatch batch = Draw(shape);

    static MaskOptions Mask => new() { Probability = 0.5, Adjust = 0.05, Length = 5 };

    protected override Batch BatchOf(long update) => batch;

    /// <summary>The publisher's base recipe for recordings in the row's sizes.</summary>
    static Data2Vec2Method Build(AudioShape s)
    {
        var trunk = new TrunkOptions { Block = SequenceBlock(s.Width, s.Heads), Depth = s.Depth };
        var front = new AudioFrontEndOptions
        {
            Extractor = s.Extractor,
            PositionDepth = s.PositionDepth,
            PositionWidth = s.PositionDepth * s.PositionKernel,
            PositionGroups = s.PositionGroups,
            PrenetDropout = 0.1,
            DistanceBias = new() { Learned = true, PerHead = true },
            Mask = Mask,
            Decoder = new() { Width = s.DecoderWidth, Layers = s.DecoderLayers, Kernel = s.Kernel, Groups = s.Groups, InputDropout = 0.1 },
        };
        var options = new Data2Vec2Options
        {
            Copies = s.Copies,
            TopLayers = s.TopLayers,
            InstanceNormLayer = true,
            TeacherParts = TeacherParts.WithoutLocal,
            Teacher = new() { DecayStart = 0.999, DecayEnd = 0.99999, AnnealEnd = 75_000 },
        };
        return new Data2Vec2Method(WeightStore.Fresh(1), (at, sharing) => new AudioFrontEnd(at, front, trunk, (sharing as AudioFrontEnd)?.Extractor), trunk, options);
    }

    static AudioBatch Draw(AudioShape s)
    {
        var draw = Randomness.Of(1, "recordings");
        var samples = new float[s.Batch * s.Samples];
        foreach (ref var sample in samples.AsSpan())
            sample = (float)draw.NextNormal(0, 1);
        var sampler = new MaskSampler(Mask, s.Copies, 1);
        var masks = Enumerable.Range(0, s.Batch).SelectMany(sample => sampler.Draw((1, s.Places), 0, sample)).ToArray();
        var visible = masks.Take(s.Places).Count(bit => bit == 0);
        if (visible != s.Visible)
            throw new InvalidOperationException($"the masks leave {visible} places visible, not {s.Visible}");
        return new AudioBatch
        {
            Ids = [.. Enumerable.Range(0, s.Batch).Select(i => (long)i)],
            Samples = HostTensor.From<float>(samples, s.Batch, s.Samples),
            Masks = HostTensor.From<byte>(masks, s.Batch * s.Copies, s.Places),
        };
    }
}
