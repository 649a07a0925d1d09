using System.Globalization;
using System.Text;

namespace Tandem.Runs;

/// <summary>A comparison as a page: what came out, in what the recipes differ, and all curves over each other, by steps and by time.</summary>
static class RunComparisonPage
{
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
            List<Series> curves = [.. runs.Names.Select((name, run) => new Series(name, [.. points(run, metric).Select(point => (point.X / size, point.Y))], Marks: score, Colour: run)).Where(curve => curve.Points.Count > 0)];
            return curves.Count == 0 ? "" : new Chart(curves, percent: score && curves.TrueForAll(curve => curve.Points.All(point => point.Y is >= 0 and <= 1)), positive: !score, axis: axis)
                .Figure(score ? ReportCurves.FullTitle(metric) : "Loss");
        }));

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
