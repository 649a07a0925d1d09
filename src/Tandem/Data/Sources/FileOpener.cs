using System.IO.Compression;

namespace Tandem.Data.Sources;

/// <summary>Tells what lies under a path, by content, and opens it: a folder tree, tars, shards, a list, files. What counts as a sample is its kind's business.</summary>
/// <typeparam name="TSource">What is opened.</typeparam>
abstract class FileOpener<TSource>(string path, SourceOptions options, FileKind kind) where TSource : Source
{
    static readonly HashSet<string> Companions = new(StringComparer.Ordinal) { "txt", "json", "cls", "caption" };

    readonly LabelRule? rule = LabelRule.Parse(options.Labels);

    /// <summary>What a single file holds.</summary>
    protected enum Content
    {
        /// <summary>A tar.</summary>
        Tar,
        /// <summary>A gzipped tar.</summary>
        CompressedTar,
        /// <summary>Many samples in a format of their own.</summary>
        Packed,
        /// <summary>One sample.</summary>
        Sample,
        /// <summary>A list.</summary>
        Text,
        /// <summary>None of these.</summary>
        Unknown,
    }

    protected string Place => path;

    protected SourceOptions Options => options;

    protected FileKind Kind => kind;

    protected LabelRule? Rule => rule;

    /// <summary>Opens it.</summary>
    public TSource Open()
    {
        if (options.Format is { } format && !kind.Formats.Contains(format, StringComparer.Ordinal))
            throw new TandemException(ErrorKind.Usage, $"there is no data format '{format}' of {kind.Samples}", "data.format", string.Join(", ", kind.Formats));
        var paths = DataPaths.Expand(path);
        var folders = paths.Count(Directory.Exists);
        if (folders == paths.Count && folders == 1)
            return OpenFolder(paths[0]);
        if (folders > 0)
            throw new TandemException(ErrorKind.Input, $"{folders} of {paths.Count} paths are folders", path, "one folder, or only files", "give the files, or one folder above them");
        var contents = paths.Select(Told).ToList();
        if (contents.Distinct().Count() > 1 && !contents.All(content => content is Content.Tar or Content.CompressedTar))
            throw new TandemException(ErrorKind.Input, $"the files are of different kinds: {Path.GetFileName(paths[0])} is {Word(contents[0])}, others are not", path, "files of one kind");
        return contents[0] switch
        {
            Content.Tar or Content.CompressedTar => OpenTars(paths),
            Content.Text => paths.Count == 1 ? OpenList(paths[0]) : throw new TandemException(ErrorKind.Input, $"{paths.Count} lists were given", path, "one list"),
            Content.Sample => OpenFiles(paths),
            Content.Packed => OpenPacked(paths),
            _ => throw new TandemException(ErrorKind.Input, "what this file holds is not known", paths[0], $"a tar (plain or gzipped), a list, or {kind.Expected}"),
        };
    }

    /// <summary>A source of these files.</summary>
    protected abstract TSource Wrap(SampleFiles files);

    /// <summary>Samples in a format of their own, or null if there are none.</summary>
    /// <param name="sets">Where to look.</param>
    /// <param name="description">Place in words.</param>
    /// <param name="named">File names that were given, or null for all.</param>
    protected virtual TSource? Packed(IReadOnlyList<FileSet> sets, string description, HashSet<string>? named = null) => null;

    /// <summary>Whether a file holds samples in a format of their own.</summary>
    /// <param name="file">The file.</param>
    /// <param name="head">Its first bytes, inflated.</param>
    /// <param name="compressed">Whether it is gzipped.</param>
    protected virtual bool IsPacked(string file, ReadOnlySpan<byte> head, bool compressed) => false;

    /// <summary>Whether a file of a set is no sample although its name ends like one.</summary>
    protected virtual bool IsLeftOut(string name) => false;

    /// <summary>The samples of a part, where the part is no folder of its own: those below a folder of its name.</summary>
    protected virtual IReadOnlyList<SampleEntry> Part(IReadOnlyList<FileSet> sets, IReadOnlyList<SampleEntry> entries, string part) =>
        [.. entries.Where(entry => entry.Name.Split('/')[..^1].Contains(part, StringComparer.Ordinal))];

    /// <summary>Adds what lists among the files say of the samples.</summary>
    protected virtual IReadOnlyList<SampleEntry> Describe(IReadOnlyList<FileSet> sets, IReadOnlyList<SampleEntry> entries) => entries;

    /// <summary>Reads a list.</summary>
    protected virtual (DiskFiles Set, IReadOnlyList<SampleEntry> Entries) ReadList(string file) => ListFile.Read(file, kind);

