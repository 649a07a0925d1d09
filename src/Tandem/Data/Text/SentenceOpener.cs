using System.Text.Json;
using Tandem.Data.Sources;

namespace Tandem.Data.Text;

/// <summary>Tells what lies under a path, by name and content, and reads its texts into a sink.</summary>
sealed class SentenceOpener
{
    static readonly string[] formats = ["text", "jsonl", "csv", "tsv", "tar", "folder", "webdataset"];
    static readonly HashSet<string> partNames = new(StringComparer.Ordinal) { "train", "training", "dev", "val", "valid", "validation", "test" };

    readonly SourceOptions options;
    readonly SentenceLabels rule;
    readonly SentenceSink sink;
    readonly SentenceReader reader;

    public SentenceOpener(SourceOptions options, SentenceSink sink)
    {
        if (options.Format is { } format && !formats.Contains(format, StringComparer.Ordinal))
            throw new TandemException(ErrorKind.Usage, $"there is no format '{format}' of texts", "data.format", string.Join(", ", formats));
        (this.options, this.sink) = (options, sink);
        rule = SentenceLabels.Parse(options.Labels);
        reader = new(sink, options.Column, rule, options.Warn);
    }

    /// <summary>Whether samples are lines or rows, not files.</summary>
    public bool Lines { get; private set; }

    /// <summary>What a path stands for: several are joined by <c>::</c>.</summary>
    public static IReadOnlyList<string> Split(string path) => path.Split("::", StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    /// <summary>Reads all that lies under some paths.</summary>
    /// <param name="paths">At least one.</param>
    /// <param name="description">What they are called.</param>
    public void Read(IReadOnlyList<string> paths, string description)
    {
        if (paths.Count == 0)
            throw new TandemException(ErrorKind.Input, "no data was given", expected: "a file, a folder, a tar, a glob or a range");
        foreach (var path in paths)
            Path(path, several: paths.Count > 1);
        if (sink.Unlabelled is > 0 and var without && without < sink.Count)
            options.Warn?.Invoke($"{without} of {sink.Count} texts of {description} have no label: labels are not looked at");
    }

    // What is wrong with one file is not the others' fault, where somebody hears of it.
    void Reading(Action read)
    {
        try
        {
            read();
        }
        catch (TandemException error) when (sink.Faults is not null && error.Kind is ErrorKind.Input or ErrorKind.Machine)
        {
            sink.Faults!(error);
        }
    }

    void Path(string path, bool several)
    {
        if (ArchivePath.Split(path) is { } inside)
        {
            using var set = Archive(inside.Archive);
            Member(set, inside.Member);
            return;
        }
        var found = DataPaths.Expand(path);
        foreach (var one in found)
        {
            if (Directory.Exists(one))
                Folder(one);
            else
                Reading(() => File(one, several || found.Count > 1 ? one : System.IO.Path.GetFileName(one)));
        }
    }

    void Folder(string folder)
    {
        var whole = options.Split is not { } split || !Directory.Exists(System.IO.Path.Combine(folder, split));
        using var set = DiskFiles.Under(whole ? folder : System.IO.Path.Combine(folder, options.Split!));
        if (set.Names.Count == 0)
            throw new TandemException(ErrorKind.Input, "the folder is empty", set.Path, "texts, tables, JSON lines, class folders or shards");
        Read(set, [.. Enumerable.Range(0, set.Names.Count)], root: 0, whole ? options.Split : null);
    }

    void File(string file, string name)
    {
        var head = SourceOpener.Head(file, inflate: false);
        var packed = head is [0x1F, 0x8B, ..];
        if (packed)
            head = SourceOpener.Head(file, inflate: true);
        if (TarReader.IsHeader(head))
        {
            using var set = Archive(file);
            Read(set, [.. Enumerable.Range(0, set.Names.Count)], root: null, options.Split);
            return;
        }
        if (options.Format is "tar" or "webdataset")
            throw FileFault.Inconsistent.Error("this is no tar file: its first header's checksum is wrong", file);
        if (head.Length == 0)
            throw new TandemException(ErrorKind.Input, "the file is empty", file, "text");
        if (rule.Origin == SentenceOrigin.Folder && options.Format is null)
        {
            // One file of a class folder: its folder is the class.
            reader.ReadWhole(TextFiles.Open(file, packed), name, file, FolderOf(file));
            return;
        }
        Lines = true;
        reader.Read(TextFiles.Open(file, packed), Format(file, head), name, file, rule.Origin == SentenceOrigin.Folder ? FolderOf(file) : null);
    }

    static string? FolderOf(string file) => System.IO.Path.GetFileName(System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(file)));

