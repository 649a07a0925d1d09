using Tandem.Data;
using Tandem.Data.Sources;
using Tandem.Layers;
using Tandem.Models;
using Tandem.Networks;
using Tandem.Torch;

namespace Tandem.Probes;

/// <summary>How features are made.</summary>
public sealed record FeatureOptions
{
    /// <summary>Numbers of the encoder's products.</summary>
    public Precision Precision { get; init; } = Precision.Float32;

    /// <summary>Rows computed at once; features do not depend on it beyond rounding.</summary>
    public int Batch { get; init; } = 64;

    /// <summary>Threads that read and decode.</summary>
    public int Workers { get; init; } = Math.Clamp(Environment.ProcessorCount / 2, 1, 8);

    /// <summary>Which layer: 0 is the trunk's input, i the output of its i-th block; null: the last.</summary>
    public int? Layer { get; init; }

    /// <summary>All layers, for a choice among them; <see cref="Layer"/> is then not looked at.</summary>
    public bool AllLayers { get; init; }

    /// <summary>At most so many samples, drawn by <see cref="Seed"/>; all when null.</summary>
    public int? Limit { get; init; }

    /// <summary>Decides which samples a limit takes.</summary>
    public long Seed { get; init; }

    /// <summary>Of long recordings and texts their beginnings only: a row of a few seconds, as many tokens as a row holds.</summary>
    public bool Beginnings { get; init; }

    /// <summary>Hears of a sample that cannot be read and is left out; null: the first one is an error.</summary>
    public Action<BadSample>? Skipped { get; init; }

    /// <summary>Hears of samples done and samples in all.</summary>
    public Action<int, int>? Progress { get; init; }
}

/// <summary>Features of some samples.</summary>
/// <param name="Samples">The samples' numbers in their source, ascending from block to block.</param>
/// <param name="Values">Row-major float32 [samples, parts, layers, width].</param>
public sealed record FeatureBlock(int[] Samples, float[] Values);

/// <summary>Turns samples into features: an encoder's, or their plain description.</summary>
public static class FeatureExtraction
{
    /// <summary>
    /// An encoder's features: for each part of a sample the mean over its places, at one layer or all. They come in the source's order, batch by batch.
    /// Batches are computed on the compute thread; the caller may be on any.
    /// </summary>
    /// <param name="network">The encoder.</param>
    /// <param name="preprocessing">How samples are prepared.</param>
    /// <param name="source">The samples.</param>
    /// <param name="options">Precision, layer, limit, what happens to damaged samples.</param>
    /// <param name="cancellation">Ends the work between batches.</param>
    /// <exception cref="TandemException">A sample cannot be read and nobody hears of skipped ones; there is no such layer.</exception>
    public static IEnumerable<FeatureBlock> Encode(EncoderNetwork network, Preprocessing preprocessing, Source source, FeatureOptions options, CancellationToken cancellation = default)
    {
        if (options.Layer is { } layer && (layer < 0 || layer >= network.Layers))
            throw new TandemException(ErrorKind.Usage, $"there is no layer {layer}", "layer", $"0 to {network.Layers - 1}");
        return Blocks(preprocessing, source, options, batch => ComputeThread.Run(() =>
        {
            using var scope = TensorScope.Enter("features");
            return (options.AllLayers ? network.PoolLayers(batch, options.Precision) : network.Pool(batch, options.Precision, options.Layer)).ToFloats();
        }), cancellation);
    }

    /// <summary>The plain description of samples (pixels, log-mel statistics, token counts): what features must be better than.</summary>
    /// <inheritdoc cref="Encode"/>
    public static IEnumerable<FeatureBlock> Plain(Preprocessing preprocessing, Source source, FeatureOptions options, CancellationToken cancellation = default) =>
        Blocks(preprocessing, source, options, preprocessing.Plain, cancellation);

