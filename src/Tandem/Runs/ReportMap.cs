using System.Globalization;
using System.Text;
using Tandem.Torch;

namespace Tandem.Runs;

/// <summary>The part of a report that shows all looked-at samples at once: a map of their embeddings at the last moment, beside the first.</summary>
static class ReportMap
{
    // In shares of the map's side: how far thumbnails stand from each other on a wide page, and on a phone or on paper.
    const double Near = 0.047, Far = 0.08;

    // Colours that can be told apart; further classes share one.
    const int Colours = 10;

    public static string Section(IReadOnlyList<MapSamples> all, ReportTiles tiles)
    {
        if (all.Count == 0)
            return "";
        var (first, last) = (all[0], all[^1]);
        var classes = Classes(tiles.Samples);
        int? Class(int sample) => classes.Count == 0 ? null : tiles.Samples[sample].Label is { } label && classes.IndexOf(label) is >= 0 and var place ? place : Colours;
        var html = new StringBuilder($"<section class=\"embedding\" data-columns=\"{tiles.Sheet?.Columns ?? 0}\"><h2>Map of embeddings</h2>\n<p class=\"about\">{Units.Count(tiles.Samples.Count)} samples, drawn once for the whole run. " +
            "What the encoder holds alike lies together; distances across the map, and its directions, mean little (t-SNE)." +
            (classes.Count == 0 ? "" : " Colours are labels, which are looked at here only, never in training.") + " Point at a sample, or tap it, to see it.</p>\n<div class=\"maps\">\n");
        html.Append(Figure(last, tiles, Class, "map")).Append("<div class=\"beside\">");
        if (first.Step != last.Step)
            html.Append(Figure(first, tiles, Class, "map past"));
        html.Append(Legend(tiles.Samples, classes));
        return html.Append("</div></div></section>\n").ToString();
    }

    /// <summary>A moment in words: untrained, step 2,000.</summary>
    public static string Moment(long step) => step == 0 ? "untrained" : $"step {Units.Count(step)}";

    /// <summary>The classes that have a colour: the most frequent, by name.</summary>
    static List<string> Classes(IEnumerable<SamplePreview> samples) =>
    [
        .. samples.Select(sample => sample.Label).OfType<string>().GroupBy(label => label, StringComparer.Ordinal).OrderByDescending(group => group.Count()).ThenBy(group => group.Key, StringComparer.Ordinal)
            .Take(Colours).Select(group => group.Key).Order(StringComparer.Ordinal),
    ];

    static string Figure(MapSamples map, ReportTiles tiles, Func<int, int?> classOf, string style)
    {
        var (height, at) = Layout(map);
        var large = style == "map";
        var html = new StringBuilder();
        html.Append(CultureInfo.InvariantCulture, $"<figure class=\"{style}\"><figcaption>{Moment(map.Step)}</figcaption><div class=\"plane\" style=\"aspect-ratio:{1 / height:0.###}\">");
        html.Append(CultureInfo.InvariantCulture, $"<svg viewBox=\"0 0 1000 {1000 * height:0}\" role=\"img\" aria-label=\"{Units.Count(at.Length)} samples, {Moment(map.Step)}\">\n");
        for (var i = 0; i < at.Length; i++)
        {
            html.Append(CultureInfo.InvariantCulture, $"<circle class=\"k{classOf(i) ?? 0}\" cx=\"{1000 * at[i].X:0}\" cy=\"{1000 * at[i].Y:0}\" r=\"7\"");
            // Names stand in the page once: the script takes those of the large map for both.
            html.Append(large ? $"><title>{Report.Text(Told(tiles.Samples[i]))}</title></circle>" : "/>");
        }
        html.Append("</svg>");
        // Spectrograms at this size tell nothing.
        if (large && tiles.Sheet is { } sheet && sheet.Width <= 1.5 * sheet.Height)
            Thumbnails(html, height, at, tiles, classOf);
        return html.Append("<div class=\"tip\" hidden></div></div></figure>\n").ToString();
    }

    static string Told(SamplePreview sample) => ReportTiles.Words(sample) + (sample.Text is null ? "" : "\n" + sample.Text);

    // Thumbnails stand where none stands near yet, in an order drawn once; all others remain dots.
    static void Thumbnails(StringBuilder html, double height, (double X, double Y)[] at, ReportTiles tiles, Func<int, int?> classOf)
    {
        var order = Enumerable.Range(0, at.Length).ToArray();
        Randomness.Of(0, "thumbnails").Shuffle(order.AsSpan());
        List<int> shown = [];
        foreach (var (distance, style) in new[] { (Far, "always"), (Near, "wide") })
        {
            foreach (var i in order)
            {
                var (x, y) = at[i];
                if (shown.Exists(other => Math.Max(Math.Abs(at[other].X - x), Math.Abs(at[other].Y - y)) < distance))
                    continue;
                shown.Add(i);
                var colour = classOf(i) is { } place ? string.Create(CultureInfo.InvariantCulture, $" k{place}") : "";
                html.Append(CultureInfo.InvariantCulture, $"<i class=\"tile {style}{colour}\" style=\"left:{100 * x:0.#}%;top:{100 * y / height:0.#}%;{tiles.Place(i)}\"></i>");
            }
        }
    }

    // In units of the map's width. Maps are wider than high, but never a strip; a margin keeps thumbnails from hanging over the edge.
    static (double Height, (double X, double Y)[] At) Layout(MapSamples map)
    {
        const double inner = 0.92;
        var places = map.Places.Chunk(2).ToArray();
        var height = Math.Clamp((inner * (places.Max(place => place[1]) - places.Min(place => place[1]))) + 1 - inner, 0.55, 1);
        return (height, [.. places.Select(place => (0.5 + (inner * (place[0] - 0.5)), (height / 2) + (inner * (place[1] - 0.5))))]);
    }

    static string Legend(IReadOnlyList<SamplePreview> samples, List<string> classes)
    {
        if (classes.Count == 0)
            return "";
        var html = new StringBuilder("<ul class=\"legend classes\">");
        for (var place = 0; place < classes.Count; place++)
            Entry(place, classes[place], samples.Count(sample => sample.Label == classes[place]));
        if (samples.Count(sample => sample.Label is null || !classes.Contains(sample.Label)) is > 0 and var others)
            Entry(Colours, samples.Any(sample => sample.Label is null) ? "other, or without label" : "other", others);
        return html.Append("</ul>").ToString();

        void Entry(int place, string name, int count) =>
            html.Append(CultureInfo.InvariantCulture, $"<li data-class=\"k{place}\"><svg viewBox=\"0 0 12 12\" aria-hidden=\"true\"><circle class=\"k{place}\" cx=\"6\" cy=\"6\" r=\"4.5\"/></svg>{Report.Text(name)} <b>{count}</b></li>");
    }
}