    TSource OpenFolder(string folder)
    {
        var part = options.Split;
        var root = folder;
        if (part is not null && Directory.Exists(Path.Combine(folder, part)))
            (root, part) = (Path.Combine(folder, part), null);
        var set = DiskFiles.Under(root);
        if (set.Names.Count == 0)
            throw new TandemException(ErrorKind.Input, "the folder is empty", root, $"{kind.Samples}, class folders with {kind.Samples}, or shards");
        IReadOnlyList<SampleEntry> entries = Samples(set);
        if (part is not null)
            entries = Part([set], entries, part);
        if (entries.Count > 0 && (options.Format is null or "folder" || options.Format == kind.Sample))
            return Wrap(new(kind, $"folder {root}", Describe([set], entries), [set], rule, findRoot: false, EmptyClasses(root, entries)));
        if (Packed([set], $"folder {root}") is { } packed)
            return packed;
        var tars = set.Names.Where(name => name.EndsWith(".tar", StringComparison.Ordinal) || name.EndsWith(".tar.gz", StringComparison.Ordinal) || name.EndsWith(".tgz", StringComparison.Ordinal)).ToList();
        if (tars.Count > 0)
            return OpenTars([.. tars.Select(name => Path.Combine(root, name))]);
        throw Nothing(root, [set]);
    }

    // torchvision calls a class folder without samples an error; only the root's direct subfolders are classes. Where a part was chosen by
    // a list, a class may well have nothing in it.
    List<string> EmptyClasses(string root, IReadOnlyList<SampleEntry> entries)
    {
        var used = entries.Select(entry => entry.Name.IndexOf('/') is > 0 and var slash ? entry.Name[..slash] : "").ToHashSet(StringComparer.Ordinal);
        return [.. Directory.EnumerateDirectories(root).Select(folder => Path.GetFileName(folder)!).Where(name => !used.Contains(name) && !IsLeftOut(name + "/")).Order(StringComparer.Ordinal)];
    }

    TSource OpenTars(IReadOnlyList<string> paths)
    {
        // A part is a file's name (train-000000.tar), or else a folder or list inside the archive.
        var part = options.Split;
        if (part is not null && paths.Where(file => Path.GetFileName(file).StartsWith(part, StringComparison.Ordinal)).ToList() is { Count: > 0 } named)
            (paths, part) = (named, null);
        var sets = new List<FileSet>();
        try
        {
            foreach (var file in paths)
                sets.Add(Told(file) == Content.CompressedTar ? new CompressedTarFiles(file) : new TarFiles(file));
            var description = paths.Count == 1 ? $"tar {paths[0]}" : $"{paths.Count} tars {path}";
            IReadOnlyList<SampleEntry> entries = [.. sets.SelectMany(Samples)];
            if (entries.Count > 0 && options.Format == "webdataset" || (options.Format is null && sets.Exists(IsShard)))
                entries = Shards(sets);
            else if (entries.Count > 0)
                entries = Sorted(entries);
            if (part is not null && entries.Count > 0)
                entries = Part(sets, entries, part);
            if (entries.Count == 0 || options.Format is "cifar10" or "cifar100" or "idx")
                return Packed(sets, description) ?? throw Nothing(path, sets);
            return Wrap(new(kind, description, Describe(sets, entries), sets, rule, findRoot: true));
        }
        catch (TandemException)
        {
            foreach (var set in sets)
                set.Dispose();
            throw;
        }
    }

    static List<SampleEntry> Sorted(IReadOnlyList<SampleEntry> entries)
    {
        var root = SampleFiles.Root(entries).Length;
        List<SampleEntry> sorted = [.. entries];
        sorted.Sort((a, b) => DiskFiles.ByFolderThenName(a.Name, b.Name, root));
        return sorted;
    }

    // A shard has texts or labels under the keys of its samples; an archive of a folder has not.
    bool IsShard(FileSet set) => SampleKey.Samples(set.Names).Take(1000).Any(sample =>
        sample.Members.Keys.Any(Companions.Contains) && sample.Members.Keys.Any(kind.Extensions.Contains));

    List<SampleEntry> Shards(List<FileSet> sets)
    {
        var entries = new List<SampleEntry>();
        var without = 0;
        foreach (var set in sets)
        {
            foreach (var (first, count, key, members) in SampleKey.Samples(set.Names))
            {
                if (kind.InShards.FirstOrDefault(members.ContainsKey) is { } extension)
                    entries.Add(new(set, members[extension], key, first, count));
                else
                    without++;
            }
        }
        if (without > 0)
            options.Warn?.Invoke($"{without} samples of {path} hold no {kind.Sample} ({string.Join(", ", kind.InShards)}) and are left out");
        return entries.Count > 0 ? entries : throw Nothing(path, sets);
    }