    static FileSet Archive(string file)
    {
        var head = SourceOpener.Head(file, inflate: false);
        return head is [0x1F, 0x8B, ..] ? new CompressedTarFiles(file) : new TarFiles(file);
    }

    void Member(FileSet set, string member)
    {
        var at = Enumerable.Range(0, set.Names.Count).FirstOrDefault(file => set.Names[file] == member, -1);
        if (at >= 0)
        {
            One(set, at, System.IO.Path.GetFileName(member), null);
            return;
        }
        var prefix = member.TrimEnd('/') + "/";
        List<int> below = [.. Enumerable.Range(0, set.Names.Count).Where(file => set.Names[file].StartsWith(prefix, StringComparison.Ordinal))];
        if (below.Count == 0)
            throw new TandemException(ErrorKind.Input, $"the archive holds no '{member}'", set.Path, $"one of {string.Join(", ", set.Names.Take(8))}{(set.Names.Count > 8 ? ", …" : "")}");
        Read(set, below, prefix.Length, options.Split);
    }

    // Files of a set: shards, files of one text each, or files of lines.
    void Read(FileSet set, List<int> files, int? root, string? split)
    {
        files.RemoveAll(file => System.IO.Path.GetFileName(set.Names[file]).StartsWith('.'));
        if (split is not null)
        {
            if (files.FindAll(file => IsOfPart(set.Names[file], split)) is not { Count: > 0 } part)
                throw new TandemException(ErrorKind.Input, $"nothing here belongs to split={split}", set.Path, $"a folder {split}, or files whose names begin with {split}", $"there are {Some(set, files)}");
            (files, root) = (part, null);
        }
        var texts = files.FindAll(file => TextFiles.FormatOf(set.Names[file]) is not (null or "tar"));
        if (texts.Count == 0)
        {
            Shards(set, files);
            return;
        }
        if (options.Format == "webdataset" || (options.Format is null && IsShard(set, files)))
        {
            Samples(set, files);
            return;
        }
        var start = root ?? CommonFolder(texts.ConvertAll(file => set.Names[file]), options.Format == "folder" || rule.Origin == SentenceOrigin.Folder);
        var whole = texts.FindAll(file => TextFiles.FormatOf(set.Names[file]) == "text" && (options.Format == "folder" || set.Names[file].IndexOf('/', start) > 0));
        if (options.Format == "folder" || (options.Format is null && 2 * whole.Count > texts.Count && rule.Origin is SentenceOrigin.Auto or SentenceOrigin.Folder or SentenceOrigin.None))
        {
            Wholes(set, whole, texts.Count - whole.Count, start);
            return;
        }
        CheckParts(set, texts);
        foreach (var file in texts)
            Reading(() => One(set, file, set.Names[file], rule.Origin == SentenceOrigin.Folder ? ClassOf(set, file, start) ?? throw InNoClass(set, file) : null));
    }

    void Wholes(FileSet set, List<int> files, int others, int start)
    {
        if (files.Count == 0)
            throw new TandemException(ErrorKind.Input, "there are no plain texts", set.Path, "CLASS/name.txt");
        if (others > 0)
            options.Warn?.Invoke($"{others} files of {set.Path} stand beside the class folders, or are no plain texts, and are left out");
        var classes = files.Select(file => ClassOf(set, file, start) ?? (rule.Origin == SentenceOrigin.Folder ? throw InNoClass(set, file) : "")).Distinct().Order(StringComparer.Ordinal).ToList();
        if (classes.Count > 1 && classes.TrueForAll(partNames.Contains))
            throw Parts(set, classes);
        var labelled = rule.Origin != SentenceOrigin.None && !classes.Contains("");
        foreach (var file in files)
            Reading(() => reader.ReadWhole(TextFiles.Open(set, file), set.Names[file], set.Where(file), labelled ? ClassOf(set, file, start) : null));
    }

