using System.Globalization;
using System.Text.Json.Nodes;
using Tandem.Data.Sources;
using Tandem.Models;
using Tandem.Probes;

using Tandem.Runs;

namespace Tandem;

/// <summary>How a model is evaluated.</summary>
public sealed record EvaluationOptions
{
    /// <summary>What the model is set against: <c>untrained</c>, and the plain description of its samples (<c>pixels</c>, <c>log-mel</c>, <c>tokens</c>); null: both.</summary>
    public IReadOnlyList<string>? Baselines { get; init; }

    /// <summary>The layer that probes judge: a number (0: the input of the shared blocks, i: the i-th of them), <c>last</c>, or <c>auto</c>: chosen for each probe on a tenth of train. Null: <c>last</c> for pictures, <c>auto</c> for all else.</summary>
    public string? Layer { get; init; }

    /// <summary>Whether a baseline that would not fit into memory is an error; else it is left out with a warning.</summary>
    public bool BaselinesRequired { get; init; }

    /// <summary>Decides the untrained encoder's weights, the held-out tenth, and which samples a limit takes.</summary>
    public long Seed { get; init; }

    /// <summary>At most so many training samples, and so many test samples; all when null.</summary>
    public int? Limit { get; init; }

    /// <summary><c>cpu</c>, <c>cuda:0</c> or <c>auto</c>.</summary>
    public string Device { get; init; } = "auto";

    /// <summary><c>auto</c>, <c>float32</c> or <c>bf16</c>.</summary>
    public string Precision { get; init; } = "auto";

    /// <summary>Rows computed at once.</summary>
    public int Batch { get; init; } = 64;

    /// <summary>Hears of samples that were left out and of what makes results doubtful; one sentence a call.</summary>
    public Action<string>? Warn { get; init; }
}

/// <summary>Where an evaluation stands.</summary>
/// <param name="Stage">What is being done: <c>trained: features of train</c>, <c>trained: knn</c>.</param>
/// <param name="Done">Samples done; 0 for probes.</param>
/// <param name="Total">Samples in all; 0 for probes.</param>
/// <param name="Result">A probe's result that has just come.</param>
public sealed record EvaluationProgress(string Stage, int Done = 0, int Total = 0, ProbeResult? Result = null);

/// <summary>What an evaluation found.</summary>
/// <param name="Probes">Results: the trained encoder first, then the baselines.</param>
/// <param name="TrainSamples">Training samples that took part.</param>
/// <param name="TestSamples">Test samples that took part.</param>
/// <param name="Model">The model's folder.</param>
public sealed record EvaluationReport(IReadOnlyList<ProbeResult> Probes, int TrainSamples, int TestSamples, string Model)
{
    /// <summary>The document that <c>tandem evaluate --json</c> prints.</summary>
    /// <param name="train">The training data, as it was given.</param>
    /// <param name="test">The test data, as it was given.</param>
    public JsonObject ToJson(string train, string test) => new()
    {
        ["probes"] = new JsonArray([.. Probes.Select(result => (JsonNode)result.ToJson())]),
        ["train"] = new JsonObject { ["path"] = train, ["samples"] = TrainSamples },
        ["test"] = new JsonObject { ["path"] = test, ["samples"] = TestSamples },
        ["model"] = Model,
    };
}

/// <summary>Judges an encoder's frozen features by probes, beside the same encoder untrained and a plain description of the samples.</summary>
public static class Evaluation
{
    /// <summary>Numbers of all features together that are held at most: 4 GiB of float32. A plain description that is larger is left out.</summary>
    const long FeatureLimit = 1L << 30;

    /// <summary>What a model of this kind can be set against: the same encoder untrained, and the plain description of its samples.</summary>
    public static IReadOnlyList<string> BaselinesOf(Preprocessing preprocessing) => ["untrained", preprocessing.Baseline];

    /// <summary>The encoders that <see cref="Run"/> would judge, without encoding anything. Whatever it would refuse at its start is refused here.</summary>
    /// <inheritdoc cref="Run"/>
    public static IReadOnlyList<string> Plan(string model, Source train, Source test, IReadOnlyList<Probe> probes, EvaluationOptions? options = null) =>
        Planned(ModelFolder.Open(ModelPath.Resolve(model)), train, test, probes, options ?? new()).Encoders;