    /// <summary>Gathers blocks of samples with classes or scores, for probes.</summary>
    /// <param name="blocks">What <see cref="Encode"/> or <see cref="Plain"/> gave.</param>
    /// <param name="source">The samples, labelled.</param>
    /// <param name="what">What they are for, in errors: <c>train</c>, <c>test</c>.</param>
    /// <param name="layers">Layers that the blocks hold.</param>
    /// <exception cref="TandemException"><see cref="ErrorKind.Input"/>: neither labels nor scores, or not one sample that could be read.</exception>
    public static SampleFeatures Gather(IEnumerable<FeatureBlock> blocks, Source source, string what, int layers = 1)
    {
        var names = source.IsScored ? [] : RequireLabels(source, what);
        List<float[]> values = [];
        List<int> samples = [];
        foreach (var block in blocks)
        {
            values.Add(block.Values);
            samples.AddRange(block.Samples);
        }
        if (samples.Count == 0)
            throw new TandemException(ErrorKind.Input, $"none of the {what} samples can be read", source.Description);
        var all = new float[values.Sum(part => (long)part.Length)];
        var at = 0L;
        foreach (var part in values)
        {
            part.CopyTo(all.AsSpan(checked((int)at)));
            at += part.Length;
        }
        int[] labels = source.IsScored ? [] : [.. samples.Select(sample => source.Label(sample) ?? throw Unlabelled(source, what, source.Where(sample)))];
        return new(all, source.Parts, layers, all.Length / samples.Count / source.Parts / layers, labels, names)
        {
            Scores = source.IsScored ? [.. samples.Select(sample => source.Score(sample) ?? throw new TandemException(ErrorKind.Input, "a sample has no score", source.Where(sample)))] : null,
        };
    }

    /// <summary>The names of a source's classes.</summary>
    /// <param name="source">The samples.</param>
    /// <param name="what">What they are for, in errors: <c>train</c>, <c>test</c>.</param>
    /// <exception cref="TandemException"><see cref="ErrorKind.Input"/>: it has no labels.</exception>
    public static IReadOnlyList<string> RequireLabels(Source source, string what) => source.ClassNames ?? (source.IsScored
        ? throw new TandemException(ErrorKind.Input, $"the {what} data has scores, no classes", source.Description, "classes", "Judge it with the probe similarity, or say where classes come from: labels=.")
        : throw Unlabelled(source, what, source.Description));

    /// <summary>Looks whether a probe can learn the classes of the samples that a limit takes, and be judged on those that it takes of others.</summary>
    /// <param name="train">What is learned from.</param>
    /// <param name="test">What is judged.</param>
    /// <param name="limit">At most so many samples of either; null: all.</param>
    /// <param name="seed">Decides which.</param>
    /// <returns>The classes of the training samples.</returns>
    /// <exception cref="TandemException"><see cref="ErrorKind.Input"/>: no labels, a sample without one, one class only, or a class that <paramref name="train"/> does not have.</exception>
    public static int[] RequireClasses(Source train, Source test, int? limit, long seed)
    {
        IReadOnlyList<string> known = RequireLabels(train, "train"), asked = RequireLabels(test, "test");
        int[] Labels(Source source) => [.. (Limited(source, limit, seed) ?? Enumerable.Range(0, source.Count)).Select(sample => source.Label(sample) ?? throw new TandemException(ErrorKind.Input, "a sample has no label", source.Where(sample)))];
        var labels = Labels(train);
        if (labels.Distinct().Count() < 2)
            throw new TandemException(ErrorKind.Input, $"all training samples are of one class, '{known[labels[0]]}'", train.Description, "at least two classes", "labels= says where labels come from.");
        LabelledFeatures.MatchClasses(Labels(test), asked, known);
        return labels;
    }

    /// <summary>What is to be said of test samples that are training samples too, by their places; null where there are none.</summary>
    /// <param name="train">What is learned from.</param>
    /// <param name="test">What is judged.</param>
    /// <param name="sample">What a sample is called.</param>
    public static string? Overlap(Source train, Source test, string sample)
    {
        // The same place can be written in several ways.
        var known = Enumerable.Range(0, train.Count).Select(index => Path.GetFullPath(train.Where(index))).ToHashSet(StringComparer.Ordinal);
        return Enumerable.Range(0, test.Count).Count(index => known.Contains(Path.GetFullPath(test.Where(index)))) switch
        {
            0 => null,
            var all when all == test.Count && all == train.Count => $"train and test are the same {sample}s: the results say nothing about new ones",
            var some => $"{some} test {sample}{(some == 1 ? " is a" : "s are")} training {sample}{(some == 1 ? "" : "s")} too: the results are too good for {(some == 1 ? "it" : "them")}",
        };
    }

    /// <summary>Looks whether a source is made of pairs with scores.</summary>
    /// <param name="source">The samples.</param>
    /// <param name="what">What they are for, in errors: <c>train</c>, <c>test</c>.</param>
    /// <exception cref="TandemException"><see cref="ErrorKind.Input"/>: it is not.</exception>
    public static void RequireScores(Source source, string what)
    {
        if (source.IsScored && source.Parts == 2)
            return;
        throw new TandemException(ErrorKind.Input, $"the {what} data {(source.IsScored ? "has no pairs" : source.ClassNames is null ? "has no scores" : "has classes, no scores")}", source.Description, "pairs of texts with a score each (a number with decimals)",
            source.ClassNames is null ? "labels=column:NAME says where scores stand, column=A,B where the texts do." : "Judge it with the probes knn and linear.");
    }