    static string? ClassOf(FileSet set, int file, int start) => set.Names[file].IndexOf('/', start) is > 0 and var slash ? set.Names[file][start..slash] : null;

    static TandemException InNoClass(FileSet set, int file) => new(ErrorKind.Input, "the text is in no class folder", set.Where(file), "ROOT/CLASS/text");

    void CheckParts(FileSet set, List<int> files)
    {
        var stems = files.Select(file => Stem(set.Names[file])).Distinct().Order(StringComparer.Ordinal).ToList();
        var parts = stems.Select(stem => stem.Split('_', '-')[0]).Distinct().ToList();
        if (options.Split is null && parts.Count > 1 && parts.TrueForAll(partNames.Contains))
            throw Parts(set, stems);
    }

    static TandemException Parts(FileSet set, List<string> names) => new(ErrorKind.Input, $"{string.Join(", ", names)} are parts of a data set, not one set", set.Path, "one of them", $"give the part, for example split={names[0]}");

    // A part is a folder's name, or what a file's name begins with: dev for dev.tsv, dev_matched.tsv, dev-00000-of-00002.jsonl.
    static bool IsOfPart(string name, string part)
    {
        if (name.Split('/')[..^1].Contains(part, StringComparer.Ordinal))
            return true;
        var file = System.IO.Path.GetFileName(name);
        return file.StartsWith(part, StringComparison.Ordinal) && (file.Length == part.Length || !char.IsLetterOrDigit(file[part.Length]));
    }

    static string Stem(string name)
    {
        var file = System.IO.Path.GetFileName(name);
        return file.IndexOf('.') is > 0 and var dot ? file[..dot] : file;
    }

    // The folders that all names have in common; one less where the last is asked for as their class.
    static int CommonFolder(List<string> names, bool classes)
    {
        var common = names[0][..(names[0].LastIndexOf('/') + 1)];
        foreach (var name in names)
        {
            while (!name.StartsWith(common, StringComparison.Ordinal))
                common = common[..(common[..^1].LastIndexOf('/') + 1)];
        }
        if (classes && common.Length > 0 && names.TrueForAll(name => name.IndexOf('/', common.Length) < 0))
            common = common[..(common[..^1].LastIndexOf('/') + 1)];
        return common.Length;
    }

    void One(FileSet set, int file, string name, string? label)
    {
        Lines = true;
        using var open = TextFiles.Open(set, file);
        var head = new byte[512];
        var count = open.ReadAtLeast(head, head.Length, throwOnEndOfStream: false);
        reader.Read(TextFiles.Open(set, file), Format(set.Names[file], head.AsSpan(0, count)), name, set.Where(file), label);
    }

    string? Format(string name, ReadOnlySpan<byte> head)
    {
        var format = options.Format is "text" or "jsonl" or "csv" or "tsv" ? options.Format : TextFiles.FormatOf(name);
        if (format == "json" && head.TrimStart(" \t\r\n"u8) is [(byte)'[', ..])
            throw FileFault.Unsupported.Error("a JSON list", name, "JSON lines: one object a line");
        return format == "text" && options.Format is null ? null : format;
    }

    // A folder, or an archive, that holds nothing but archives.
    void Shards(FileSet set, List<int> files)
    {
        var tars = files.FindAll(file => TextFiles.FormatOf(set.Names[file]) == "tar");
        if (tars.Count == 0 || set is not DiskFiles)
        {
            throw new TandemException(ErrorKind.Input, files.Count == 0 ? "there are no files" : $"none of the {files.Count} files here is a text", set.Path,
                ".txt, .jsonl, .csv, .tsv, each perhaps with .gz; .tar of these", files.Count == 0 ? null : $"there are {Some(set, files)}");
        }
        foreach (var tar in tars)
        {
            Reading(() =>
            {
                using var inner = Archive(set.Where(tar));
                Read(inner, [.. Enumerable.Range(0, inner.Names.Count)], root: null, split: null);
            });
        }
    }