    /// <summary>Evaluates a model.</summary>
    /// <param name="model">A model folder, a run folder or a checkpoint folder.</param>
    /// <param name="train">Samples with classes or scores that the probes learn from.</param>
    /// <param name="test">Samples that they are scored on; classes are matched by name.</param>
    /// <param name="probes">The probes.</param>
    /// <param name="options">Baselines, layer, limit, seed, device.</param>
    /// <param name="progress">Hears of every batch and result, on the calling thread.</param>
    /// <param name="cancellation">Ends the work between batches and steps.</param>
    /// <exception cref="TandemException">The model cannot be loaded; there are no labels, one class only, a test class unknown in train, or fewer samples than a probe needs.</exception>
    public static EvaluationReport Run(string model, Source train, Source test, IReadOnlyList<Probe> probes, EvaluationOptions? options = null, IProgress<EvaluationProgress>? progress = null, CancellationToken cancellation = default)
    {
        options ??= new();
        var folder = ModelFolder.Open(ModelPath.Resolve(model));
        var (layer, encoders) = Planned(folder, train, test, probes, options);
        List<ProbeResult> results = [];
        var samples = (Train: 0, Test: 0);
        foreach (var encoder in encoders)
        {
            // Told once: every encoder meets the same damaged samples.
            var (learn, judge) = Features(encoder, folder, train, test, layer, encoder == "trained" ? options : options with { Warn = null }, progress, cancellation);
            samples = (learn.Count, judge.Count);
            foreach (var probe in probes)
            {
                progress?.Report(new($"{encoder}: {probe.Name}"));
                var best = probe.BestLayer(learn, options.Seed, cancellation);
                var result = probe.Judge(learn, judge, best, encoder, cancellation);
                if (encoder != folder.Preprocessing.Baseline)
                    result.Settings["layer"] = learn.Layers > 1 ? best : layer.One ?? folder.Encoder.Trunk.Depth;
                results.Add(result);
                progress?.Report(new($"{encoder}: {probe.Name}", Result: result));
            }
        }
        return new(results, samples.Train, samples.Test, folder.Path);
    }

    // One layer (null: the last), or all of them to choose from.
    static (int? One, bool All) LayerOf(ModelFolder folder, EvaluationOptions options)
    {
        var depth = folder.Encoder.Trunk.Depth;
        return (options.Layer ?? (folder.Preprocessing is ImagePreprocessing ? "last" : "auto")) switch
        {
            "last" => (null, false),
            "auto" => (null, true),
            var text when int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number <= depth => (number, false),
            var text => throw new TandemException(ErrorKind.Usage, $"there is no layer '{text}'", "layer", $"0 to {depth}, last or auto"),
        };
    }

    // What can be known before features are made is told before.
    static ((int? One, bool All) Layer, IReadOnlyList<string> Encoders) Planned(ModelFolder folder, Source train, Source test, IReadOnlyList<Probe> probes, EvaluationOptions options)
    {
        var layer = LayerOf(folder, options);
        Check(train, test, probes, options, folder.Preprocessing.Sample);
        var baselines = Fitting(folder.Preprocessing, train, test, options);
        CheckMemory(folder, train, test, layer.All ? folder.Encoder.Trunk.Depth + 1 : 1, options);
        return (layer, [.. baselines.Prepend("trained")]);
    }

    static void Check(Source train, Source test, IReadOnlyList<Probe> probes, EvaluationOptions options, string sample)
    {
        if (probes.Any(probe => probe.TakesScores))
        {
            FeatureExtraction.RequireScores(train, "train");
            FeatureExtraction.RequireScores(test, "test");
        }
        if (probes.Any(probe => !probe.TakesScores))
            CheckClasses(train, test, probes, options);
        if (train.Parts != test.Parts)
            throw new TandemException(ErrorKind.Input, $"a training {sample} has {train.Parts} part(s), a test {sample} {test.Parts}", "test", "samples of one kind");
        if (FeatureExtraction.Overlap(train, test, sample) is { } overlap)
            options.Warn?.Invoke(overlap);
    }

    static void CheckClasses(Source train, Source test, IReadOnlyList<Probe> probes, EvaluationOptions options)
    {
        var labels = FeatureExtraction.RequireClasses(train, test, options.Limit, options.Seed);
        foreach (var knn in probes.OfType<KnnProbe>().Where(knn => knn.K > labels.Length))
            throw new TandemException(ErrorKind.Usage, $"{knn.K} neighbours were asked for, but there are only {labels.Length} training samples", "k", $"at most {labels.Length}", "Give a smaller k=, or more training data.");
    }

