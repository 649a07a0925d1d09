using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;

namespace Tandem.Runs;

/// <summary>The tables of a report: recipe with origins, environment, cost.</summary>
static class ReportTables
{
    public static string Recipe(JsonObject document)
    {
        if (document["recipe"] is not JsonObject)
            return "";
        List<(string Key, string Value, string Origin)> rows = [.. RunContents.RecipeValues(document).Select(row => (row.Key, RunContents.Plain(row.Value), row.Origin))];
        var chosen = rows.Where(row => row.Origin != "default").ToList();
        var defaults = rows.Where(row => row.Origin == "default").ToList();
        var html = new StringBuilder("<section><h2>Recipe</h2>\n");
        if ((string?)document["facts"]?["source"] is { } source)
            html.Append(CultureInfo.InvariantCulture, $"<p class=\"about\">Source: {Report.Text(source)}</p>\n");
        html.Append(Table(chosen));
        if (defaults.Count > 0)
            html.Append(CultureInfo.InvariantCulture, $"<details><summary>{defaults.Count} values at their defaults</summary>{Table(defaults)}</details>\n");
        return html.Append("</section>\n").ToString();
    }

    public static string Environment(JsonObject environment)
    {
        if (environment.Count == 0)
            return "";
        var html = new StringBuilder("<section class=\"half\"><h2>Environment</h2>\n<table class=\"facts\">\n");
        foreach (var (name, value) in environment.Where(field => field.Value is not null))
        {
            var text = name.EndsWith("_bytes", StringComparison.Ordinal) && value is JsonValue number && number.TryGetValue<double>(out var bytes) ? Units.Bytes(bytes) : RunContents.Plain(value);
            Row(html, name.Replace("_bytes", "", StringComparison.Ordinal).Replace('_', ' '), text);
        }
        return html.Append("</table></section>\n").ToString();
    }

    public static string Cost(RunFolder run, RunStatus status, JsonObject environment, IReadOnlyList<MetricsLine> metrics)
    {
        var html = new StringBuilder("<section class=\"half\"><h2>Cost</h2>\n<table class=\"facts\">\n");
        Row(html, "time", Units.Time(status.Seconds));
        if ((environment["threads"] ?? environment["cores"]) is JsonValue cores && cores.TryGetValue<int>(out var count))
            Row(html, "processor time, at most", string.Create(CultureInfo.InvariantCulture, $"{status.Seconds * count / 3600:0.##} core hours ({count} threads)"));
        if (status.Step > 0)
            Row(html, "time a step", Units.Number(1000 * status.Seconds / status.Step) + " ms");
        if (status.Samples > 0)
            Row(html, "samples seen", Units.Count(status.Samples));
        var memory = Report.Values(metrics, "memory_bytes");
        if (memory.Count > 0)
            Row(html, "peak memory of tensors", Units.Bytes(memory.Max()));
        Row(html, "disk", Units.Bytes(RunContents.Size(run.Path)));
        return html.Append("</table></section>\n").ToString();
    }

    static void Row(StringBuilder html, string name, string value) => html.Append(CultureInfo.InvariantCulture, $"<tr><th>{Report.Text(name)}</th><td>{Report.Text(value)}</td></tr>\n");

    static string Table(List<(string Key, string Value, string Origin)> rows)
    {
        var html = new StringBuilder("<table class=\"recipe\"><thead><tr><th>Key</th><th>Value</th><th>From</th></tr></thead><tbody>\n");
        foreach (var (key, value, origin) in rows)
            html.Append(CultureInfo.InvariantCulture, $"<tr><th>{Report.Text(key).Replace(".", ".<wbr>", StringComparison.Ordinal)}</th><td>{Report.Text(value)}</td><td>{Report.Text(origin)}</td></tr>\n");
        return html.Append("</tbody></table>\n").ToString();
    }
}
