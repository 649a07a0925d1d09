using System.Reflection;

namespace Tandem.Recipes;

/// <summary>The recipes that come with Tandem, by name: <c>data2vec2/images</c>.</summary>
public static class RecipeLibrary
{
    const string Folder = "recipes/", Ending = ".json";

    /// <summary>All names, sorted.</summary>
    public static IReadOnlyList<string> Names { get; } =
        [.. typeof(RecipeLibrary).Assembly.GetManifestResourceNames()
            .Select(name => name.Replace('\\', '/'))
            .Where(name => name.StartsWith(Folder, StringComparison.Ordinal) && name.EndsWith(Ending, StringComparison.Ordinal))
            .Select(name => name[Folder.Length..^Ending.Length])
            .Order(StringComparer.Ordinal)];

    /// <summary>A recipe's text, comments included.</summary>
    /// <param name="nameOrPath">A name from <see cref="Names"/> or a file.</param>
    /// <exception cref="TandemException">There is none (<see cref="ErrorKind.Usage"/>).</exception>
    public static string Text(string nameOrPath)
    {
        var resource = typeof(RecipeLibrary).Assembly.GetManifestResourceNames().FirstOrDefault(name => name.Replace('\\', '/') == Folder + nameOrPath + Ending);
        if (resource is not null)
        {
            using var reader = new StreamReader(typeof(RecipeLibrary).Assembly.GetManifestResourceStream(resource)!);
            return reader.ReadToEnd();
        }
        try
        {
            if (File.Exists(nameOrPath))
                return File.ReadAllText(nameOrPath);
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            throw new TandemException(ErrorKind.Usage, $"the recipe cannot be read: {cause.Message}", nameOrPath, inner: cause);
        }
        var near = Nearest.Of(nameOrPath, Names);
        throw new TandemException(ErrorKind.Usage, $"there is no recipe '{nameOrPath}'",
            expected: near is null ? "a file, or a recipe's name" : $"a file or a name, perhaps '{near}'", remedy: "`tandem recipes ls` lists all.");
    }

    /// <summary>Whether this is the name of a recipe that comes with Tandem.</summary>
    public static bool Has(string name) => Names.Contains(name, StringComparer.Ordinal);
}

/// <summary>The nearest known word to a mistyped one.</summary>
static class Nearest
{
    /// <summary>The candidate with the smallest edit distance, or null when none is near. The last part of a dotted candidate counts as well.</summary>
    public static string? Of(string word, IEnumerable<string> candidates)
    {
        var (best, distance) = (default(string), int.MaxValue);
        foreach (var candidate in candidates)
        {
            var lastOfCandidate = candidate[(candidate.LastIndexOf('.') + 1)..];
            var lastOfWord = word[(word.LastIndexOf('.') + 1)..];
            // A whole path beats an equally near last part.
            var now = Math.Min(2 * Distance(word, candidate), (2 * Distance(lastOfWord, lastOfCandidate)) + 1);
            if (now < distance)
                (best, distance) = (candidate, now);
        }
        return distance <= 2 * Math.Max(2, word.Length / 3) ? best : null;
    }

    /// <summary>Letters to insert, delete, replace or swap with a neighbour (optimal string alignment).</summary>
    public static int Distance(string a, string b)
    {
        var rows = new int[a.Length + 1, b.Length + 1];
        for (var i = 0; i <= a.Length; i++)
            rows[i, 0] = i;
        for (var j = 0; j <= b.Length; j++)
            rows[0, j] = j;
        for (var i = 1; i <= a.Length; i++)
        {
            for (var j = 1; j <= b.Length; j++)
            {
                var cost = a[i - 1] == b[j - 1] ? 0 : 1;
                rows[i, j] = Math.Min(Math.Min(rows[i - 1, j] + 1, rows[i, j - 1] + 1), rows[i - 1, j - 1] + cost);
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                    rows[i, j] = Math.Min(rows[i, j], rows[i - 2, j - 2] + 1);
            }
        }
        return rows[a.Length, b.Length];
    }
}
