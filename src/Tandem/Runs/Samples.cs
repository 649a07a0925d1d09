using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Tandem.Models.Formats;

namespace Tandem.Runs;

/// <summary>A sample as reports show it.</summary>
/// <param name="Id">Its name in the source: a path, a line number.</param>
/// <param name="Label">Its class, where there are labels.</param>
/// <param name="Text">A short text, where the sample is one.</param>
public sealed record SamplePreview(string Id, string? Label = null, string? Text = null);

/// <summary>A sample near to a query.</summary>
/// <param name="Sample">The sample.</param>
/// <param name="Similarity">Cosine between the two embeddings, −1 to 1.</param>
public sealed record Neighbour(SamplePreview Sample, double Similarity);

/// <summary>A fixed query and what the encoder puts beside it.</summary>
/// <param name="Query">The query.</param>
/// <param name="Neighbours">The nearest first, the query itself left out.</param>
public sealed record NeighbourQuery(SamplePreview Query, IReadOnlyList<Neighbour> Neighbours);

/// <summary>Nearest neighbours of the same few queries at one moment. Side by side they show what the encoder learns to hold alike.</summary>
/// <param name="Step">The moment; 0 before training.</param>
/// <param name="Queries">The same queries in the same order in all files of a run; about ten with five neighbours each.</param>
public sealed record NeighbourSamples(long Step, IReadOnlyList<NeighbourQuery> Queries)
{
    internal const string Prefix = "neighbours";

    /// <summary>Writes <c>samples/neighbours-step-00000500.json</c>, as a whole.</summary>
    /// <exception cref="TandemException">The disk is full or refuses (<see cref="ErrorKind.Machine"/>).</exception>
    public void Write(RunFolder run) => SampleFile.Write(run, Prefix, Step, this);

    /// <summary>Reads all files of a run, by step; damaged ones are left out.</summary>
    public static IReadOnlyList<NeighbourSamples> ReadAll(RunFolder run) => [.. SampleFile.ReadAll<NeighbourSamples>(run, Prefix).Where(file => file.Queries is not null).OrderBy(file => file.Step)];
}

/// <summary>A masked sample, and how far the prediction is from its target at each masked place.</summary>
/// <param name="Rows">Rows of places; 1 for a sequence.</param>
/// <param name="Columns">Places of a row.</param>
/// <param name="Mask">One letter a place, row by row: 1 masked, 0 seen.</param>
/// <param name="Errors">Squared error of each place, the mean over channels; of seen places too, where it is not trained.</param>
/// <param name="Png">The picture or spectrogram that the places lie on.</param>
/// <param name="Texts">The text of each place, where samples are texts.</param>
public sealed record MaskedSample(int Rows, int Columns, string Mask, float[] Errors, byte[]? Png = null, IReadOnlyList<string>? Texts = null);

/// <summary>The same few masked samples at one moment: where prediction is hard, and whether it becomes easier.</summary>
/// <param name="Step">The moment; 0 before training.</param>
/// <param name="Samples">The samples, in the same order in all files of a run.</param>
public sealed record MaskedSamples(long Step, IReadOnlyList<MaskedSample> Samples)
{
    internal const string Prefix = "masked";

    /// <summary>Writes <c>samples/masked-step-00000500.json</c>, as a whole.</summary>
    /// <exception cref="TandemException">The disk is full or refuses (<see cref="ErrorKind.Machine"/>).</exception>
    public void Write(RunFolder run) => SampleFile.Write(run, Prefix, Step, this);

    /// <summary>Reads all files of a run, by step; damaged ones are left out.</summary>
    public static IReadOnlyList<MaskedSamples> ReadAll(RunFolder run) => [.. SampleFile.ReadAll<MaskedSamples>(run, Prefix).Where(file => file.Samples is not null).OrderBy(file => file.Step)];
}

/// <summary>Files of a run's <c>samples/</c>: one a kind and moment.</summary>
static class SampleFile
{
    const string Between = "-step-", Ending = ".json";

    static readonly string[] Kinds = [NeighbourSamples.Prefix, MaskedSamples.Prefix, MapSamples.Prefix];

    static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>Whether a run writes a file of this name: <c>looked.json</c>, <c>map-step-00000500.json</c>.</summary>
    public static bool IsOwn(string name)
    {
        if (name == LookedSamples.FileName + Ending)
            return true;
        return Kinds.FirstOrDefault(kind => name.StartsWith(kind + Between, StringComparison.Ordinal)) is { } known && name.EndsWith(Ending, StringComparison.Ordinal)
            && long.TryParse(name.AsSpan((known + Between).Length, Math.Max(0, name.Length - (known + Between + Ending).Length)), NumberStyles.None, CultureInfo.InvariantCulture, out _);
    }

    public static void Write<T>(RunFolder run, string kind, long step, T samples) => Write(run, string.Create(CultureInfo.InvariantCulture, $"{kind}{Between}{step:D8}"), samples);

    public static void Write<T>(RunFolder run, string name, T samples) => AtomicFile.WriteText(Path.Combine(run.SamplesPath, name + Ending), JsonSerializer.Serialize(samples, Options));

    public static T? Read<T>(RunFolder run, string name) where T : class => File.Exists(Path.Combine(run["samples"], name + Ending)) ? ReadFile<T>(Path.Combine(run["samples"], name + Ending)) : null;

    public static IReadOnlyList<T> ReadAll<T>(RunFolder run, string kind) where T : class
    {
        List<T> all = [];
        if (!Directory.Exists(run["samples"]))
            return all;
        foreach (var file in Directory.EnumerateFiles(run["samples"], $"{kind}{Between}*{Ending}"))
        {
            if (ReadFile<T>(file) is { } samples)
                all.Add(samples);
        }
        return all;
    }

    static T? ReadFile<T>(string file) where T : class
    {
        try
        {
            return JsonSerializer.Deserialize<T>(File.ReadAllText(file), Options);
        }
        catch (JsonException)
        {
            return null; // a report shows what can be shown
        }
    }
}
