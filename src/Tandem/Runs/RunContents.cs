using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Tandem.Models.Formats;

namespace Tandem.Runs;

/// <summary>Curves that a run's are compared with.</summary>
/// <param name="Data">What they were measured on, in words; may be empty.</param>
/// <param name="Curves">Steps and values by the names of metrics.</param>
sealed record Reference(string Data, IReadOnlyDictionary<string, IReadOnlyList<(double X, double Y)>> Curves);

/// <summary>What lies in a run's folder: what is the run's own, how much it is, and what the recipe says.</summary>
static class RunContents
{
    static readonly string[] Own = ["recipe.json", "environment.json", "status.json", "metrics.jsonl", "train.log", "report.html", "lock", "samples", "checkpoints"];

    static readonly Dictionary<string, Func<string, bool>> Filled = new(StringComparer.Ordinal)
    {
        ["samples"] = SampleFile.IsOwn,
        ["checkpoints"] = name => Checkpoints.StepOf(name) is not null,
    };

    static readonly EnumerationOptions AllBelow = new() { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint, IgnoreInaccessible = true };

    /// <summary>Whether a run writes an entry of this name into its folder.</summary>
    public static bool IsOwn(string name) =>
        Own.Contains(name, StringComparer.Ordinal)
        || name.StartsWith("events.out.tfevents.", StringComparison.Ordinal)
        || IsUnfinished(name);

    static bool IsUnfinished(string name) => name.StartsWith('.') && name.EndsWith(AtomicFile.Unfinished, StringComparison.Ordinal);

    /// <summary>The entries of a run's folder, and of the folders in it that it fills, with whether the run wrote them; names are paths below the folder.</summary>
    public static IEnumerable<(FileSystemInfo Entry, string Name, bool Own)> Entries(string folder)
    {
        foreach (var entry in new DirectoryInfo(folder).EnumerateFileSystemInfos())
        {
            if (!Filled.TryGetValue(entry.Name, out var isOwn) || entry is not DirectoryInfo { LinkTarget: null } inner)
            {
                yield return (entry, entry.Name, IsOwn(entry.Name));
                continue;
            }
            foreach (var one in inner.EnumerateFileSystemInfos())
                yield return (one, Path.Combine(inner.Name, one.Name), isOwn(one.Name) || IsUnfinished(one.Name));
        }
    }

    /// <summary>The folders that a run makes and fills.</summary>
    public static IEnumerable<string> Folders => Filled.Keys;

    /// <summary>The bytes of a file, or of all files in a folder; those behind symbolic links do not count.</summary>
    public static long Size(string path)
    {
        try
        {
            return new DirectoryInfo(path) is { Exists: true } folder
                ? folder.LinkTarget is null ? folder.EnumerateFiles("*", AllBelow).Sum(Length) : 0
                : Length(new FileInfo(path));
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            return 0; // files come and go while a run is going on
        }
    }

    /// <summary>The values of a <c>recipe.json</c> by dotted key, in the file's order.</summary>
    public static List<(string Key, JsonNode? Value, string Origin)> RecipeValues(JsonObject document)
    {
        List<(string Key, JsonNode? Value, string Origin)> rows = [];
        if (document["recipe"] is JsonObject recipe)
            Collect(recipe, "", rows);
        return rows;
    }

    /// <summary>A value of a recipe as people read it.</summary>
    public static string Plain(JsonNode? value) => value switch
    {
        null => "none",
        JsonValue scalar when scalar.GetValueKind() == JsonValueKind.String => scalar.ToString(),
        JsonArray list => string.Join(", ", list.Select(Plain)),
        _ => value.ToJsonString(),
    };

    /// <summary>
    /// What a recipe expects of its runs: <c>facts.expect.curves</c>, lists of [step, value] by the names of metrics; what is no such list is left out, and so are losses where
    /// model, objective or batch are not the recipe's own, since they cannot be compared then.
    /// </summary>
    /// <param name="document">A run's <c>recipe.json</c>.</param>
    /// <param name="steps">Updates of the run, beyond which nothing is compared; 0 while they are not known.</param>
    public static Reference Expected(JsonObject document, long steps)
    {
        var curves = new Dictionary<string, IReadOnlyList<(double X, double Y)>>(StringComparer.Ordinal);
        if (document["facts"] is not JsonObject facts || facts["expect"] is not JsonObject expect || expect["curves"] is not JsonObject given)
            return new("", curves);
        var own = (document["name"] as JsonValue)?.ToString();
        // What stands in the recipe itself is "recipe NAME:LINE", or "file NAME:LINE" where the recipe is a person's own.
        bool IsOnTop(string origin) => origin == "command line" || (origin.StartsWith("file ", StringComparison.Ordinal) && !origin.StartsWith($"file {own}:", StringComparison.Ordinal));
        var changed = RecipeValues(document).Any(value => DecidesLoss(value.Key) && IsOnTop(value.Origin));
        foreach (var (name, list) in given)
        {
            if (changed && !RunDescription.IsEvaluation(name))
                continue;
            List<(double X, double Y)> points = [.. (list as JsonArray ?? []).OfType<JsonArray>().Where(pair => pair.Count == 2)
                .Select(pair => (X: Number(pair[0]), Y: Number(pair[1]))).Where(point => double.IsFinite(point.X) && double.IsFinite(point.Y) && (steps == 0 || point.X <= steps)).OrderBy(point => point.X)];
            if (points.Count > 0)
                curves[name] = points;
        }
        return new((expect["data"] as JsonValue)?.ToString() ?? "", curves);
    }

    static bool DecidesLoss(string key) => key is "data.batch" or "data.batch_samples" or "data.tokens" or "data.micro_batches" || (key != "model.init" && (key.StartsWith("model.", StringComparison.Ordinal) || key.StartsWith("objective.", StringComparison.Ordinal)));

    static double Number(JsonNode? node) => node is JsonValue value && value.GetValueKind() == JsonValueKind.Number
        && double.TryParse(value.ToJsonString(), NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number : double.NaN;

    static long Length(FileInfo file)
    {
        try
        {
            return file.LinkTarget is null ? file.Length : 0;
        }
        catch (FileNotFoundException)
        {
            return 0; // gone since it was listed
        }
    }

    static void Collect(JsonObject section, string path, List<(string Key, JsonNode? Value, string Origin)> rows)
    {
        foreach (var (name, part) in section)
        {
            var key = path.Length == 0 ? name : $"{path}.{name}";
            if (part is JsonObject { Count: 2 } leaf && leaf.ContainsKey("value") && leaf["origin"] is JsonValue origin)
                rows.Add((key, leaf["value"], origin.ToString()));
            else if (part is JsonObject inner)
                Collect(inner, key, rows);
            else
                rows.Add((key, part, ""));
        }
    }
}