    static string Some(FileSet set, List<int> files) => string.Join(", ", files.Take(5).Select(file => set.Names[file])) + (files.Count > 5 ? ", …" : "");

    // A shard has labels or descriptions under the keys of its texts.
    static bool IsShard(FileSet set, List<int> files) => SampleKey.Samples(files.ConvertAll(file => set.Names[file])).Take(1000)
        .Any(sample => sample.Members.ContainsKey("txt") && (sample.Members.ContainsKey("json") || sample.Members.ContainsKey("cls")));

    void Samples(FileSet set, List<int> files)
    {
        var without = 0;
        string? field = null;
        foreach (var (_, _, key, members) in SampleKey.Samples(files.ConvertAll(file => set.Names[file])))
        {
            if (!members.TryGetValue("txt", out var text))
            {
                without++;
                continue;
            }
            var sample = members.ToDictionary(member => member.Key, member => files[member.Value], StringComparer.Ordinal);
            Reading(() => reader.ReadWhole(TextFiles.Open(set, files[text]), key, set.Where(files[text]), LabelOf(set, sample, key, ref field)));
        }
        if (without > 0)
            options.Warn?.Invoke($"{without} samples of {set.Path} hold no text and are left out");
    }

    string? LabelOf(FileSet set, Dictionary<string, int> members, string key, ref string? field)
    {
        if (rule.Origin is SentenceOrigin.Cls or SentenceOrigin.Auto && members.TryGetValue("cls", out var cls))
            return System.Text.Encoding.UTF8.GetString(set.Read(cls)).Trim();
        if (rule.Origin == SentenceOrigin.Cls)
            throw new TandemException(ErrorKind.Input, "the sample has no cls file beside it", $"{set.Path}: {key}", "KEY.cls");
        if (rule.Origin == SentenceOrigin.Folder)
            return key.Contains('/', StringComparison.Ordinal) ? System.IO.Path.GetFileName(System.IO.Path.GetDirectoryName(key)) : throw new TandemException(ErrorKind.Input, "the sample is in no class folder", $"{set.Path}: {key}");
        if (rule.Origin is SentenceOrigin.None or SentenceOrigin.Column)
            return rule.Origin == SentenceOrigin.None ? null : throw new TandemException(ErrorKind.Input, "a shard has no columns", set.Path, "labels=json:FIELD, cls, folder or none");
        if (!members.TryGetValue("json", out var file))
            return rule.Origin == SentenceOrigin.Auto ? null : throw new TandemException(ErrorKind.Input, "the sample has no json beside it", $"{set.Path}: {key}", "KEY.json");
        try
        {
            using var json = JsonDocument.Parse(set.Read(file));
            field ??= rule.Field ?? (json.RootElement.ValueKind == JsonValueKind.Object ? SentenceColumns.UsualLabel([.. json.RootElement.EnumerateObject().Select(known => known.Name)]) : null) ?? "";
            return field.Length == 0 ? null : JsonFields.Text(json.RootElement, field, set.Where(file));
        }
        catch (JsonException cause)
        {
            throw FileFault.Inconsistent.Error($"this is no JSON: {cause.Message}", set.Where(file), inner: cause);
        }
    }
}

/// <summary>A path that goes on inside an archive.</summary>
static class ArchivePath
{
    /// <summary>The archive and what is meant in it; null for all other paths.</summary>
    /// <param name="path">A path.</param>
    public static (string Archive, string Member)? Split(string path)
    {
        var full = path == "~" || path.StartsWith("~/", StringComparison.Ordinal) ? Environment.GetFolderPath(Environment.SpecialFolder.UserProfile) + path[1..] : path;
        if (Path.Exists(full))
            return null;
        for (var slash = full.LastIndexOf('/'); slash > 0; slash = full.LastIndexOf('/', slash - 1))
        {
            var outer = full[..slash];
            if (File.Exists(outer))
                return (outer, full[(slash + 1)..]);
            if (Directory.Exists(outer))
                return null;
        }
        return null;
    }
}