    static List<string> Fitting(Preprocessing preprocessing, Source train, Source test, EvaluationOptions options)
    {
        var all = BaselinesOf(preprocessing);
        var wanted = options.Baselines ?? all;
        if (wanted.FirstOrDefault(name => !all.Contains(name, StringComparer.Ordinal)) is { } unknown)
            throw new TandemException(ErrorKind.Usage, $"there is no baseline '{unknown}' for {preprocessing.Samples}", "baselines", $"{string.Join(", ", all)} or none");
        var samples = Samples(train, test, options);
        var numbers = samples * preprocessing.BaselineWidth * train.Parts;
        if (numbers <= FeatureLimit || !wanted.Contains(preprocessing.Baseline, StringComparer.Ordinal))
            return [.. wanted];
        var why = $"the {preprocessing.Baseline} of {samples} {preprocessing.Samples}, {preprocessing.BaselineWidth} numbers each, take {numbers >> 28} GiB as features";
        if (options.BaselinesRequired)
            throw new TandemException(ErrorKind.Machine, why, "baselines", $"at most {FeatureLimit >> 28} GiB", "Give limit=, or baselines=untrained.");
        options.Warn?.Invoke($"{why}; this baseline is left out (limit= makes it fit)");
        return [.. wanted.Where(name => name != preprocessing.Baseline)];
    }

    static long Samples(Source train, Source test, EvaluationOptions options) =>
        Math.Min(train.Count, options.Limit ?? int.MaxValue) + (long)Math.Min(test.Count, options.Limit ?? int.MaxValue);

    // Known before hours of encoding.
    static void CheckMemory(ModelFolder folder, Source train, Source test, int layers, EvaluationOptions options)
    {
        var samples = Samples(train, test, options);
        var numbers = samples * train.Parts * layers * folder.Encoder.Trunk.Block.Width;
        if (numbers > FeatureLimit)
        {
            throw new TandemException(ErrorKind.Machine, $"features of {samples} {folder.Preprocessing.Samples}, {layers} layer(s) of {folder.Encoder.Trunk.Block.Width} numbers each, take {numbers >> 28} GiB",
                "layer", $"at most {FeatureLimit >> 28} GiB", layers > 1 ? "Give layer=last (or a number) instead of a choice among all, or limit=." : "Give limit=.");
        }
    }

    static (SampleFeatures Train, SampleFeatures Test) Features(string name, ModelFolder folder, Source train, Source test, (int? One, bool All) layer, EvaluationOptions options, IProgress<EvaluationProgress>? progress, CancellationToken cancellation)
    {
        if (name == folder.Preprocessing.Baseline)
            return Both(name, train, test, 1, options, progress, (source, made) => FeatureExtraction.Plain(folder.Preprocessing, source, made, cancellation));
        using var encoder = name == "trained" ? Encoder.Load(folder.Path, options.Device, options.Precision) : Encoder.Untrained(folder.Encoder, folder.Preprocessing, options.Seed, options.Device, options.Precision);
        return Both(name, train, test, layer.All ? encoder.Layers : 1, options, progress, (source, made) => encoder.Features(source, made with { Layer = layer.One, AllLayers = layer.All }, cancellation));
    }

    static (SampleFeatures Train, SampleFeatures Test) Both(string name, Source train, Source test, int layers, EvaluationOptions options, IProgress<EvaluationProgress>? progress, Func<Source, FeatureOptions, IEnumerable<FeatureBlock>> blocks)
    {
        return (One(train, "train"), One(test, "test"));

        SampleFeatures One(Source source, string what)
        {
            var skipped = 0;
            var made = new FeatureOptions
            {
                Batch = options.Batch,
                Limit = options.Limit,
                Seed = options.Seed,
                Progress = (done, total) => progress?.Report(new($"{name}: features of {what}", done, total)),
                Skipped = bad =>
                {
                    if (++skipped > Math.Max(1, source.Count / 100))
                        throw new TandemException(ErrorKind.Input, $"{skipped} {what} samples so far cannot be read, the last: {bad.Reason}", bad.Name, $"at most 1 % of {source.Count}", "Repair or remove them.");
                    options.Warn?.Invoke($"{bad.Reason}; left out");
                },
            };
            return FeatureExtraction.Gather(blocks(source, made), source, what, layers);
        }
    }
}
