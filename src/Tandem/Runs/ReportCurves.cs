using System.Text;

namespace Tandem.Runs;

/// <summary>The curves of a report, by what they tell: learning, evaluation, health, pace.</summary>
static class ReportCurves
{
    /// <summary>What is logged, in words and in the order of the diagrams; the rest keeps its names and comes last.</summary>
    static readonly (string Name, string Title, string About)[] Known =
    [
        ("variance", "Variance", "how much a feature differs from sample to sample; near 0 means collapse"),
        ("effective_rank", "Effective rank", "how many directions the features use"),
        ("cosine_samples", "Cosine between samples", "near 1: all samples look alike to the network"),
        ("cosine_positions", "Cosine between positions", "near 1: all places of a sample look alike"),
        ("sample_share", "Share of samples in the variance", "near 0: features tell the position, but not the sample"),
        ("position_share", "Share of positions in the variance", "near 0: features are the same at all positions of a sample"),
        ("periodicity", "Periodicity", "near 1: features repeat along the sequence, whatever it holds"),
        ("prediction_deviation", "Deviation of predictions", "standard deviation over masked places, mean over channels; near 0 means collapse"),
        ("target_deviation", "Deviation of targets", "standard deviation over masked places, mean over channels; near 0 means collapse"),
        ("masked_share", "Masked share", "how much of a sample the student does not see"),
        ("gradient_norm", "Gradient norm", "length of the gradient before clipping"),
        ("teacher_decay", "Teacher's decay", "how much of the teacher stays at each update"),
        ("waiting", "Waiting for data", "share of the time"),
    ];

    /// <summary>The places where gauges are read, in the order of the computation.</summary>
    static readonly string[] Places = ["local", "local_features", "student", "student_output", "prediction", "predictions", "target", "targets"];

    /// <summary>The sections.</summary>
    /// <param name="metrics">What was logged.</param>
    /// <param name="expected">Curves to compare with, by the names of metrics.</param>
    public static IEnumerable<string> Sections(IReadOnlyList<MetricsLine> metrics, Reference expected)
    {
        IEnumerable<Series> Reference(string key, string name = "reference") => expected.Curves.TryGetValue(key, out var points) ? [new Series(name, points, Reference: true)] : [];
        string About(string text, params IEnumerable<string> keys) =>
            keys.Any(expected.Curves.ContainsKey) && expected.Data.Length > 0 ? $"{text}{(text.Length > 0 ? "; " : "")}reference: the recipe on {expected.Data}" : text;

        var names = metrics.SelectMany(line => line.Values.Keys).Distinct(StringComparer.Ordinal).ToList();
        var used = new HashSet<string>(["samples", "seconds", "loss", "lr", "samples_per_second"], StringComparer.Ordinal);
        List<string> Under(string prefix)
        {
            List<string> found = [.. names.Where(name => name.StartsWith(prefix, StringComparison.Ordinal))];
            used.UnionWith(found);
            return found;
        }

        List<string> learning = [];
        if (names.Contains("loss"))
            learning.Add(new Chart([Curve(metrics, "loss", "loss"), .. Reference("loss")], positive: true).Figure("Loss", About("", "loss")));
        if (Under("loss/") is { Count: > 0 } parts)
            learning.Add(new Chart([.. parts.Select(part => Curve(metrics, part, part["loss/".Length..])), .. parts.SelectMany(part => Reference(part, $"{part["loss/".Length..]}, reference"))], positive: true).Figure("Parts of the loss", About("", parts)));
        yield return Section("Learning", learning);

        var scores = Under("eval/");
        yield return Section("Evaluation", scores.Count == 0 ? [] : Families(scores).Select(family =>
            new Chart([.. family.Select(score => Curve(metrics, score, Short(score), marks: true)), .. family.SelectMany(score => Reference(score, score == family[0] ? "reference" : $"{Short(score)}, reference"))], percent: family.All(score => Report.Values(metrics, score).TrueForAll(value => value is >= 0 and <= 1)))
                .Figure(Title(family[0]), About("frozen features judged while training goes on", family))));

        yield return Section("Health", Under("gauge/").GroupBy(name => name[(name.LastIndexOf('/') + 1)..], StringComparer.Ordinal)
            .OrderBy(gauge => Array.FindIndex(Known, known => known.Name == gauge.Key) is var place and >= 0 ? place : int.MaxValue)
            .Select(gauge =>
            {
                var (title, about) = InWords(gauge.Key);
                return new Chart([.. gauge.OrderBy(name => Order(Place(name))).Select(name => Curve(metrics, name, Place(name).Replace('_', ' ')))], positive: gauge.Key == "variance").Figure(title, about);
            }));

        List<string> pace = [];
        if (names.Contains("lr"))
            pace.Add(new Chart([Curve(metrics, "lr", "learning rate")]).Figure("Learning rate", "at each update"));
        if (Throughput(metrics) is { Count: > 1 } speed)
            pace.Add(new Chart([new Series("samples per second", speed)]).Figure("Throughput", "samples per second, by the median of the last 100 steps"));
        foreach (var name in names.Where(name => name.EndsWith("_bytes", StringComparison.Ordinal) && used.Add(name)))
            pace.Add(new Chart([new Series("GiB", [.. Curve(metrics, name, "").Points.Select(point => (point.X, point.Y / (1 << 30)))])]).Figure(Capital(name[..^"_bytes".Length])));
        pace.AddRange(names.Where(name => !used.Contains(name)).Select(name =>
        {
            var (title, about) = InWords(name);
            return new Chart([Curve(metrics, name, title)], positive: name.Contains("norm", StringComparison.Ordinal)).Figure(title, about);
        }));
        yield return Section("Pace and schedule", pace);
    }

