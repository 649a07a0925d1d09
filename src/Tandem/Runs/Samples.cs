using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Tandem.Models.Formats;

namespace Tandem.Runs;

/// <summary>A sample as reports show it.</summary>
/// <param name="Id">Its name in the source: a path, a line number.</param>
/// <param name="Label">Its class, where there are labels.</param>
/// <param name="Png">A thumbnail (a picture, a spectrogram), about 48 to 96 pixels wide; base64 in the file.</param>
/// <param name="Text">A short text, where the sample is one.</param>
public sealed record SamplePreview(string Id, string? Label = null, byte[]? Png = null, string? Text = null);

/// <summary>A sample near to a query.</summary>
/// <param name="Sample">The sample.</param>
/// <param name="Similarity">Cosine between the two embeddings, −1 to 1.</param>
public sealed record Neighbour(SamplePreview Sample, double Similarity);

/// <summary>A fixed query and what the encoder puts beside it.</summary>
/// <param name="Query">The query.</param>
/// <param name="Neighbours">The nearest first, the query itself left out.</param>
public sealed record NeighbourQuery(SamplePreview Query, IReadOnlyList<Neighbour> Neighbours);

/// <summary>
/// Nearest neighbours of the same few queries at one checkpoint: <c>samples/neighbours-step-00000500.json</c>. Side by side they show what
/// the encoder learns to hold alike.
/// </summary>
/// <param name="Step">The checkpoint's step; 0 before training.</param>
/// <param name="Queries">The same queries in the same order in all files of a run; about ten with five neighbours each.</param>
public sealed record NeighbourSamples(long Step, IReadOnlyList<NeighbourQuery> Queries)
{
    const string Prefix = "neighbours-step-", Ending = ".json";

    static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>Writes the file of this step into a run's <c>samples/</c>, as a whole.</summary>
    /// <exception cref="TandemException">The disk is full or refuses (<see cref="ErrorKind.Machine"/>).</exception>
    public void Write(RunFolder run) =>
        AtomicFile.WriteText(Path.Combine(run.SamplesPath, string.Create(CultureInfo.InvariantCulture, $"{Prefix}{Step:D8}{Ending}")), JsonSerializer.Serialize(this, Options));

    /// <summary>Reads all files of a run, by step; damaged ones are left out.</summary>
    public static IReadOnlyList<NeighbourSamples> ReadAll(RunFolder run)
    {
        List<NeighbourSamples> all = [];
        if (!Directory.Exists(run["samples"]))
            return all;
        foreach (var file in Directory.EnumerateFiles(run["samples"], Prefix + "*" + Ending))
        {
            try
            {
                if (JsonSerializer.Deserialize<NeighbourSamples>(File.ReadAllText(file), Options) is { Queries: not null } samples)
                    all.Add(samples);
            }
            catch (JsonException)
            {
                // A report shows what can be shown.
            }
        }
        return [.. all.OrderBy(samples => samples.Step)];
    }
}
