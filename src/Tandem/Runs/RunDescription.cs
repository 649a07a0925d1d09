using System.Text.Json.Nodes;

namespace Tandem.Runs;

/// <summary>A value of a run's recipe.</summary>
/// <param name="Key">Its dotted key.</param>
/// <param name="Value">The value.</param>
/// <param name="Origin">Who set it: <c>recipe NAME:LINE</c>, <c>command line</c>, <c>default</c>.</param>
public sealed record RunValue(string Key, JsonNode? Value, string Origin)
{
    /// <summary>The value as people read it.</summary>
    public string Text => RunContents.Plain(Value);
}

/// <summary>A checkpoint of a run.</summary>
/// <param name="Name">Its name: <c>step-00000500</c>.</param>
/// <param name="Path">Its folder.</param>
/// <param name="Step">Updates done.</param>
/// <param name="Bytes">Its size.</param>
/// <param name="IsLast">Whether it is the one that the run would go on from.</param>
/// <param name="IsBest">Whether it is the best.</param>
public sealed record RunCheckpoint(string Name, string Path, long Step, long Bytes, bool IsLast, bool IsBest);

/// <summary>Everything that one asks of a run: how it stands, what was chosen, what came out, where it lies.</summary>
public sealed class RunDescription
{
    RunDescription(RunFolder run)
    {
        Path = run.Path;
        Status = run.Status();
        State = RunJudgement.State(run, Status);
        var metrics = Metrics.Read(run.MetricsPath).ToList();
        Verdict = Status.Verdict;
        Reason = RunJudgement.Sentence(Status, metrics);
        var recipe = run.Recipe();
        Recipe = recipe["name"] is JsonValue name ? name.ToString() : null;
        var values = RunContents.RecipeValues(recipe).ConvertAll(row => new RunValue(row.Key, row.Value, row.Origin));
        Chosen = values.FindAll(value => value.Origin != "default");
        Defaults = values.Count - Chosen.Count;
        Last = metrics.Count == 0 ? null : metrics[^1];
        Evaluations = [.. metrics.Select(line => new MetricsLine(line.Step, line.Values.Where(value => IsEvaluation(value.Key)).ToDictionary())).Where(line => line.Values.Count > 0)];
        var last = System.IO.Path.GetFileName(run.LastCheckpoint());
        Checkpoints = [.. run.Checkpoints.Steps.Select(Runs.Checkpoints.NameOf).Select(checkpoint => new RunCheckpoint(
            checkpoint, run.Checkpoints.PathOf(checkpoint), Runs.Checkpoints.StepOf(checkpoint)!.Value, RunContents.Size(run.Checkpoints.PathOf(checkpoint)), checkpoint == last, checkpoint == Status.Best))];
        Files = [.. new[] { "report.html", "metrics.jsonl", "recipe.json", "environment.json", "train.log" }.Select(file => run[file]).Where(File.Exists)];
        Bytes = RunContents.Size(run.Path);
        SamplesPerSecond = ReportCurves.MedianThroughput(metrics);
    }

    /// <summary>Reads a run; another process may be writing to it.</summary>
    /// <param name="path">Its folder.</param>
    /// <exception cref="TandemException">There is no run (<see cref="ErrorKind.Usage"/>); its status is damaged (<see cref="ErrorKind.Input"/>).</exception>
    public static RunDescription Of(string path)
    {
        using var run = RunFolder.Read(path);
        return new(run);
    }

    /// <summary>The folder.</summary>
    public string Path { get; }

    /// <summary>What it is doing; see <see cref="ListedRun"/>.</summary>
    public string State { get; }

    /// <summary>Its status.</summary>
    public RunStatus Status { get; }

    /// <summary><c>healthy</c>, <c>suspicious</c> or <c>collapsed</c>; null before the first judgement.</summary>
    public string? Verdict { get; }

    /// <summary>What the verdict rests on, for healthy runs too.</summary>
    public string Reason { get; }

    /// <summary>The recipe's name.</summary>
    public string? Recipe { get; }

    /// <summary>The recipe's values that are no defaults.</summary>
    public IReadOnlyList<RunValue> Chosen { get; }

    /// <summary>How many values are defaults.</summary>
    public int Defaults { get; }

    /// <summary>What was logged last; null before anything was.</summary>
    public MetricsLine? Last { get; }

    /// <summary>The evaluations through time: values whose names begin with <c>eval/</c>.</summary>
    public IReadOnlyList<MetricsLine> Evaluations { get; }

    /// <summary>The checkpoints, the oldest first.</summary>
    public IReadOnlyList<RunCheckpoint> Checkpoints { get; }

    /// <summary>Files of the run that people look at, as far as they exist.</summary>
    public IReadOnlyList<string> Files { get; }

    /// <summary>What the folder takes on the disk.</summary>
    public long Bytes { get; }

    /// <summary>The middle of the throughput; null while it is not known.</summary>
    public double? SamplesPerSecond { get; }

    /// <summary>The description as a document; numbers that are not finite are null.</summary>
    public JsonObject ToJson() => new()
    {
        ["run"] = Path,
        ["state"] = State,
        ["verdict"] = Verdict,
        ["reason"] = Reason,
        ["error"] = Status.Error,
        ["recipe"] = Recipe,
        ["step"] = Status.Step,
        ["steps"] = Status.Steps,
        ["samples"] = Status.Samples,
        ["seconds"] = Number(Status.Seconds),
        ["eta"] = Number(Status.Eta),
        ["loss"] = Number(Status.Loss),
        ["samples_per_second"] = Number(SamplesPerSecond),
        ["started"] = Status.Started?.UtcDateTime,
        ["heartbeat"] = Status.Heartbeat?.UtcDateTime,
        ["host"] = Status.Host,
        ["chosen"] = new JsonArray([.. Chosen.Select(value => (JsonNode)new JsonObject { ["key"] = value.Key, ["value"] = value.Value?.DeepClone(), ["origin"] = value.Origin })]),
        ["defaults"] = Defaults,
        ["metrics"] = Last is null ? null : Line(Last),
        ["evaluations"] = new JsonArray([.. Evaluations.Select(line => (JsonNode)Line(line))]),
        ["checkpoints"] = new JsonArray([.. Checkpoints.Select(checkpoint => (JsonNode)new JsonObject
        {
            ["name"] = checkpoint.Name,
            ["path"] = checkpoint.Path,
            ["step"] = checkpoint.Step,
            ["bytes"] = checkpoint.Bytes,
            ["last"] = checkpoint.IsLast,
            ["best"] = checkpoint.IsBest,
        })]),
        ["files"] = new JsonArray([.. Files.Select(file => (JsonNode)file)]),
        ["bytes"] = Bytes,
    };

    internal static bool IsEvaluation(string metric) => metric.StartsWith("eval/", StringComparison.Ordinal);

    internal static JsonNode? Number(double? value) => value is { } number && double.IsFinite(number) ? number : null;

    static JsonObject Line(MetricsLine line) => new(line.Values.Select(value => KeyValuePair.Create(value.Key, Number(value.Value))).Prepend(KeyValuePair.Create("step", (JsonNode?)line.Step)));
}
