namespace Tandem.Data.Sources;

/// <summary>What a list says of a sample; null where it is silent.</summary>
/// <param name="Label">Its class.</param>
/// <param name="Text">What is said in it, or its caption.</param>
/// <param name="Speaker">Who says it.</param>
/// <param name="Frames">Samples a channel, at the file's own rate.</param>
/// <param name="Json">The whole entry, where the list is JSON.</param>
sealed record ListedFacts(string? Label = null, string? Text = null, string? Speaker = null, long? Frames = null, string? Json = null);

/// <summary>One sample of a <see cref="SampleFiles"/>.</summary>
/// <param name="Set">Where its file lies.</param>
/// <param name="File">The file's number there.</param>
/// <param name="Name">Name below the root, or key in a shard.</param>
/// <param name="First">First file of its key, where files stand beside each other.</param>
/// <param name="Files">How many files its key has; 0 where nothing stands beside it.</param>
/// <param name="Listed">What a list says of it.</param>
readonly record struct SampleEntry(FileSet Set, int File, string Name, int First = 0, int Files = 0, ListedFacts? Listed = null)
{
    /// <summary>The name without folders and extension.</summary>
    public string Stem => Files > 0 ? Path.GetFileName(Name) : Path.GetFileNameWithoutExtension(Name);
}

/// <summary>Samples that are files: of a folder tree, of tars, of a list. What they hold is the business of whoever asks.</summary>
sealed class SampleFiles : IDisposable
{
    readonly IReadOnlyList<SampleEntry> entries;
    readonly IReadOnlyList<FileSet> sets;
    readonly int rootLength;
    readonly bool classesAboveFile;
    readonly int[]? labels;

    /// <param name="kind">What the samples are.</param>
    /// <param name="description">Path and format.</param>
    /// <param name="entries">The samples, in order.</param>
    /// <param name="sets">What to close in the end.</param>
    /// <param name="labelRule">Where labels come from.</param>
    /// <param name="findRoot">Whether the folders common to all names lead to the root (archives), or the names begin there (folders).</param>
    /// <param name="emptyClassFolders">Subfolders of the root without any sample.</param>
    public SampleFiles(FileKind kind, string description, IReadOnlyList<SampleEntry> entries, IReadOnlyList<FileSet> sets, LabelRule? labelRule, bool findRoot, IReadOnlyList<string>? emptyClassFolders = null)
    {
        (Kind, Description) = (kind, description);
        this.entries = entries;
        this.sets = sets;
        EmptyClassFolders = emptyClassFolders ?? [];
        if (findRoot)
            (rootLength, classesAboveFile) = Root(entries);
        if (labelRule is not null)
            (labels, ClassNames) = labelRule.Apply(this);
    }

    public FileKind Kind { get; }

    public string Description { get; }

    public int Count => entries.Count;

    public IReadOnlyList<string>? ClassNames { get; }

    public IReadOnlyList<string> EmptyClassFolders { get; }

    /// <summary>Whether reading a sample again is as cheap as reading a file: not so where an archive had to be inflated first.</summary>
    public bool IsCheapToReopen => !sets.Any(set => set is CompressedTarFiles);

    public SampleEntry Entry(int index) => entries[index];

    public int? Label(int index) => labels?[index];

    public string Where(int index) => entries[index].Set.Where(entries[index].File);

    public byte[] ReadBytes(int index) => entries[index].Set.Read(entries[index].File);

    public string Stamp(int index) => entries[index].Set.Stamp(entries[index].File);

    /// <summary>What stands beside a sample under the same key, or null.</summary>
    /// <param name="index">The sample.</param>
    /// <param name="extension">Lower-case, without the dot.</param>
    public byte[]? ReadBeside(int index, string extension)
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

    /// <summary>The class folder of a sample, or null if it lies in none.</summary>
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

    public void Dispose()
    {
        foreach (var set in sets)
            set.Dispose();
    }

    /// <summary>The folders that all names share. If samples lie directly there, they are one class, named by the last of these folders.</summary>
    public static (int Length, bool ClassesAboveFile) Root(IReadOnlyList<SampleEntry> entries)
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
