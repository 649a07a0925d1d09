using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Tandem.Models.Formats;

namespace Tandem.Runs;

/// <summary>
/// <c>report.html</c>: one self-contained page made from what lies in a run folder. It asks nothing of the network and reads well on a desk,
/// on a phone, on paper, by day and by night.
/// </summary>
public static class Report
{
    /// <summary>Writes the report, as a rule into the run's folder.</summary>
    /// <param name="run">The run.</param>
    /// <param name="path">Another file to write to.</param>
    /// <returns>The file's path.</returns>
    /// <exception cref="TandemException">The disk is full or refuses (<see cref="ErrorKind.Machine"/>).</exception>
    public static string Write(RunFolder run, string? path = null)
    {
        path ??= run["report.html"];
        AtomicFile.WriteText(path, Html(run));
        return path;
    }

    /// <summary>The page.</summary>
    public static string Html(RunFolder run)
    {
        var metrics = Metrics.Read(run.MetricsPath).ToList();
        var status = run.Status();
        var environment = run.Environment();
        var recipe = run.Recipe();
        var name = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(run.Path)));
        var html = new StringBuilder();
        var looked = LookedSamples.Read(run);
        var (tiles, maps) = (new ReportTiles(looked), MapSamples.ReadAll(run, looked));
        html.Append(Head(name, tiles.Style));
        Header(html, run, name, status, recipe, environment, metrics);
        Figures(html, status, metrics);
        foreach (var section in ReportCurves.Sections(metrics, RunContents.Expected(recipe, status.Steps)))
            html.Append(section);
        html.Append(ReportSamples.Masked(MaskedSamples.ReadAll(run)));
        html.Append(ReportMap.Section(maps, tiles));
        html.Append(ReportSamples.Section(NeighbourSamples.ReadAll(run), tiles));
        html.Append(ReportNotable.Sections(maps, tiles));
        html.Append(ReportTables.Recipe(recipe));
        html.Append(ReportTables.Environment(environment));
        html.Append(ReportTables.Cost(run, status, environment, metrics));
        html.Append(Foot(environment, name));
        return html.ToString();
    }

    /// <summary>What stands before the contents of a page.</summary>
    /// <param name="title">The page's title.</param>
    /// <param name="style">Style of this page alone: an element, or empty.</param>
    internal static string Head(string title, string style = "") => $"""
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:">
        <title>{Text(title)} · Tandem</title>
        <style>
        {Asset("report.css")}
        </style>
        {style}</head>
        <body>
        <main>

        """;

    /// <summary>What stands after the contents of a page.</summary>
    internal static string Foot(JsonObject environment, string from) => string.Create(CultureInfo.InvariantCulture, $"""
        <footer>Made by Tandem {Text((string?)environment["tandem"] ?? "")} on {DateTimeOffset.UtcNow:yyyy-MM-dd HH:mm} UTC from {Text(from)}. This page asks nothing of the network.</footer>
        </main>
        <script>
        {Asset("report.js")}
        </script>
        </body>
        </html>

        """);

    static void Header(StringBuilder html, RunFolder run, string name, RunStatus status, JsonObject recipe, JsonObject environment, List<MetricsLine> metrics)
    {
        var state = RunJudgement.State(run, status);
        var lost = state == "interrupted";
        var mood = lost ? "warn" : status.State switch { RunState.Finished => "good", RunState.Collapsed or RunState.Failed => "bad", RunState.Stopped => "warn", _ => "calm" };
        var facts = new[]
        {
            (string?)recipe["name"] is { } from ? $"recipe {from}" : null,
            status.Started?.ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture),
            (string?)environment["machine"],
        };
        // The verdict comes first: it says whether the rest is worth reading.
        var (verdict, verdictMood) = (RunJudgement.Word(status), VerdictMood(status.Verdict ?? ""));
        html.Append(CultureInfo.InvariantCulture, $"<header><p class=\"facts\">{Text(string.Join(" · ", facts.OfType<string>()))}</p>\n<h1>{Text(name)}</h1>\n<p class=\"pills\"><span class=\"pill {verdictMood}\">{Text(verdict)}</span>");
        if (verdict != state)
            html.Append(CultureInfo.InvariantCulture, $"<span class=\"pill {mood}\">{state}</span>");
        html.Append(CultureInfo.InvariantCulture, $"</p></header>\n<p class=\"note {verdictMood}\">{Text(RunJudgement.Sentence(status, metrics))}</p>\n");
        if (status.Error is { Length: > 0 } error)
            html.Append(CultureInfo.InvariantCulture, $"<p class=\"note bad\">{Text(error)}</p>\n");
        if (lost)
            html.Append(CultureInfo.InvariantCulture, $"<p class=\"note warn\">The run ended without saying so. <code>tandem resume {Text(run.Path)}</code> goes on from {Text(status.Last ?? "its beginning")}.</p>\n");
    }

    static void Figures(StringBuilder html, RunStatus status, List<MetricsLine> metrics)
    {
        html.Append("<section class=\"figures\">\n");
        var loss = Values(metrics, "loss");
        if (loss.Count > 0)
            Figure(html, "Loss", Units.Number(loss[^1]), loss.Count > 1 ? $"from {Units.Number(loss[0])}" : "");
        foreach (var (key, label) in new[] { ("eval/knn", "kNN accuracy"), ("eval/linear", "Linear probe") })
        {
            if (Values(metrics, key) is { Count: > 0 } scores)
                Figure(html, label, Units.Percent(scores[^1]), scores.Count > 1 ? $"from {Units.Percent(scores[0])}, best {Units.Percent(scores.Max())}" : "");
        }
        Figure(html, "Steps", Units.Count(status.Step), status.Steps > 0 ? $"of {Units.Count(status.Steps)} ({Units.Percent((double)status.Step / status.Steps)})" : "");
        Figure(html, "Time", Units.Time(status.Seconds), status is { State: RunState.Running, Eta: { } eta } ? $"{Units.Time(eta)} to go" : "");
        if (ReportCurves.MedianThroughput(metrics) is { } speed)
            Figure(html, "Throughput", Units.Number(speed), "samples per second, median");
        if (status.Samples > 0)
            Figure(html, "Samples seen", Units.Count(status.Samples), "");
        if (status is { Best: { } best, BestValue: { } value })
            Figure(html, "Best checkpoint", Checkpoints.StepOf(best) is { } step ? $"step {Units.Count(step)}" : best, $"{status.BestBy} {(value is >= 0 and <= 1 ? Units.Percent(value) : Units.Number(value))}");
        html.Append("</section>\n");
    }

    static void Figure(StringBuilder html, string label, string value, string about) =>
        html.Append(CultureInfo.InvariantCulture, $"<div><span>{Text(label)}</span><b>{Text(value)}</b><small>{Text(about)}</small></div>\n");

    static string VerdictMood(string verdict) => verdict switch { "healthy" => "good", "suspicious" => "warn", "collapsed" => "bad", _ => "calm" };

    internal static List<double> Values(IEnumerable<MetricsLine> metrics, string key) =>
        [.. metrics.Select(line => line.Values.TryGetValue(key, out var value) ? value : double.NaN).Where(double.IsFinite)];

    internal static string Text(string? text) => WebUtility.HtmlEncode(text ?? "");

    static string Asset(string name)
    {
        using var reader = new StreamReader(typeof(Report).Assembly.GetManifestResourceStream("runs/" + name) ?? throw new InvalidOperationException($"the asset {name} is missing"));
        return reader.ReadToEnd().TrimEnd();
    }
}
