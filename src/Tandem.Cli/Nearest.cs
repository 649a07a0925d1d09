namespace Tandem.Cli;

/// <summary>Finds what a person may have meant.</summary>
static class Nearest
{
    /// <summary>The candidate with the fewest edits, or null when all are too far to be a slip.</summary>
    public static string? To(string word, IEnumerable<string> candidates)
    {
        string? best = null;
        var fewest = int.MaxValue;
        foreach (var candidate in candidates)
        {
            var edits = Edits(word, candidate);
            // A word cut short (`--prec`) is nearer than its number of missing letters says.
            if (word.Length >= 3 && candidate.StartsWith(word, StringComparison.OrdinalIgnoreCase))
                edits = Math.Min(edits, 1);
            if (edits < fewest)
                (best, fewest) = (candidate, edits);
        }
        return fewest <= Math.Max(2, word.Length / 3) ? best : null;
    }

    /// <summary>What to put before a remedy: a question when something is near, otherwise nothing.</summary>
    public static string Question(string word, IEnumerable<string> candidates) => To(word, candidates) is { } nearest ? $"Did you mean {nearest}? " : "";

    /// <summary>Insertions, deletions, replacements and swaps of neighbours, letters' case aside.</summary>
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
