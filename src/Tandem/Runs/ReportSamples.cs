using System.Globalization;
using System.Text;

namespace Tandem.Runs;

/// <summary>The part of a report that shows what the encoder holds alike: nearest neighbours of fixed queries through time.</summary>
static class ReportSamples
{
    const int MomentLimit = 4, QueryLimit = 10, NeighbourLimit = 5;

    public static string Section(IReadOnlyList<NeighbourSamples> all)
    {
        var moments = Spread(all);
        if (moments.Count == 0 || moments[^1].Queries.Count == 0)
            return "";
        var html = new StringBuilder("<section><h2>Nearest neighbours through time</h2>\n<p class=\"about\">The same queries at several checkpoints, nearest first. " +
            "A green edge: the neighbour has the query's label (labels are looked at here only, never in training).</p>\n<div class=\"queries\">\n");
        for (var place = 0; place < Math.Min(QueryLimit, moments[^1].Queries.Count); place++)
        {
            var query = moments[^1].Queries[place].Query;
            html.Append(CultureInfo.InvariantCulture, $"<article>{Thumbnail(query, "query", null)}<div>");
            html.Append(CultureInfo.InvariantCulture, $"<h3>{Report.Text(query.Label ?? query.Id)}</h3>");
            foreach (var moment in moments.Where(moment => place < moment.Queries.Count))
            {
                html.Append(CultureInfo.InvariantCulture, $"<div class=\"moment\"><span>{(moment.Step == 0 ? "untrained" : Units.Tick(moment.Step))}</span>");
                foreach (var near in moment.Queries[place].Neighbours.Take(NeighbourLimit))
                {
                    var same = query.Label is null || near.Sample.Label is null ? "" : near.Sample.Label == query.Label ? "same" : "other";
                    html.Append(Thumbnail(near.Sample, same, near.Similarity));
                }
                html.Append("</div>");
            }
            html.Append("</div></article>\n");
        }
        return html.Append("</div></section>\n").ToString();
    }

    static string Thumbnail(SamplePreview sample, string style, double? similarity)
    {
        var words = (sample.Label is null ? sample.Id : $"{sample.Label} ({sample.Id})") + (similarity is { } cosine ? string.Create(CultureInfo.InvariantCulture, $", cosine {cosine:0.00}") : "");
        return sample.Png is { Length: > 0 } png
            ? $"<img class=\"{style}\" alt=\"{Report.Text(words)}\" title=\"{Report.Text(words)}\" src=\"data:image/png;base64,{Convert.ToBase64String(png)}\">"
            : $"<span class=\"words {style}\" title=\"{Report.Text(words)}\">{Report.Text(sample.Text ?? sample.Id)}</span>";
    }

    /// <summary>The first, the last, and some between them.</summary>
    static List<NeighbourSamples> Spread(IReadOnlyList<NeighbourSamples> all) => all.Count <= MomentLimit
        ? [.. all]
        : [.. Enumerable.Range(0, MomentLimit).Select(i => all[(int)Math.Round(i * (all.Count - 1.0) / (MomentLimit - 1))])];
}
