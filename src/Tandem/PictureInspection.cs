using System.Text.Json.Nodes;
using Tandem.Data.Sources;

namespace Tandem;

/// <summary>What pictures lie under a path; sizes are those of the pictures that were decoded.</summary>
public sealed record PictureInspection : DataInspection
{
    /// <summary>Widths in pixels; null when no picture is sound.</summary>
    public Spread? Widths { get; init; }

    /// <summary>Heights in pixels.</summary>
    public Spread? Heights { get; init; }

    /// <inheritdoc/>
    public override string Modality => "image";

    /// <inheritdoc/>
    public override string SampleName => "pictures";

    internal static new PictureInspection Of(string path, InspectionOptions options, CancellationToken cancellation)
    {
        using var source = PictureSource.Open(path, options.Source);
        var count = Math.Min(options.Limit ?? InspectionOptions.UsualLimit, source.Count);
        var sizes = new (int Width, int Height)[source.Count];
        var bad = Look(source, count, i => (int)((long)i * source.Count / count), options, sample =>
        {
            using var picture = source.Read(sample, options.Reading);
            sizes[sample] = (picture.Width, picture.Height);
        }, cancellation);
        var sound = sizes.Where(size => size.Width > 0).ToList();
        return new()
        {
            Path = path,
            Description = source.Description,
            Samples = source.Count,
            Classes = ClassesOf(source),
            Looked = count,
            Bad = bad,
            Widths = Spread.Of(sound.Select(size => (double)size.Width)),
            Heights = Spread.Of(sound.Select(size => (double)size.Height)),
        };
    }

    /// <inheritdoc/>
    protected override IEnumerable<(string What, string Value)> Own() => [("width", Widths?.InWords(" pixels") ?? "unknown"), ("height", Heights?.InWords(" pixels") ?? "unknown")];

    /// <inheritdoc/>
    protected override void Add(JsonObject document)
    {
        document["width"] = Widths?.ToJson();
        document["height"] = Heights?.ToJson();
    }
}