    TSource OpenList(string file)
    {
        var (set, entries) = ReadList(file);
        return Wrap(new(kind, $"list {file}", entries, [set], rule ?? new(entries[0].Listed?.Label is null ? LabelOrigin.None : LabelOrigin.Column), findRoot: false));
    }

    TSource OpenFiles(IReadOnlyList<string> paths)
    {
        var folder = Path.GetDirectoryName(Path.GetFullPath(paths[0]))!;
        var set = new DiskFiles(folder, [.. paths.Select(file => Path.GetRelativePath(folder, Path.GetFullPath(file)))]);
        return Wrap(new(kind, $"{kind.Samples} {path}", [.. set.Names.Select((name, i) => new SampleEntry(set, i, name))], [set], rule, findRoot: false));
    }

    TSource OpenPacked(IReadOnlyList<string> paths)
    {
        var folder = Path.GetDirectoryName(Path.GetFullPath(paths[0]))!;
        // Names of classes and labels stand in files beside: the whole folder is looked at, but only what was named is read.
        var set = new DiskFiles(folder, [.. Directory.EnumerateFiles(folder).Select(file => Path.GetFileName(file)!).Order(StringComparer.Ordinal)]);
        return Packed([set], path, paths.Select(file => Path.GetFileName(file)!).ToHashSet(StringComparer.Ordinal)) ?? throw Nothing(path, [set]);
    }

    List<SampleEntry> Samples(FileSet set)
    {
        var entries = new List<SampleEntry>();
        for (var file = 0; file < set.Names.Count; file++)
        {
            var name = set.Names[file];
            if (kind.IsNamed(name) && !(set is not DiskFiles && Path.GetFileName(name).StartsWith('.')) && !IsLeftOut(name))
                entries.Add(new(set, file, name));
        }
        return entries;
    }

    TandemException Nothing(string where, IReadOnlyList<FileSet> sets)
    {
        var kinds = sets.SelectMany(set => set.Names).Select(name => Path.GetExtension(name).ToLowerInvariant()).GroupBy(ending => ending, StringComparer.Ordinal)
            .OrderByDescending(group => group.Count()).Take(5).Select(group => $"{group.Count()} {(group.Key.Length == 0 ? "without extension" : group.Key)}").ToList();
        var found = kinds.Count == 0 ? "no files" : string.Join(", ", kinds);
        return new(ErrorKind.Input, $"there are no {kind.Samples}{(options.Format is null ? "" : $" of format {options.Format}")}{(options.Split is null ? "" : $" of the part '{options.Split}'")} here; found: {found}", where,
            kind.Expected, options.Split is null ? "check the path" : $"check the path and split={options.Split}");
    }

    Content Told(string file)
    {
        if (options.Format is { } format)
        {
            if (format == "list")
                return Content.Text;
            if (format == kind.Sample)
                return Content.Sample;
            if (format is "idx" or "cifar10" or "cifar100" && !IsTarName(file))
                return Content.Packed;
        }
        // A name says what its owner takes it for: if something else is in it, that file is damaged, whatever it holds.
        if (kind.IsNamed(file))
            return Content.Sample;
        var head = SourceOpener.Head(file, inflate: false);
        if (head.Length == 0)
            throw new TandemException(ErrorKind.Input, "the file is empty", file);
        var compressed = head is [0x1F, 0x8B, ..];
        if (compressed)
            head = SourceOpener.Head(file, inflate: true);
        if (TarReader.IsHeader(head))
            return compressed ? Content.CompressedTar : Content.Tar;
        if (options.Format is "tar" or "webdataset")
            throw FileFault.Inconsistent.Error("this is no tar file: its first header's checksum is wrong", file);
        if (IsPacked(file, head, compressed))
            return Content.Packed;
        if (compressed)
            return Content.Unknown;
        if (kind.IsOne(head))
            return Content.Sample;
        return head.AsSpan().ContainsAnyInRange((byte)0, (byte)8) ? Content.Unknown : Content.Text;
    }

    static bool IsTarName(string file) => file.Contains(".tar", StringComparison.Ordinal) || file.EndsWith(".tgz", StringComparison.Ordinal);

    string Word(Content content) => content switch
    {
        Content.Tar or Content.CompressedTar => "a tar",
        Content.Packed => "a file of many samples",
        Content.Sample => $"a {kind.Sample}",
        Content.Text => "a list",
        _ => "of no known kind",
    };
}