    /// <summary>Samples a second between logged steps: as logged, or from samples and seconds.</summary>
    public static List<(double X, double Y)> Throughput(IReadOnlyList<MetricsLine> metrics)
    {
        if (metrics.Any(line => line.Values.ContainsKey("samples_per_second")))
            return [.. Curve(metrics, "samples_per_second", "").Points];
        List<(double X, double Y)> points = [];
        MetricsLine? before = null;
        foreach (var line in metrics.Where(line => line.Values.ContainsKey("samples") && line.Values.ContainsKey("seconds")))
        {
            if (before is not null && line.Values["seconds"] > before.Values["seconds"])
                points.Add((line.Step, (line.Values["samples"] - before.Values["samples"]) / (line.Values["seconds"] - before.Values["seconds"])));
            before = line;
        }
        return points;
    }

    /// <summary>The middle of the throughput; null where it is not known.</summary>
    public static double? MedianThroughput(IReadOnlyList<MetricsLine> metrics) =>
        Throughput(metrics).Select(point => point.Y).Where(double.IsFinite).Order().ToList() is { Count: > 0 } speed ? speed[speed.Count / 2] : null;

    static Series Curve(IEnumerable<MetricsLine> metrics, string key, string name, bool marks = false) =>
        new(name, [.. metrics.Where(line => line.Values.ContainsKey(key)).Select(line => ((double)line.Step, line.Values[key]))], marks);

    internal static string Section(string title, IEnumerable<string> figures)
    {
        var html = new StringBuilder();
        foreach (var figure in figures)
            html.Append(figure);
        return html.Length == 0 ? "" : $"<section><h2>{title}</h2>\n<div class=\"charts\">\n{html}</div></section>\n";
    }

    /// <summary>Scores that belong into one diagram: <c>eval/knn</c> with <c>eval/knn_untrained</c> and the like.</summary>
    static List<List<string>> Families(List<string> scores) => [.. scores.GroupBy(score => score.Split('_', '.')[0], StringComparer.Ordinal).Select(family => family.ToList())];

    static string Title(string score) => score["eval/".Length..].Split('_', '.')[0] switch
    {
        "knn" => "kNN",
        "linear" => "Linear probe",
        "attentive" => "Attentive probe",
        var other => Capital(other),
    };

    /// <summary>A score alone: "kNN", "kNN untrained".</summary>
    public static string FullTitle(string score) => Title(score) + (score.IndexOfAny(['_', '.']) is var at and > 0 ? " " + score[(at + 1)..].Replace('_', ' ') : "");

    /// <summary>Within its family a score is told by what follows: "untrained"; the score itself is the trained encoder's.</summary>
    static string Short(string score) => score.IndexOfAny(['_', '.']) is var at and > 0 ? score[(at + 1)..].Replace('_', ' ') : "this encoder";

    /// <summary>A logged number in words: its title, and what it means or nothing.</summary>
    internal static (string Title, string About) InWords(string name) => Array.Find(Known, known => known.Name == name) is { Title: not null } known ? (known.Title, known.About) : (Capital(name), "");

    static string Place(string gauge) => gauge.Split('/') is { Length: > 2 } parts ? string.Join(' ', parts[1..^1]) : "value";

    static int Order(string place) => Array.IndexOf(Places, place) is var at and >= 0 ? at : int.MaxValue;

    static string Capital(string name) => name.Length == 0 ? name : char.ToUpperInvariant(name[0]) + name[1..].Replace('_', ' ').Replace('/', ' ');
}
