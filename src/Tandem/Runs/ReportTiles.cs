using System.Globalization;

namespace Tandem.Runs;

/// <summary>The looked-at samples as a page shows them: thumbnails are cut out of one sheet, which stands in the page once.</summary>
sealed class ReportTiles
{
    readonly Dictionary<string, int> byId = new(StringComparer.Ordinal);

    public ReportTiles(LookedSamples? looked)
    {
        Samples = looked?.Samples ?? [];
        Sheet = looked?.Sheet is { Width: > 0, Height: > 0, Columns: > 0, Jpeg: not null } sheet && (long)sheet.Columns * sheet.Rows >= Samples.Count ? sheet : null;
        for (var i = 0; i < Samples.Count; i++)
            byId.TryAdd(Samples[i].Id, i);
    }

    public IReadOnlyList<SamplePreview> Samples { get; }

    public ThumbnailSheet? Sheet { get; }

    /// <summary>The sheet and its measures, for the page's head.</summary>
    public string Style => Sheet is not { } sheet ? "" : string.Create(CultureInfo.InvariantCulture, $$"""
        <style>
        :root { --tile-w: {{sheet.Width}}; --tile-h: {{sheet.Height}}; --sheet-w: {{sheet.Width * sheet.Columns}}; --sheet-h: {{sheet.Height * sheet.Rows}}; }
        .tile { background-image: url("data:image/jpeg;base64,{{Convert.ToBase64String(sheet.Jpeg)}}"); }
        </style>

        """);

    /// <summary>A sample by its number: a thumbnail, or its words.</summary>
    public string Tile(int sample, string style, string about = "")
    {
        var (preview, words) = (Samples[sample], Report.Text(Words(Samples[sample]) + about));
        return Sheet is null
            ? $"<span class=\"words {style}\" title=\"{words}\">{Report.Text(preview.Text ?? preview.Id)}</span>"
            : $"<i class=\"tile {style}\" role=\"img\" aria-label=\"{words}\" title=\"{words}\" style=\"{Place(sample)}\"></i>";
    }

    /// <summary>A sample by its name; one that was not among those looked at is shown by its words.</summary>
    public string Tile(SamplePreview sample, string style, string about)
    {
        if (byId.TryGetValue(sample.Id, out var known))
            return Tile(known, style, about);
        var words = Report.Text(Words(sample) + about);
        return $"<span class=\"words {style}\" title=\"{words}\">{Report.Text(sample.Text ?? sample.Id)}</span>";
    }

    /// <summary>Where a sample's thumbnail stands on the sheet, as CSS.</summary>
    public string Place(int sample) => string.Create(CultureInfo.InvariantCulture, $"--x:{sample % Sheet!.Columns};--y:{sample / Sheet.Columns}");

    public static string Words(SamplePreview sample) => sample.Label is null ? sample.Id : $"{sample.Label} ({sample.Id})";
}
