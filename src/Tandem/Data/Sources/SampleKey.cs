namespace Tandem.Data.Sources;

/// <summary>A WebDataset member's name, taken apart: the key is the folder and the base name up to its first dot, the extension all behind it, lower-case.</summary>
/// <param name="Key">Folder part and base name up to the first dot.</param>
/// <param name="Extension">Lower-case, without the first dot: <c>png</c>, <c>seg.png</c>.</param>
public readonly record struct SampleKey(string Key, string Extension)
{
    /// <summary>The key of a member, or null for one that is no part of a sample: no dot, hidden, or named <c>__…__</c>.</summary>
    public static SampleKey? Of(string member)
    {
        var start = member.LastIndexOf('/') + 1;
        var dot = member.IndexOf('.', start);
        if (dot <= start || dot == member.Length - 1)
            return null;
        var basis = member.AsSpan(start, dot - start);
        if (basis.StartsWith("__") && (member.EndsWith("__", StringComparison.Ordinal) || basis.EndsWith("__")))
            return null;
        return new(member[..dot], member[(dot + 1)..].ToLowerInvariant());
    }

    /// <summary>The samples of a shard: runs of members with one key; a repeated extension begins a new sample.</summary>
    /// <returns>First member, number of members up to the sample's last, key, and the members by extension.</returns>
    public static IEnumerable<(int First, int Count, string Key, IReadOnlyDictionary<string, int> Members)> Samples(IReadOnlyList<string> members)
    {
        string? key = null;
        int first = 0, last = 0;
        Dictionary<string, int> parts = new(StringComparer.Ordinal);
        for (var i = 0; i < members.Count; i++)
        {
            if (Of(members[i]) is not { } found)
                continue;
            if (key is not null && (found.Key != key || parts.ContainsKey(found.Extension)))
            {
                yield return (first, last - first + 1, key, parts);
                parts = new(StringComparer.Ordinal);
            }
            if (parts.Count == 0)
                (first, key) = (i, found.Key);
            parts[found.Extension] = i;
            last = i;
        }
        if (key is not null)
            yield return (first, last - first + 1, key, parts);
    }
}
