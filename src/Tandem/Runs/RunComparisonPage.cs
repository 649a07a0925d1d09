using System.Globalization;
using System.Text;

namespace Tandem.Runs;

/// <summary>A comparison as a page: what came out, in what the recipes differ, and curves over each other: loss and evaluations by steps and by time, and what tells collapse by steps.</summary>
static class RunComparisonPage
{
    // Of the many gauges those that differ most between runs that learn and runs that do not, where targets are made and where features leave the encoder.
    static readonly (string Name, string Of)[] Gauges =
    [
        ("gauge/target/sample_share", "targets"),
        ("gauge/target/effective_rank", "targets"),
        ("gauge/student/sample_share", "the student's features"),
        ("gauge/student/effective_rank", "the student's features"),
    ];

    public static string Html(RunComparison runs)
    {
        var html = new StringBuilder(Report.Head(string.Join(", ", runs.Names)));
        html.Append(CultureInfo.InvariantCulture, $"<header><p class=\"facts\">{runs.Names.Count} runs compared</p>\n<h1>{Report.Text(string.Join(" · ", runs.Names))}</h1></header>\n");
        html.Append("<section><h2>Outcome</h2>\n").Append(Table(runs, "", Outcome(runs))).Append("</section>\n");
        if (runs.Seconds is { } seconds)
        {
            html.Append(CultureInfo.InvariantCulture, $"<section><h2>After equal time</h2>\n<p class=\"about\">The last values up to {Units.Time(seconds)}, the longest time that all runs have.</p>\n");
            html.Append(Table(runs, "", runs.AtSeconds.SelectMany(number => number.Rows).Select(row => (row.Name, (IEnumerable<string>)row.Values)))).Append("</section>\n");
        }
        foreach (var section in new[] { Curves(runs, "Curves over steps", "step", 1, runs.OverSteps), Timed(runs) })
            html.Append(section);
        html.Append(Health(runs));
        html.Append("<section><h2>Recipes</h2>\n");
        html.Append(runs.Differences.Count == 0 ? "<p class=\"about\">The recipes do not differ.</p>\n" : Table(runs, "Key", runs.Differences.Select(row => (row.Key, (IEnumerable<string>)row.Texts))));
        html.Append("</section>\n");
        return html.Append(Report.Foot(RunEnvironment.Describe(), string.Join(", ", runs.Names))).ToString();
    }

    static IEnumerable<(string, IEnumerable<string>)> Outcome(RunComparison runs)
    {
        yield return ("state", runs.States);
        yield return ("verdict", runs.Verdicts.Select(verdict => verdict ?? "–"));
        foreach (var (name, values) in runs.Numbers.SelectMany(number => number.Rows))
            yield return (name, values);
    }

    static string Timed(RunComparison runs)
    {
        var longest = Enumerable.Range(0, runs.Names.Count).SelectMany(run => runs.OverSeconds(run, "loss")).Select(point => point.X).DefaultIfEmpty(0).Max();
        var (unit, size) = longest switch { <= 0 => ("", 0.0), < 180 => ("s", 1), < 3 * 3600 => ("min", 60), _ => ("h", 3600) };
        return size <= 0 ? "" : Curves(runs, "Curves over time", unit, size, runs.OverSeconds);
    }

    static string Curves(RunComparison runs, string title, string axis, double size, Func<int, string, IReadOnlyList<(double X, double Y)>> points) =>
        ReportCurves.Section(title, new[] { "loss" }.Concat(runs.Scores).Select(metric =>
        {
            var score = RunDescription.IsEvaluation(metric);
            var curves = CurvesOf(runs, run => [.. points(run, metric).Select(point => (point.X / size, point.Y))], score);
            return curves.Count == 0 ? "" : new Chart(curves, percent: score && curves.TrueForAll(curve => curve.Points.All(point => point.Y is >= 0 and <= 1)), positive: !score, axis: axis)
                .Figure(score ? ReportCurves.FullTitle(metric) : "Loss");
        }));

    static string Health(RunComparison runs) =>
        ReportCurves.Section("Health over steps", Gauges.Select(gauge =>
        {
            var (title, about) = ReportCurves.InWords(gauge.Name[(gauge.Name.LastIndexOf('/') + 1)..]);
            var curves = CurvesOf(runs, run => runs.OverSteps(run, gauge.Name));
            return curves.Count == 0 ? "" : new Chart(curves).Figure($"{title}, {gauge.Of}", about);
        }));

    // A run has the same colour in every diagram.
    static List<Series> CurvesOf(RunComparison runs, Func<int, IReadOnlyList<(double X, double Y)>> points, bool marks = false) =>
        [.. runs.Names.Select((name, run) => new Series(name, points(run), marks, Colour: run)).Where(curve => curve.Points.Count > 0)];

    static string Table(RunComparison runs, string first, IEnumerable<(string Name, IEnumerable<string> Values)> rows)
    {
        var html = new StringBuilder("<table class=\"compared\"><thead><tr>");
        foreach (var name in runs.Names.Prepend(first))
            html.Append(CultureInfo.InvariantCulture, $"<th>{Report.Text(name)}</th>");
        html.Append("</tr></thead><tbody>\n");
        foreach (var (name, values) in rows)
        {
            html.Append(CultureInfo.InvariantCulture, $"<tr><th>{Report.Text(name)}</th>");
            foreach (var value in values)
                html.Append(CultureInfo.InvariantCulture, $"<td>{Report.Text(value)}</td>");
            html.Append("</tr>\n");
        }
        return html.Append("</tbody></table>\n").ToString();
    }
}
