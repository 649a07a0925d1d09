using System.Globalization;
using System.Text;

namespace Tandem.Runs;

/// <summary>The parts of a report that point at samples worth a look: near-duplicates, and samples that stand alone.</summary>
static class ReportNotable
{
    // Thumbnails this much nearer than usual are the same picture.
    const double Copy = 0.25;

    public static string Sections(IReadOnlyList<MapSamples> all, ReportTiles tiles)
    {
        if (all.Count == 0)
            return "";
        var last = all[^1];
        if (last.Factor is not { } factor)
        {
            return "<section><h2>Near-duplicates, and samples that stand alone</h2>\n<p class=\"about\">" +
                $"Neither can be told: the encoder holds all samples alike (cosine with the {Ordinal(last.K)} nearest neighbour: {Cosine(last.Usual)}, the median).</p></section>\n";
        }
        return Pairs(last, tiles, factor) + Lone(last, tiles);
    }

    static string Pairs(MapSamples map, ReportTiles tiles, double factor)
    {
        var html = new StringBuilder("<section><h2>Near-duplicates</h2>\n<p class=\"about\">");
        var rule = $"A pair counts when its samples are at least {Times(factor)} times nearer to each other (1 − cosine) than each is to its {Ordinal(map.K)} nearest neighbour; the cosine with that one is {Cosine(map.Usual)} (median).";
        var count = Units.Count(tiles.Samples.Count);
        if (map.Pairs.Count == 0)
            return html.Append(CultureInfo.InvariantCulture, $"None among the {count} samples looked at. {rule}</p></section>\n").ToString();
        var many = map.PairCount == 1 ? "One pair" : $"{Units.Count(map.PairCount)} pairs";
        html.Append(CultureInfo.InvariantCulture, $"{many} among the {count} samples looked at{(map.PairCount > map.Pairs.Count ? $"; the {map.Pairs.Count} nearest are shown" : "")}. {rule}");
        if (map.UsualApart is { } usual)
            html.Append(CultureInfo.InvariantCulture, $" Any two thumbnails differ by {usual:0} of 255 (median of the mean over pixels): copies differ by far less; the others are alike to the encoder only.");
        html.Append("</p>\n<div class=\"notable pairs\">\n");
        // Copies first: of them one can be sure.
        foreach (var pair in map.Pairs.OrderBy(pair => pair.Apart is { } apart && !(apart <= Copy * map.UsualApart)))
        {
            var about = pair.Apart is { } apart ? string.Create(CultureInfo.InvariantCulture, $"<small>thumbnails differ by {apart:0.#} of 255</small>") : "";
            html.Append(CultureInfo.InvariantCulture, $"<article><div class=\"two\">{tiles.Tile(pair.First, "")}{tiles.Tile(pair.Second, "")}</div><p><b>cosine {Cosine(pair.Cosine)}</b>{about}{Name(tiles, pair.First)}{Name(tiles, pair.Second)}</p></article>\n");
        }
        return html.Append("</div></section>\n").ToString();
    }

    static string Lone(MapSamples map, ReportTiles tiles)
    {
        if (map.Lone.Count == 0)
            return "";
        var html = new StringBuilder($"<section><h2>Samples that stand alone</h2>\n<p class=\"about\">Those farthest from all others: their cosine with the {Ordinal(map.K)} nearest neighbour is the lowest; {Cosine(map.Usual)} is usual (median). " +
            "They are worth a look, not wrong: damaged files, things that do not belong here, or merely rare ones.</p>\n<div class=\"notable\">\n");
        foreach (var lone in map.Lone)
            html.Append(CultureInfo.InvariantCulture, $"<article>{tiles.Tile(lone.Sample, "")}<p><b>cosine {Cosine(lone.Cosine)}</b>{Name(tiles, lone.Sample)}</p></article>\n");
        return html.Append("</div></section>\n").ToString();
    }

    static string Name(ReportTiles tiles, int sample) => $"<small>{Report.Text(ReportTiles.Words(tiles.Samples[sample])).Replace("/", "/<wbr>", StringComparison.Ordinal)}</small>";

    static string Times(double factor) => factor >= 1000 ? Units.Count(100 * (long)Math.Round(Math.Min(factor, 1e15) / 100)) : factor.ToString("0", CultureInfo.InvariantCulture);

    static string Ordinal(int k) => k switch { 1 => "1st", 2 => "2nd", 3 => "3rd", _ => string.Create(CultureInfo.InvariantCulture, $"{k}th") };

    // Near 1 the digits that matter come late.
    static string Cosine(double cosine)
    {
        var text = cosine.ToString(cosine switch { > 0.9999 => "0.000000", > 0.99 => "0.0000", _ => "0.000" }, CultureInfo.InvariantCulture);
        return text.StartsWith('-') ? "−" + text[1..] : text;
    }
}