    /// <summary>The samples that a limit takes, in the source's order: drawn, so that an order by class does no harm, and with at least one of each class where there is room.</summary>
    /// <param name="source">The samples.</param>
    /// <param name="limit">At most so many; null: all.</param>
    /// <param name="seed">Decides which.</param>
    /// <returns>Null where all are taken.</returns>
    public static int[]? Limited(Source source, int? limit, long seed)
    {
        if (limit is not { } most || most >= source.Count)
            return null;
        if (most < 1)
            throw new ArgumentOutOfRangeException(nameof(limit), most, "at least one sample");
        var samples = Enumerable.Range(0, source.Count).ToArray();
        Randomness.Of(seed, "probe limit").Pick(samples.AsSpan(), most);
        if (source.ClassNames is not null)
            ClassDraw.Complete(samples, most, sample => source.Label(sample) ?? -1);
        return [.. samples.Take(most).Order()];
    }

    static IEnumerable<FeatureBlock> Blocks(Preprocessing preprocessing, Source source, FeatureOptions options, Func<Batch, float[]> features, CancellationToken cancellation)
    {
        var chosen = Limited(source, options.Limit, options.Seed);
        var total = chosen?.Length ?? source.Count;
        using var stream = preprocessing.Load(source, chosen, new() { Batch = options.Batch, Workers = options.Workers, Beginnings = options.Beginnings });
        var sums = new UnitSums(source.Parts);
        var next = 0;
        while (stream.Next(cancellation) is { } batch)
        {
            cancellation.ThrowIfCancellationRequested();
            // A batch of nothing but damaged samples costs no computing.
            if (!batch.Ids.All(id => stream.Bad.ContainsKey((int)(id / source.Parts))))
                sums.Add(batch, features(batch));
            if (Finished(stream.Complete) is { } block)
                yield return block;
            options.Progress?.Invoke(next, total);
        }
        if (Finished(total) is { } rest)
            yield return rest;

        FeatureBlock? Finished(int complete)
        {
            List<int> samples = [];
            List<float[]> values = [];
            for (; next < complete; next++)
            {
                // Rows of a damaged sample may have come, or none.
                var value = sums.Take(next);
                if (Left(stream, next, options))
                    continue;
                samples.Add(chosen?[next] ?? next);
                values.Add(value ?? throw new InvalidOperationException($"sample {next} never came"));
            }
            return samples.Count == 0 ? null : new([.. samples], [.. values.SelectMany(value => value)]);
        }
    }

    static bool Left(ISampleStream stream, int place, FeatureOptions options)
    {
        if (!stream.Bad.TryGetValue(place, out var bad))
            return false;
        if (options.Skipped is null)
            throw new TandemException(ErrorKind.Input, $"a sample cannot be read: {bad.Reason}", bad.Name, remedy: "Repair or remove it.");
        options.Skipped(bad);
        return true;
    }

    static TandemException Unlabelled(Source source, string what, string where) =>
        new(ErrorKind.Input, $"the {what} data has no labels", where, "class folders, labels of the format's own, a list or table with labels, cls or json files beside the samples",
            "labels= says where they come from: folder, name:N, speaker, json:FIELD, cls, column, own.");
}

/// <summary>Adds up the rows of units that come as several, by weight.</summary>
/// <param name="parts">Units of a sample.</param>
sealed class UnitSums(int parts)
{
    readonly Dictionary<long, (float[] Sum, double Weight)> open = [];

    public void Add(Batch batch, float[] values)
    {
        var width = values.Length / batch.Count;
        for (var row = 0; row < batch.Count; row++)
        {
            var weight = (double)batch.Weight(row);
            var own = values.AsSpan(row * width, width);
            if (!open.TryGetValue(batch.Ids[row], out var unit))
            {
                open[batch.Ids[row]] = (own.ToArray(), weight);
                continue;
            }
            // A running mean: a unit of one row stays exactly what it was.
            var share = (float)(weight / (unit.Weight + weight));
            for (var i = 0; i < width; i++)
                unit.Sum[i] += (own[i] - unit.Sum[i]) * share;
            open[batch.Ids[row]] = (unit.Sum, unit.Weight + weight);
        }
    }

    /// <summary>The parts of a sample beside each other, or null if one never came.</summary>
    public float[]? Take(int sample)
    {
        if (parts == 1)
            return open.Remove(sample, out var only) ? only.Sum : null;
        var taken = new float[parts][];
        for (var part = 0; part < parts; part++)
        {
            if (!open.Remove(((long)sample * parts) + part, out var unit))
                return null;
            taken[part] = unit.Sum;
        }
        return [.. taken.SelectMany(value => value)];
    }
}
