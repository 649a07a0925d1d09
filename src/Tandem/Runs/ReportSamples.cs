using System.Globalization;
using System.Text;

namespace Tandem.Runs;

/// <summary>The part of a report that shows what the encoder holds alike: nearest neighbours of fixed queries through time.</summary>
static class ReportSamples
{
    const int MomentLimit = 4, QueryLimit = 10, NeighbourLimit = 5;

    public static string Section(IReadOnlyList<NeighbourSamples> all, ReportTiles tiles)
    {
        var moments = Spread(all);
        if (moments.Count == 0 || moments[^1].Queries.Count == 0)
            return "";
        var html = new StringBuilder("<section><h2>Nearest neighbours through time</h2>\n<p class=\"about\">The same queries at several checkpoints, nearest first. " +
            "A green edge: the neighbour has the query's label (labels are looked at here only, never in training).</p>\n<div class=\"queries\">\n");
        for (var place = 0; place < Math.Min(QueryLimit, moments[^1].Queries.Count); place++)
        {
            var query = moments[^1].Queries[place].Query;
            html.Append(CultureInfo.InvariantCulture, $"<article>{tiles.Tile(query, "query", "")}<div>");
            html.Append(CultureInfo.InvariantCulture, $"<h3>{Report.Text(query.Label ?? query.Id)}</h3>");
            foreach (var moment in moments.Where(moment => place < moment.Queries.Count))
            {
                html.Append(CultureInfo.InvariantCulture, $"<div class=\"moment\"><span>{(moment.Step == 0 ? "untrained" : Units.Tick(moment.Step))}</span>");
                foreach (var near in moment.Queries[place].Neighbours.Take(NeighbourLimit))
                {
                    var same = query.Label is null || near.Sample.Label is null ? "" : near.Sample.Label == query.Label ? "same" : "other";
                    html.Append(tiles.Tile(near.Sample, same, string.Create(CultureInfo.InvariantCulture, $", cosine {near.Similarity:0.00}")));
                }
                html.Append("</div>");
            }
            html.Append("</div></article>\n");
        }
        return html.Append("</div></section>\n").ToString();
    }

    /// <summary>Masked samples: what was hidden, and how far predictions were off, at the first and the last moment.</summary>
    public static string Masked(IReadOnlyList<MaskedSamples> all)
    {
        if (all.Count == 0 || all[^1].Samples.Count == 0)
            return "";
        var (first, last) = (all[0], all[^1]);
        var html = new StringBuilder("<section><h2>What was hidden, and how well it was foreseen</h2>\n<p class=\"about\">The first samples of training under their masks. Hidden places are coloured by the squared error of the prediction " +
            "against the teacher's target (mean over channels; targets change while the teacher learns): the darker, the larger. Seen places are left as they are.</p>\n<div class=\"masked\">\n");
        foreach (var (sample, place) in last.Samples.Select((sample, place) => (sample, place)))
        {
            html.Append("<article>");
            foreach (var (moment, words) in new[] { (first, first.Step == 0 ? "untrained" : $"step {Units.Tick(first.Step)}"), (last, $"step {Units.Tick(last.Step)}") }.Take(first.Step == last.Step ? 1 : 2))
            {
                if (place < moment.Samples.Count)
                    html.Append(CultureInfo.InvariantCulture, $"<figure><figcaption><span>{words}, mean error {Units.Number(MaskedError(moment.Samples[place]))}</span></figcaption>{Places(moment.Samples[place], Scale(first, last))}</figure>");
            }
            html.Append("</article>\n");
        }
        return html.Append("</div></section>\n").ToString();
    }

    static double MaskedError(MaskedSample sample) => sample.Errors.Where((_, i) => sample.Mask[i] == '1').DefaultIfEmpty().Average(error => (double)error);

    // One scale for all: nine of ten masked places lie below full colour.
    static double Scale(MaskedSamples first, MaskedSamples last)
    {
        var errors = first.Samples.Concat(last.Samples).SelectMany(sample => sample.Errors.Where((error, i) => sample.Mask[i] == '1' && float.IsFinite(error))).Order().ToList();
        return errors.Count == 0 ? 1 : Math.Max(1e-9, errors[errors.Count * 9 / 10]);
    }

    static string Places(MaskedSample sample, double scale)
    {
        var html = new StringBuilder();
        string Shade(int place) => string.Create(CultureInfo.InvariantCulture, $"{0.2 + (0.75 * Math.Clamp(sample.Errors[place] / scale, 0, 1)):0.00}");
        if (sample.Texts is { } texts)
        {
            html.Append("<p class=\"tokens\">");
            for (var i = 0; i < Math.Min(texts.Count, sample.Mask.Length); i++)
                html.Append(sample.Mask[i] == '1' ? $"<mark style=\"--error:{Shade(i)}\" title=\"error {Units.Number(sample.Errors[i])}\">{Report.Text(texts[i])}</mark>" : Report.Text(texts[i]));
            return html.Append("</p>").ToString();
        }
        // A grid lies on its picture; a sequence has its mask as a strip below.
        var (columns, rows) = (sample.Columns, sample.Rows);
        html.Append(rows > 1 ? "<div class=\"under\">" : "<div class=\"above\">");
        if (sample.Png is { Length: > 0 } png)
            html.Append(CultureInfo.InvariantCulture, $"<img alt=\"\" src=\"data:image/png;base64,{Convert.ToBase64String(png)}\">");
        html.Append(CultureInfo.InvariantCulture, $"<svg viewBox=\"0 0 {columns} {rows}\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{sample.Mask.Count(bit => bit == '1')} of {sample.Mask.Length} places hidden\">");
        for (var i = 0; i < sample.Mask.Length; i++)
        {
            if (sample.Mask[i] == '1')
                html.Append(CultureInfo.InvariantCulture, $"<rect class=\"hidden\" x=\"{i % columns}\" y=\"{i / columns}\" width=\"1\" height=\"1\" fill-opacity=\"{Shade(i)}\"/>");
        }
        return html.Append("</svg></div>").ToString();
    }

    /// <summary>The first, the last, and some between them.</summary>
    static List<NeighbourSamples> Spread(IReadOnlyList<NeighbourSamples> all) => all.Count <= MomentLimit
        ? [.. all]
        : [.. Enumerable.Range(0, MomentLimit).Select(i => all[(int)Math.Round(i * (all.Count - 1.0) / (MomentLimit - 1))])];
}
