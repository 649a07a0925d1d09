namespace Tandem.Recipes;

/// <summary>Finds what a person may have meant: a command, an option, a recipe, a recipe's key.</summary>
public static class Nearest
{
    /// <summary>
    /// The candidate with the fewest edits, or null when all are too far to be a slip. Letters' case does not count; of keys with dots the last part counts as well.
    /// </summary>
    /// <param name="word">What was written.</param>
    /// <param name="candidates">What there is; of equals the first is taken.</param>
    public static string? To(string word, IEnumerable<string> candidates)
    {
        var (best, fewest) = (default(string), int.MaxValue);
        foreach (var candidate in candidates)
        {
            // A whole key beats an equally near last part.
            var edits = Math.Min(2 * Slips(word, candidate), (2 * Slips(Last(word), Last(candidate))) + 1);
            if (edits < fewest)
                (best, fewest) = (candidate, edits);
        }
        return fewest <= 2 * Math.Max(2, word.Length / 3) ? best : null;
    }

    /// <summary>What to put before a remedy: a question when something is near, otherwise nothing.</summary>
    /// <inheritdoc cref="To"/>
    public static string Question(string word, IEnumerable<string> candidates) => To(word, candidates) is { } nearest ? $"Did you mean {nearest}? " : "";

    static string Last(string key) => key[(key.LastIndexOf('.') + 1)..];

    // A word cut short (`--prec`) is nearer than its number of missing letters says.
    static int Slips(string word, string candidate) =>
        word.Length >= 3 && word.Length < candidate.Length && candidate.StartsWith(word, StringComparison.OrdinalIgnoreCase) ? 1 : Edits(word, candidate);

    // Insertions, deletions, replacements and swaps of neighbours (optimal string alignment), letters' case aside.
    static int Edits(string a, string b)
    {
        var table = new int[a.Length + 1, b.Length + 1];
        for (var i = 0; i <= a.Length; i++)
        {
            for (var j = 0; j <= b.Length; j++)
            {
                if (i == 0 || j == 0)
                {
                    table[i, j] = i + j;
                    continue;
                }
                bool Same(int x, int y) => char.ToLowerInvariant(a[x]) == char.ToLowerInvariant(b[y]);
                table[i, j] = Math.Min(Math.Min(table[i - 1, j], table[i, j - 1]) + 1, table[i - 1, j - 1] + (Same(i - 1, j - 1) ? 0 : 1));
                if (i > 1 && j > 1 && Same(i - 1, j - 2) && Same(i - 2, j - 1))
                    table[i, j] = Math.Min(table[i, j], table[i - 2, j - 2] + 1);
            }
        }
        return table[a.Length, b.Length];
    }
}
