namespace Tandem.Data.Sources;

/// <summary>One picture of a <see cref="PictureFiles"/>.</summary>
/// <param name="Set">Where its file lies.</param>
/// <param name="File">The file's number there.</param>
/// <param name="Name">Name below the root, or key in a shard.</param>
/// <param name="First">First file of its key, where files stand beside each other.</param>
/// <param name="Files">How many files its key has; 0 where nothing stands beside it.</param>
/// <param name="Column">A list's label.</param>
readonly record struct PictureEntry(FileSet Set, int File, string Name, int First = 0, int Files = 0, string? Column = null);

/// <summary>Pictures that are files: of a folder tree, of tars, of a list.</summary>
sealed class PictureFiles : PictureSource
{
    readonly IReadOnlyList<PictureEntry> entries;
    readonly IReadOnlyList<FileSet> sets;
    readonly int rootLength;
    readonly bool classesAboveFile;
    readonly int[]? labels;
    readonly IReadOnlyList<string>? classNames;

    /// <param name="description">Path and format.</param>
    /// <param name="entries">The pictures, in order.</param>
    /// <param name="sets">What to close in the end.</param>
    /// <param name="labelRule">Where labels come from.</param>
    /// <param name="findRoot">Whether the folders common to all names lead to the root (archives), or the names begin there (folders).</param>
    /// <param name="emptyClassFolders">Subfolders of the root without any picture.</param>
    public PictureFiles(string description, IReadOnlyList<PictureEntry> entries, IReadOnlyList<FileSet> sets, LabelRule? labelRule, bool findRoot, IReadOnlyList<string>? emptyClassFolders = null)
    {
        Description = description;
        this.entries = entries;
        this.sets = sets;
        EmptyClassFolders = emptyClassFolders ?? [];
        if (findRoot)
            (rootLength, classesAboveFile) = Root(entries);
        if (labelRule is not null)
            (labels, classNames) = labelRule.Apply(this);
    }

    public override string Description { get; }

    public override int Count => entries.Count;

    public override IReadOnlyList<string>? ClassNames => classNames;

    public IReadOnlyList<string> EmptyClassFolders { get; }

    internal override bool IsCheapToReopen => !sets.Any(set => set is CompressedTarFiles);

    public PictureEntry Entry(int index) => entries[index];

    public override string Name(int index) => entries[index].Name;

    public override int? Label(int index) => labels?[index];

    public override string Where(int index) => entries[index].Set.Where(entries[index].File);

    public override byte[] ReadBytes(int index) => entries[index].Set.Read(entries[index].File);

    internal override string Stamp(int index) => entries[index].Set.Stamp(entries[index].File);

    public override byte[]? ReadBeside(int index, string extension)
    {
        var entry = entries[index];
        if (entry.Files == 0)
            return entry.Set is DiskFiles disk && SampleKey.Of(entry.Name) is { } own ? disk.ReadNamed($"{own.Key}.{extension}") : null;
        for (var file = entry.First; file < entry.First + entry.Files; file++)
        {
            if (SampleKey.Of(entry.Set.Names[file]) is { } key && key.Extension == extension)
                return entry.Set.Read(file);
        }
        return null;
    }

    /// <summary>The class folder of a picture, or null if it lies in none.</summary>
    public string? ClassFolder(int index)
    {
        var name = entries[index].Name;
        var rest = name.AsSpan(rootLength);
        var slash = rest.IndexOf('/');
        if (slash > 0)
            return rest[..slash].ToString();
        if (!classesAboveFile || rootLength == 0)
            return null;
        var folder = name.AsSpan(0, rootLength - 1);
        return folder[(folder.LastIndexOf('/') + 1)..].ToString();
    }

    protected override void Dispose(bool disposing)
    {
        foreach (var set in sets)
            set.Dispose();
    }

    // The folders that all names share. If pictures lie directly there, they are one class, named by the last of these folders.
    public static (int Length, bool ClassesAboveFile) Root(IReadOnlyList<PictureEntry> entries)
    {
        var common = Folder(entries[0].Name);
        foreach (var entry in entries)
        {
            while (!entry.Name.StartsWith(common, StringComparison.Ordinal))
                common = Folder(common[..^1]);
        }
        return (common.Length, entries.All(entry => entry.Name.LastIndexOf('/') < common.Length));
    }

    static string Folder(string name) => name[..(name.LastIndexOf('/') + 1)];
}

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
