using System.Text.Json.Nodes;
using Tandem.Models.Formats;

namespace Tandem.Runs;

/// <summary>A recipe's value that runs do not share.</summary>
/// <param name="Key">Its dotted key; <c>recipe</c> for the recipe's name.</param>
/// <param name="Values">The value in each run; null where the run has no such key or holds none.</param>
/// <param name="Texts">The values as people read them; a dash where the run has no such key.</param>
public sealed record ComparedValue(string Key, IReadOnlyList<JsonNode?> Values, IReadOnlyList<string> Texts);

/// <summary>A number of each run.</summary>
/// <param name="Name">As metrics call it: <c>loss</c>, <c>eval/knn</c>, <c>seconds</c>, <c>samples_per_second</c>.</param>
/// <param name="Last">The last one of each run; null where there is none.</param>
/// <param name="Best">The least loss, the highest evaluation; null for numbers that have no better and worse.</param>
public sealed record ComparedMetric(string Name, IReadOnlyList<double?> Last, IReadOnlyList<double?>? Best = null)
{
    /// <summary>One row or two of a table, numbers with their units: the last values, and the best where these are others.</summary>
    public IEnumerable<(string Name, IReadOnlyList<string> Values)> Rows
    {
        get
        {
            yield return (Name, [.. Last.Select(Text)]);
            if (Best is not null && !Best.SequenceEqual(Last))
                yield return (Name + ", best", [.. Best.Select(Text)]);
        }
    }

    string Text(double? number) => number is not { } value ? "–" : Name switch
    {
        "steps" or "samples" => Units.Count((long)value),
        "seconds" => Units.Time(value),
        _ when RunDescription.IsEvaluation(Name) && Last.All(other => other is null or (>= 0 and <= 1)) => Units.Percent(value),
        _ => Units.Number(value),
    };
}

/// <summary>Runs side by side: in what their recipes differ, and what came out, at their ends and after equal time.</summary>
public sealed class RunComparison
{
    // The folder tells where a run lies, not what it does.
    static readonly string[] Places = ["run.folder"];

    readonly List<List<MetricsLine>> metrics;

    RunComparison(IReadOnlyList<RunFolder> runs)
    {
        Paths = [.. runs.Select(run => run.Path)];
        Names = NamesOf(Paths);
        var statuses = runs.Select(run => run.Status()).ToList();
        States = [.. runs.Zip(statuses, RunJudgement.State)];
        Verdicts = [.. statuses.Select(status => status.Verdict)];
        metrics = [.. runs.Select(run => Metrics.Read(run.MetricsPath).ToList())];
        Differences = Differ([.. runs.Select(run => run.Recipe())]);
        Scores = [.. metrics.SelectMany(lines => lines.SelectMany(line => line.Values.Keys)).Where(RunDescription.IsEvaluation).Distinct(StringComparer.Ordinal)];
        Numbers =
        [
            new("steps", [.. statuses.Select(status => (double?)status.Step)]),
            new("samples", [.. statuses.Select(status => (double?)status.Samples)]),
            new("seconds", [.. statuses.Select(status => (double?)status.Seconds)]),
            new("samples_per_second", [.. metrics.Select(ReportCurves.MedianThroughput)]),
            new("loss", [.. metrics.Select(lines => At(lines, "loss", null))], [.. metrics.Select(lines => Of(lines, "loss").Min(point => (double?)point.Y))]),
            .. Scores.Select(score => new ComparedMetric(score, [.. metrics.Select(lines => At(lines, score, null))], [.. metrics.Select(lines => Of(lines, score).Max(point => (double?)point.Y))])),
        ];
        var ends = metrics.ConvertAll(lines => lines.Select(line => line.Values.GetValueOrDefault("seconds", double.NaN)).LastOrDefault(double.IsFinite, double.NaN));
        Seconds = ends.TrueForAll(end => double.IsFinite(end) && end > 0) ? ends.Min() : null;
        AtSeconds = Seconds is not { } time ? [] :
        [
            new("steps", [.. metrics.Select(lines => (double?)Timed(lines).Where(line => line.Seconds <= time).Select(line => line.Line.Step).LastOrDefault())]),
            new("loss", [.. metrics.Select(lines => At(lines, "loss", time))]),
            .. Scores.Select(score => new ComparedMetric(score, [.. metrics.Select(lines => At(lines, score, time))])),
        ];
    }

    /// <summary>Compares runs; other processes may be writing to them.</summary>
    /// <param name="paths">Their folders, two or more.</param>
    /// <exception cref="TandemException">There is no run, or one is given twice (<see cref="ErrorKind.Usage"/>); a status is damaged (<see cref="ErrorKind.Input"/>).</exception>
    public static RunComparison Of(IReadOnlyList<string> paths)
    {
        var whole = paths.Select(path => Path.TrimEndingDirectorySeparator(Path.GetFullPath(path))).ToList();
        if (paths.Count < 2 || whole.Distinct(StringComparer.Ordinal).Count() < paths.Count)
            throw new TandemException(ErrorKind.Usage, paths.Count < 2 ? "one run alone cannot be compared" : "a run is given twice", string.Join(", ", paths), "two or more different run folders");
        List<RunFolder> runs = [];
        try
        {
            runs.AddRange(paths.Select(RunFolder.Read));
            return new(runs);
        }
        finally
        {
            runs.ForEach(run => run.Dispose());
        }
    }

    /// <summary>The folders.</summary>
    public IReadOnlyList<string> Paths { get; }

    /// <summary>Names that tell the runs apart: as much of the end of each path as that takes.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>What each is doing; see <see cref="ListedRun"/>.</summary>
    public IReadOnlyList<string> States { get; }

