using Tandem.Data;
using Tandem.Data.Images;
using Tandem.Data.Sources;
using Tandem.Layers;
using Tandem.Networks;
using Tandem.Torch;

namespace Tandem.Probes;

/// <summary>How features are made.</summary>
public sealed record FeatureOptions
{
    /// <summary>How files become RGB.</summary>
    public PictureReading Reading { get; init; } = PictureReading.Natural;

    /// <summary>Numbers of the encoder's products.</summary>
    public Precision Precision { get; init; } = Precision.Float32;

    /// <summary>Pictures computed at once; features do not depend on it beyond rounding.</summary>
    public int Batch { get; init; } = 64;

    /// <summary>Threads that decode.</summary>
    public int Workers { get; init; } = Math.Clamp(Environment.ProcessorCount / 2, 1, 8);

    /// <summary>At most so many pictures, drawn by <see cref="Seed"/>; all when null.</summary>
    public int? Limit { get; init; }

    /// <summary>Decides which pictures a limit takes.</summary>
    public long Seed { get; init; }

    /// <summary>Hears of a picture that cannot be read and is left out; null: the first one is an error.</summary>
    public Action<BadPicture>? Skipped { get; init; }

    /// <summary>Hears of pictures done and pictures in all.</summary>
    public Action<int, int>? Progress { get; init; }
}

/// <summary>Features of some pictures.</summary>
/// <param name="Samples">The pictures' numbers in their source.</param>
/// <param name="Values">Row-major float32 [samples, width].</param>
public sealed record FeatureBlock(int[] Samples, float[] Values);

/// <summary>Turns pictures into features: an encoder's, or the pixels themselves.</summary>
public static class FeatureExtraction
{
    /// <summary>
    /// An encoder's features, one vector a picture (the mean over its places), batch by batch in the source's order. Batches are computed on
    /// the compute thread; the caller may be on any.
    /// </summary>
    /// <param name="network">The encoder.</param>
    /// <param name="source">The pictures.</param>
    /// <param name="transform">How a picture is prepared.</param>
    /// <param name="options">Reading, precision, limit, what happens to damaged pictures.</param>
    /// <param name="cancellation">Ends the work between batches.</param>
    /// <exception cref="TandemException">A picture cannot be read and nobody hears of skipped ones.</exception>
    public static IEnumerable<FeatureBlock> Encode(EncoderNetwork network, Source source, PictureTransform transform, FeatureOptions options, CancellationToken cancellation = default) =>
        Blocks(source, transform, options, batch => ComputeThread.Run(() =>
        {
            using var scope = TensorScope.Enter("features");
            return network.Pool(batch, options.Precision).ToFloats();
        }), cancellation);

    /// <summary>The pixels themselves, as the transform hands them to an encoder, row-major [3, size, size]: what features must be better than.</summary>
    /// <inheritdoc cref="Encode"/>
    public static IEnumerable<FeatureBlock> Pixels(Source source, PictureTransform transform, FeatureOptions options, CancellationToken cancellation = default) =>
        Blocks(source, transform, options, batch => batch.Pixels.As<float>().ToArray(), cancellation);

    /// <summary>Gathers blocks with the pictures' classes, for a probe.</summary>
    /// <param name="blocks">What <see cref="Encode"/> or <see cref="Pixels"/> gave.</param>
    /// <param name="source">The pictures, labelled.</param>
    /// <param name="what">What they are for, in errors: <c>train</c>, <c>test</c>.</param>
    /// <exception cref="TandemException"><see cref="ErrorKind.Input"/>: no labels, or not one picture that could be read.</exception>
    public static LabelledFeatures Labelled(IEnumerable<FeatureBlock> blocks, Source source, string what)
    {
        var names = RequireLabels(source, what);
        List<float[]> values = [];
        List<int> labels = [];
        foreach (var block in blocks)
        {
            values.Add(block.Values);
            labels.AddRange(block.Samples.Select(sample => source.Label(sample) ?? throw Unlabelled(source, what, source.Where(sample))));
        }
        if (labels.Count == 0)
            throw new TandemException(ErrorKind.Input, $"none of the {what} pictures can be read", source.Description, "pictures");
        var all = new float[values.Sum(part => (long)part.Length)];
        var at = 0L;
        foreach (var part in values)
        {
            part.CopyTo(all.AsSpan(checked((int)at)));
            at += part.Length;
        }
        return new(all, all.Length / labels.Count, [.. labels], names);
    }

    /// <summary>The names of a source's classes.</summary>
    /// <param name="source">The pictures.</param>
    /// <param name="what">What they are for, in errors: <c>train</c>, <c>test</c>.</param>
    /// <exception cref="TandemException"><see cref="ErrorKind.Input"/>: it has no labels.</exception>
    public static IReadOnlyList<string> RequireLabels(Source source, string what) => source.ClassNames ?? throw Unlabelled(source, what, source.Description);

    /// <summary>The samples that a limit takes, in the source's order: drawn, so that an order by class does no harm.</summary>
    /// <param name="source">The pictures.</param>
    /// <param name="limit">At most so many; null: all.</param>
    /// <param name="seed">Decides which.</param>
    /// <returns>Null where all are taken.</returns>
    public static int[]? Limited(Source source, int? limit, long seed)
    {
        if (limit is not { } most || most >= source.Count)
            return null;
        if (most < 1)
            throw new ArgumentOutOfRangeException(nameof(limit), most, "at least one picture");
        var samples = Enumerable.Range(0, source.Count).ToArray();
        Randomness.Of(seed, "probe limit").Pick(samples.AsSpan(), most);
        return [.. samples.Take(most).Order()];
    }

    static IEnumerable<FeatureBlock> Blocks(Source source, PictureTransform transform, FeatureOptions options, Func<ImageBatch, float[]> features, CancellationToken cancellation)
    {
        using var chosen = new PictureSelection(source, Limited(source, options.Limit, options.Seed));
        using var loader = Loader.Evaluation(chosen, transform, options.Batch, new() { Reading = options.Reading, Workers = options.Workers });
        var done = 0;
        while (loader.Next(cancellation) is { } batch)
        {
            cancellation.ThrowIfCancellationRequested();
            var sound = batch.Ids.Select((id, row) => (Id: (int)id, Row: row)).Where(sample => !Left(chosen, sample.Id, options)).ToArray();
            done += batch.Count;
            if (sound.Length > 0)
            {
                var values = features(batch);
                yield return new([.. sound.Select(sample => chosen.Original(sample.Id))], sound.Length == batch.Count ? values : Rows(values, batch.Count, sound.Select(sample => sample.Row)));
            }
            options.Progress?.Invoke(done, chosen.Count);
        }
    }

    static bool Left(PictureSelection chosen, int id, FeatureOptions options)
    {
        if (!chosen.Bad.TryGetValue(id, out var bad))
            return false;
        if (options.Skipped is null)
            throw new TandemException(ErrorKind.Input, $"a picture cannot be read: {bad.Reason}", bad.Name, remedy: "Repair or remove it.");
        options.Skipped(bad);
        return true;
    }

    static float[] Rows(float[] values, int count, IEnumerable<int> rows)
    {
        var width = values.Length / count;
        return [.. rows.SelectMany(row => values.Skip(row * width).Take(width))];
    }

    static TandemException Unlabelled(Source source, string what, string where) =>
        new(ErrorKind.Input, $"the {what} data has no labels", where, "class folders, CIFAR or IDX labels, a list with labels, cls or json files beside the pictures",
            "labels=folder, json:FIELD, cls, column or own says where they come from.");
}
