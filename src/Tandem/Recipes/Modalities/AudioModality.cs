using Tandem.Data;
using Tandem.Data.Audio;
using Tandem.Data.Masks;
using Tandem.Data.Sources;
using Tandem.Models;
using Tandem.Networks;
using Tandem.Runs;

namespace Tandem.Recipes.Modalities;

/// <summary>A recipe's section <c>model</c> for recordings.</summary>
public sealed record AudioModelOptions : ModelOptions
{
    /// <summary>Extractor, positions, masks, decoder.</summary>
    public AudioFrontEndOptions FrontEnd { get; init; } = new();
}

/// <summary>Recipes for recordings.</summary>
public sealed class AudioModality : Modality
{
    const int PreviewSamples = 32_000, PreviewColumns = 96;
    readonly AudioDataOptions data;
    readonly AudioModelOptions model;

    /// <summary>Binds the sections.</summary>
    public AudioModality(RecipeDocument document) => (data, model) = (document.Bind<AudioDataOptions>("data"), document.Bind<AudioModelOptions>("model"));

    /// <inheritdoc/>
    public override DataOptions Data => data;

    /// <inheritdoc/>
    public override ModelOptions Model => model;

    /// <inheritdoc/>
    public override FrontEndOptions FrontEnd => model.FrontEnd;

    /// <inheritdoc/>
    public override Preprocessing Preprocessing => new AudioPreprocessing { Standardise = data.Standardise, MinSamples = model.FrontEnd.Frames.ReceptiveField };

    /// <inheritdoc/>
    public override string InputInWords => $"16 kHz, a frame every {model.FrontEnd.Frames.Hop / 16.0:0.#} ms";

    /// <inheritdoc/>
    public override void Check(Requirement require)
    {
        var (front, width) = (model.FrontEnd, model.Trunk.Block.Width);
        var seen = front.Frames.ReceptiveField;
        require(width % front.PositionGroups == 0, "model.front_end.position_groups", $"{front.PositionGroups} groups cannot share a width of {width}", "a divisor of the width");
        require(data.MinSamples >= seen, "data.min_samples", $"recordings of {data.MinSamples} samples can be too short for one frame", $"at least {seen}");
        require(data.MaxSamples >= data.MinSamples, "data.max_samples", $"rows of {data.MaxSamples} samples are shorter than the shortest recording taken ({data.MinSamples})", "at least data.min_samples");
        require(data.BatchSamples >= data.MaxSamples, "data.batch_samples", $"a micro-batch of {data.BatchSamples} samples holds no row of {data.MaxSamples}", "at least data.max_samples");
        require(data.Multiple >= 1, "data.multiple", $"{data.Multiple} is no multiple", "at least 1");
        require(front.Mask is { Length: > 1, Probability: > 0 and < 1 }, "model.front_end.mask", "speech is masked in spans", "a length of at least 2 and a probability between 0 and 1");
        var frames = front.Frames.Of(data.MinSamples);
        require((int)(frames * front.Mask.Probability) > 0, "model.front_end.mask.probability", $"of {frames} frames none would be masked", "a larger share, or a larger data.min_samples");
    }

    /// <inheritdoc/>
    public override Source Open(Action<string>? note, string? resumed = null, CancellationToken stop = default) => AudioSource.Open(DataPath("recordings"), data.Source(note, stop), data.MinSamples);

    /// <inheritdoc/>
    public override IBatchStream Batches(Source source, int copies, long seed, long first, Action<string>? warn = null)
    {
        var audio = (AudioSource)source;
        var options = new AudioBatchOptions
        {
            Seed = seed,
            Longest = data.MaxSamples,
            Shortest = data.MinSamples,
            Standardise = data.Standardise,
            Frames = model.FrontEnd.Frames,
            Masks = new MaskSampler(model.FrontEnd.Mask, copies, seed),
            BadLimit = data.BadLimit,
            Warn = warn,
        };
        var plan = LengthPlan.Of(audio, options, new(data.BatchSamples, data.BatchRecordings, data.Multiple), microBatches: data.MicroBatches);
        return AudioBatchMaker.Load(audio, options, plan, data.Workers, firstBatch: first);
    }

    /// <inheritdoc/>
    public override Thumbnail Picture(Source source, int sample)
    {
        using var recording = ((AudioSource)source).Read(sample);
        var samples = new float[PreviewSamples];
        var count = 0;
        while (count < samples.Length && recording.Read(samples.AsSpan(count)) is > 0 and var read)
            count += read;
        return SpectrogramPicture.Draw(samples.AsSpan(0, count), PreviewColumns, PreviewColumns);
    }

    /// <inheritdoc/>
    public override (byte[]? Png, IReadOnlyList<string>? Texts) Places(Batch batch, int row)
    {
        var samples = ((AudioBatch)batch).Samples;
        var length = (int)samples.Shape[1];
        return (SpectrogramPicture.Of(samples.As<float>().Slice(row * length, length)), null);
    }
}
