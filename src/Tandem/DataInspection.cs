using System.Text.Json.Nodes;
using Tandem.Data.Images;
using Tandem.Data.Sources;
using Tandem.Recipes;
using Tandem.Recipes.Modalities;
using Tandem.Runs;

namespace Tandem;

/// <summary>How data is inspected.</summary>
public sealed record InspectionOptions
{
    /// <summary>image, audio or text; told by names and content when null.</summary>
    public string? Modality { get; init; }

    /// <summary>Format, labels, columns, split.</summary>
    public SourceOptions Source { get; init; } = new();

    /// <summary>How many pictures are decoded, or recordings read to their end, unless told.</summary>
    public const int UsualLimit = 5000;

    /// <summary>At most so many pictures are decoded, or recordings read to their end, spread evenly over the data; <see cref="UsualLimit"/> when null. Texts are always all read.</summary>
    public int? Limit { get; init; }

    /// <summary>How pictures' files become RGB.</summary>
    public PictureReading Reading { get; init; } = PictureReading.Natural;

    /// <summary>A tokenizer's folder or file: tokens of texts are counted too.</summary>
    public string? Tokenizer { get; init; }

    /// <summary>Hears of samples done and samples in all; 0 in all where that is not known.</summary>
    public Action<long, long>? Progress { get; init; }
}

/// <summary>What lies under a path: format, classes, sizes, and what cannot be read.</summary>
public abstract record DataInspection
{
    /// <summary>The path, as it was given.</summary>
    public required string Path { get; init; }

    /// <summary>Format and place in words.</summary>
    public required string Description { get; init; }

    /// <summary>Number of samples.</summary>
    public required long Samples { get; init; }

    /// <summary>Names of the classes, and how many samples they have; null without labels.</summary>
    public IReadOnlyList<(string Name, long Samples)>? Classes { get; init; }

    /// <summary>How many samples were read whole to see whether they are sound.</summary>
    public required long Looked { get; init; }

    /// <summary>What cannot be read, each with its place and reason.</summary>
    public required IReadOnlyList<BadSample> Bad { get; init; }

    /// <summary>image, audio or text.</summary>
    public abstract string Modality { get; }

    /// <summary>What samples are called: pictures, recordings, texts.</summary>
    public abstract string SampleName { get; }

    /// <summary>Looks at data.</summary>
    /// <param name="path">A file, folder, tar, glob or brace range; several joined by <c>::</c>.</param>
    /// <param name="options">Modality, format, labels, how much is read.</param>
    /// <param name="cancellation">Ends the work.</param>
    /// <exception cref="TandemException">
    /// <see cref="ErrorKind.Input"/>: nothing is there, nothing of this modality, or nothing that can be read; <see cref="ErrorKind.Usage"/>: there is no such modality, or it has no use for an option.
    /// </exception>
    public static DataInspection Of(string path, InspectionOptions? options = null, CancellationToken cancellation = default)
    {
        options ??= new();
        var modality = options.Modality ?? DataModality.Of(path, options.Source.Format);
        if (options.Tokenizer is not null && modality != "text")
            throw new TandemException(ErrorKind.Usage, "a tokenizer has no effect on what is no text", "tokenizer", remedy: "Leave it out; if these are texts, add modality=text.");
        return modality switch
        {
            "image" => PictureInspection.Of(path, options, cancellation),
            "audio" => RecordingInspection.Of(path, options, cancellation),
            "text" => TextInspection.Of(path, options, cancellation),
            var other => throw new TandemException(ErrorKind.Usage, $"there is no modality '{other}'", "modality", string.Join(", ", Recipes.Modalities.Modality.Names), Nearest.To(other, Recipes.Modalities.Modality.Names) is { } near ? $"Did you mean {near}?" : null),
        };
    }

    /// <summary>What was found, as names and values for people.</summary>
    public IReadOnlyList<(string What, string Value)> Facts =>
        [("data", Description), (SampleName, Units.Count(Samples)), ("classes", Classes is { } classes ? Units.Count(classes.Count) : "no labels"), .. Own(), ("damaged", Damage)];

    /// <summary>The document that <c>tandem data inspect --json</c> prints.</summary>
    public JsonObject ToJson()
    {
        var document = new JsonObject
        {
            ["path"] = Path,
            ["modality"] = Modality,
            ["description"] = Description,
            ["samples"] = Samples,
            ["classes"] = Classes is null ? null : Counts("name", Classes),
            ["looked"] = Looked,
        };
        Add(document);
        document["bad"] = new JsonArray([.. Bad.Select(bad => (JsonNode)new JsonObject { ["name"] = bad.Name, ["reason"] = bad.Reason })]);
        return document;
    }

    /// <summary>Facts that only this modality has.</summary>
    protected abstract IEnumerable<(string What, string Value)> Own();

    /// <summary>The same for machines.</summary>
    protected abstract void Add(JsonObject document);

    /// <summary>How much is damaged, of how much that was looked at.</summary>
    protected virtual string Damage => $"{Units.Count(Bad.Count)} of {Units.Count(Looked)} looked at";

    /// <summary>Values with the number of samples that have each, the most frequent first.</summary>
    protected static IReadOnlyList<(T Value, long Samples)> Frequent<T>(IEnumerable<T> values) where T : notnull =>
        [.. values.GroupBy(value => value).Select(group => (group.Key, group.LongCount())).OrderByDescending(one => one.Item2).ThenBy(one => one.Key)];

    /// <summary>For people: "16,000 Hz (58), 8,000 Hz (2)"; a single value without its number.</summary>
    protected static string InWords<T>(IReadOnlyList<(T Value, long Samples)> values, Func<T, string> word) =>
        values.Count == 1 ? word(values[0].Value) : string.Join(", ", values.Select(one => $"{word(one.Value)} ({Units.Count(one.Samples)})"));

    /// <summary><c>[{KEY: value, "samples"}]</c>.</summary>
    protected static JsonArray Counts<T>(string key, IEnumerable<(T Value, long Samples)> values) =>
        new([.. values.Select(one => (JsonNode)new JsonObject { [key] = JsonValue.Create(one.Value), ["samples"] = one.Samples })]);

    /// <summary>How many samples each class of a source has; null without labels.</summary>
    private protected static IReadOnlyList<(string Name, long Samples)>? ClassesOf(Source source)
    {
        if (source.ClassNames is not { } names)
            return null;
        var counts = new long[names.Count];
        for (var i = 0; i < source.Count; i++)
        {
            if (source.Label(i) is { } label)
                counts[label]++;
        }
        return [.. names.Zip(counts)];
    }

    /// <summary>Does something for samples of a source, in parallel, and gathers those that cannot be read.</summary>
    private protected static List<BadSample> Look(Source source, int count, Func<int, int> sample, InspectionOptions options, Action<int> look, CancellationToken cancellation)
    {
        var bad = new System.Collections.Concurrent.ConcurrentBag<BadSample>();
        long done = 0;
        Parallel.For(0, count, new ParallelOptions { CancellationToken = cancellation, MaxDegreeOfParallelism = Environment.ProcessorCount }, i =>
        {
            var index = sample(i);
            try
            {
                look(index);
            }
            catch (TandemException error) when (error.Kind == ErrorKind.Input || error.Where == source.Where(index))
            {
                bad.Add(new(index, source.Name(index), $"{error.Where ?? source.Where(index)}: {error.Message}"));
            }
            options.Progress?.Invoke(Interlocked.Increment(ref done), count);
        });
        return [.. bad.OrderBy(one => one.Index)];
    }
}