    /// <summary>Each run's verdict; null before the first judgement.</summary>
    public IReadOnlyList<string?> Verdicts { get; }

    /// <summary>The recipe values in which the runs differ; the run's folder is left out.</summary>
    public IReadOnlyList<ComparedValue> Differences { get; }

    /// <summary>What came out: steps, samples, seconds, throughput (median), loss, evaluations.</summary>
    public IReadOnlyList<ComparedMetric> Numbers { get; }

    /// <summary>The longest time that all runs have logged; null where one has logged none.</summary>
    public double? Seconds { get; }

    /// <summary>The last values up to <see cref="Seconds"/>.</summary>
    public IReadOnlyList<ComparedMetric> AtSeconds { get; }

    /// <summary>The names of all evaluations.</summary>
    internal IReadOnlyList<string> Scores { get; }

    /// <summary>The comparison as a document; numbers that are not finite are null.</summary>
    public JsonObject ToJson() => new()
    {
        ["runs"] = new JsonArray([.. Enumerable.Range(0, Paths.Count).Select(i => (JsonNode)new JsonObject { ["name"] = Names[i], ["path"] = Paths[i], ["state"] = States[i], ["verdict"] = Verdicts[i] })]),
        ["differences"] = new JsonArray([.. Differences.Select(row => (JsonNode)new JsonObject { ["key"] = row.Key, ["values"] = new JsonArray([.. row.Values.Select(value => value?.DeepClone())]) })]),
        ["numbers"] = Json(Numbers),
        ["seconds"] = RunDescription.Number(Seconds),
        ["at_seconds"] = Json(AtSeconds),
    };

    /// <summary>Writes one self-contained page with tables and the runs' curves over each other.</summary>
    /// <exception cref="TandemException">The disk is full or refuses (<see cref="ErrorKind.Machine"/>).</exception>
    public void WritePage(string path) => AtomicFile.WriteText(path, RunComparisonPage.Html(this));

    /// <summary>The finite values of a run by step.</summary>
    internal IReadOnlyList<(double X, double Y)> OverSteps(int run, string metric) => Of(metrics[run], metric);

    /// <summary>The finite values of a run by seconds.</summary>
    internal IReadOnlyList<(double X, double Y)> OverSeconds(int run, string metric) =>
        [.. Timed(metrics[run]).Where(line => Has(line.Line, metric)).Select(line => (line.Seconds, line.Line.Values[metric]))];

    static JsonArray Json(IEnumerable<ComparedMetric> numbers) => new([.. numbers.Select(number =>
    {
        var json = new JsonObject { ["name"] = number.Name, ["last"] = new JsonArray([.. number.Last.Select(RunDescription.Number)]) };
        if (number.Best is not null)
            json["best"] = new JsonArray([.. number.Best.Select(RunDescription.Number)]);
        return (JsonNode)json;
    })]);

    static bool Has(MetricsLine line, string metric) => line.Values.TryGetValue(metric, out var value) && double.IsFinite(value);

    static List<(double X, double Y)> Of(IEnumerable<MetricsLine> lines, string metric) => [.. lines.Where(line => Has(line, metric)).Select(line => ((double)line.Step, line.Values[metric]))];

    static double? At(List<MetricsLine> lines, string metric, double? seconds) =>
        Timed(lines).Where(line => (seconds is null || line.Seconds <= seconds) && Has(line.Line, metric)).Select(line => (double?)line.Line.Values[metric]).LastOrDefault();

    /// <summary>Lines with their time; one that has none of its own (an evaluation) has that of the line before.</summary>
    static IEnumerable<(double Seconds, MetricsLine Line)> Timed(IEnumerable<MetricsLine> lines)
    {
        double seconds = 0;
        foreach (var line in lines)
        {
            if (Has(line, "seconds"))
                seconds = line.Values["seconds"];
            yield return (seconds, line);
        }
    }

    static List<ComparedValue> Differ(List<JsonObject> recipes)
    {
        var values = recipes.ConvertAll(recipe => RunContents.RecipeValues(recipe).DistinctBy(row => row.Key).ToDictionary(row => row.Key, row => row.Value));
        var keys = values.SelectMany(recipe => recipe.Keys).Distinct(StringComparer.Ordinal).Except(Places, StringComparer.Ordinal);
        return
        [
            .. new[] { Row("recipe", [.. recipes.Select(recipe => recipe["name"])], [.. recipes.Select(recipe => recipe["name"] is not null)]) }
                .Concat(keys.Select(key => Row(key, [.. values.Select(recipe => recipe.GetValueOrDefault(key))], [.. values.Select(recipe => recipe.ContainsKey(key))])))
                .Where(row => row.Texts.Skip(1).Any(text => text != row.Texts[0]) || row.Values.Skip(1).Any(value => !JsonNode.DeepEquals(value, row.Values[0]))),
        ];
    }

    static ComparedValue Row(string key, List<JsonNode?> values, List<bool> known) => new(key, values, [.. values.Zip(known, (value, has) => has ? RunContents.Plain(value) : "–")]);

    static List<string> NamesOf(IReadOnlyList<string> paths)
    {
        var parts = paths.Select(path => Path.TrimEndingDirectorySeparator(Path.GetFullPath(path)).Split(Path.DirectorySeparatorChar)).ToList();
        for (var taken = 1; ; taken++)
        {
            var names = parts.ConvertAll(part => string.Join('/', part.TakeLast(taken)));
            if (names.Distinct(StringComparer.Ordinal).Count() == names.Count || taken >= parts.Max(part => part.Length))
                return names;
        }
    }
}
