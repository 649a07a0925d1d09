using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Tandem.Data.Images;
using Tandem.Data.Sources;

namespace Tandem;

/// <summary>What lies under a path: format, classes, sizes, and pictures that cannot be read.</summary>
/// <param name="Path">The path, as it was given.</param>
/// <param name="Description">Format and place in words.</param>
/// <param name="Samples">Number of pictures.</param>
/// <param name="Classes">Names and numbers of pictures of the classes; null without labels.</param>
/// <param name="Looked">How many pictures were decoded to see whether they are sound.</param>
/// <param name="Widths">Smallest, median and largest width of these, in pixels; null when none is sound.</param>
/// <param name="Heights">The same of heights.</param>
/// <param name="Bad">Those that cannot be read.</param>
public sealed record DataInspection(
    string Path, string Description, int Samples, IReadOnlyList<(string Name, int Samples)>? Classes, int Looked, (int Least, int Median, int Most)? Widths, (int Least, int Median, int Most)? Heights, IReadOnlyList<BadSample> Bad)
{
    /// <summary>Opens data and decodes pictures spread evenly over it.</summary>
    /// <param name="path">As for <see cref="PictureSource.Open(string, SourceOptions?)"/>.</param>
    /// <param name="options">Format, labels, split.</param>
    /// <param name="limit">At most so many pictures are decoded; null: all.</param>
    /// <param name="reading">How files become RGB.</param>
    /// <param name="progress">Hears of pictures done and pictures in all.</param>
    /// <param name="cancellation">Ends the work.</param>
    /// <exception cref="TandemException">As for opening a source.</exception>
    public static DataInspection Of(string path, SourceOptions options, int? limit = null, PictureReading reading = PictureReading.Natural, Action<int, int>? progress = null, CancellationToken cancellation = default)
    {
        using var source = PictureSource.Open(path, options);
        var count = Math.Min(limit ?? source.Count, source.Count);
        var sizes = new (int Width, int Height)[count];
        var bad = new ConcurrentBag<BadSample>();
        var done = 0;
        Parallel.For(0, count, new ParallelOptions { CancellationToken = cancellation, MaxDegreeOfParallelism = Environment.ProcessorCount }, i =>
        {
            var sample = (int)((long)i * source.Count / count);
            try
            {
                using var picture = source.Read(sample, reading);
                sizes[i] = (picture.Width, picture.Height);
            }
            catch (TandemException error)
            {
                bad.Add(new(sample, source.Name(sample), $"{error.Where ?? source.Where(sample)}: {error.Message}"));
            }
            progress?.Invoke(Interlocked.Increment(ref done), count);
        });
        var sound = sizes.Where(size => size.Width > 0).ToList();
        return new(path, source.Description, source.Count, Counts(source), count, Range(sound.ConvertAll(size => size.Width)), Range(sound.ConvertAll(size => size.Height)), [.. bad.OrderBy(picture => picture.Index)]);
    }

    /// <summary>The document that <c>tandem data inspect --json</c> prints.</summary>
    public JsonObject ToJson() => new()
    {
        ["path"] = Path,
        ["description"] = Description,
        ["samples"] = Samples,
        ["classes"] = Classes is null ? null : new JsonArray([.. Classes.Select(one => (JsonNode)new JsonObject { ["name"] = one.Name, ["samples"] = one.Samples })]),
        ["looked"] = Looked,
        ["width"] = Json(Widths),
        ["height"] = Json(Heights),
        ["bad"] = new JsonArray([.. Bad.Select(picture => (JsonNode)new JsonObject { ["name"] = picture.Name, ["reason"] = picture.Reason })]),
    };

    static (string, int)[]? Counts(PictureSource source)
    {
        if (source.ClassNames is not { } names)
            return null;
        var counts = new int[names.Count];
        for (var i = 0; i < source.Count; i++)
        {
            if (source.Label(i) is { } label)
                counts[label]++;
        }
        return [.. names.Zip(counts)];
    }

    static (int, int, int)? Range(List<int> values)
    {
        values.Sort();
        return values.Count == 0 ? null : (values[0], values[values.Count / 2], values[^1]);
    }

    static JsonObject? Json((int Least, int Median, int Most)? range) => range is { } sides ? new() { ["least"] = sides.Least, ["median"] = sides.Median, ["most"] = sides.Most } : null;
}
