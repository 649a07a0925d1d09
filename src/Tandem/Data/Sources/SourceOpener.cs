using System.IO.Compression;
using Tandem.Data.Images;

namespace Tandem.Data.Sources;

/// <summary>Tells what lies under a path, by content, and opens it.</summary>
sealed class SourceOpener(string path, SourceOptions options)
{
    static readonly string[] Formats = ["folder", "tar", "webdataset", "cifar10", "cifar100", "idx", "list", "picture"];

    // torchvision's list, and GIF, which it leaves out.
    static readonly HashSet<string> Extensions = new(StringComparer.Ordinal) { "jpg", "jpeg", "png", "ppm", "bmp", "pgm", "tif", "tiff", "webp", "gif" };

    // A shard's picture is the first of these that a sample has.
    static readonly string[] ShardPictures = ["jpg", "png", "jpeg", "webp"];

    static readonly HashSet<string> Companions = new(StringComparer.Ordinal) { "txt", "json", "cls", "caption" };

    readonly LabelRule? rule = LabelRule.Parse(options.Labels);

    enum Content
    {
        Tar,
        CompressedTar,
        Idx,
        Cifar,
        Picture,
        Text,
        Unknown,
    }

    public PictureSource Open()
    {
        if (options.Format is { } format && !Formats.Contains(format, StringComparer.Ordinal))
            throw new TandemException(ErrorKind.Usage, $"there is no data format '{format}'", "data.format", string.Join(", ", Formats));
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
            Content.Text => OpenList(paths),
            Content.Idx or Content.Cifar or Content.Picture => OpenFiles(paths, contents[0]),
            _ => throw new TandemException(ErrorKind.Input, "what this file holds is not known", paths[0], "a tar (plain or gzipped), a list, a picture, CIFAR's or MNIST's files"),
        };
    }

    PictureSource OpenFolder(string folder)
    {
        var root = options.Split is { } split && Directory.Exists(Path.Combine(folder, split)) ? Path.Combine(folder, split) : folder;
        var set = DiskFiles.Under(root);
        if (set.Names.Count == 0)
            throw new TandemException(ErrorKind.Input, "the folder is empty", root, "pictures, class folders with pictures, or shards");
        var pictures = Pictures(set);
        if (pictures.Count > 0 && options.Format is null or "folder" or "picture")
            return new PictureFiles($"folder {root}", pictures, [set], rule, findRoot: false, EmptyClasses(root, pictures));
        if (Packed([set], $"folder {root}") is { } packed)
            return packed;
        var tars = set.Names.Where(name => name.EndsWith(".tar", StringComparison.Ordinal) || name.EndsWith(".tar.gz", StringComparison.Ordinal) || name.EndsWith(".tgz", StringComparison.Ordinal)).ToList();
        if (tars.Count > 0)
            return OpenTars([.. tars.Select(name => Path.Combine(root, name))]);
        throw NoPictures(root, [set]);
    }

    // torchvision calls a class folder without pictures an error; only the root's direct subfolders are classes.
    static List<string> EmptyClasses(string root, List<PictureEntry> pictures)
    {
        var used = pictures.Select(picture => picture.Name.IndexOf('/') is > 0 and var slash ? picture.Name[..slash] : "").ToHashSet(StringComparer.Ordinal);
        return [.. Directory.EnumerateDirectories(root).Select(folder => Path.GetFileName(folder)!).Where(name => !used.Contains(name)).Order(StringComparer.Ordinal)];
    }

    PictureSource OpenTars(IReadOnlyList<string> paths)
    {
        // A part is a file's name (train-000000.tar), or else a folder inside the archive.
        var part = options.Split;
        if (part is not null && paths.Where(file => Path.GetFileName(file).StartsWith(part, StringComparison.Ordinal)).ToList() is { Count: > 0 } named)
            (paths, part) = (named, null);
        var sets = new List<FileSet>();
        try
        {
            foreach (var file in paths)
                sets.Add(Told(file) == Content.CompressedTar ? new CompressedTarFiles(file) : new TarFiles(file));
            var description = paths.Count == 1 ? $"tar {paths[0]}" : $"{paths.Count} tars {path}";
            var pictures = sets.SelectMany(Pictures).Where(picture => part is null || picture.Name.Split('/')[..^1].Contains(part, StringComparer.Ordinal)).ToList();
            if (pictures.Count == 0 || options.Format is "cifar10" or "cifar100" or "idx")
                return Packed(sets, description) ?? throw NoPictures(path, sets);
            if (options.Format == "webdataset" || (options.Format is null && sets.Exists(IsShard)))
                return new PictureFiles(description, Shards(sets), sets, rule, findRoot: true);
            var root = PictureFiles.Root(pictures).Length;
            pictures.Sort((a, b) => DiskFiles.ByFolderThenName(a.Name, b.Name, root));
            return new PictureFiles(description, pictures, sets, rule, findRoot: true);
        }
        catch (TandemException)
        {
            foreach (var set in sets)
                set.Dispose();
            throw;
        }
    }

    // A shard has texts or labels under the keys of its pictures; an archive of a folder has not.
    static bool IsShard(FileSet set) => SampleKey.Samples(set.Names).Take(1000).Any(sample =>
        sample.Members.Keys.Any(Companions.Contains) && sample.Members.Keys.Any(Extensions.Contains));

    List<PictureEntry> Shards(List<FileSet> sets)
    {
        var entries = new List<PictureEntry>();
        var without = 0;
        foreach (var set in sets)
        {
            foreach (var (first, count, key, members) in SampleKey.Samples(set.Names))
            {
                if (ShardPictures.FirstOrDefault(members.ContainsKey) is { } extension)
                    entries.Add(new(set, members[extension], key, first, count));
                else
                    without++;
            }
        }
        if (without > 0)
            options.Warn?.Invoke($"{without} samples of {path} hold no picture ({string.Join(", ", ShardPictures)}) and are left out");
        return entries.Count > 0 ? entries : throw NoPictures(path, sets);
    }

    PictureSource OpenList(IReadOnlyList<string> paths)
    {
        if (paths.Count > 1)
            throw new TandemException(ErrorKind.Input, $"{paths.Count} lists were given", path, "one list");
        var (set, entries) = ListFile.Read(paths[0]);
        return new PictureFiles($"list {paths[0]}", entries, [set], rule ?? new(entries[0].Column is null ? LabelOrigin.None : LabelOrigin.Column), findRoot: false);
    }

    PictureSource OpenFiles(IReadOnlyList<string> paths, Content content)
    {
        var folder = Path.GetDirectoryName(Path.GetFullPath(paths[0]))!;
        // Names of classes and labels stand in files beside: the whole folder is looked at, but only what was named is read.
        var set = content == Content.Picture
            ? new DiskFiles(folder, [.. paths.Select(file => Path.GetRelativePath(folder, Path.GetFullPath(file)))])
            : new DiskFiles(folder, [.. Directory.EnumerateFiles(folder).Select(file => Path.GetFileName(file)!).Order(StringComparer.Ordinal)]);
        if (content == Content.Picture)
            return new PictureFiles($"pictures {path}", [.. set.Names.Select((name, i) => new PictureEntry(set, i, name))], [set], rule, findRoot: false);
        var named = paths.Select(file => Path.GetFileName(file)!).ToHashSet(StringComparer.Ordinal);
        return Packed([set], path, named) ?? throw NoPictures(path, [set]);
    }

    PictureSource? Packed(IReadOnlyList<FileSet> sets, string description, HashSet<string>? named = null)
    {
        var files = sets.SelectMany(set => Enumerable.Range(0, set.Names.Count).Select(file => (Set: set, File: file, Name: Path.GetFileName(set.Names[file])!))).ToList();
        if (options.Format is null or "cifar10" or "cifar100")
        {
            var bins = files.Where(file => file.Name.EndsWith(".bin", StringComparison.Ordinal) && (named is null || named.Contains(file.Name))).ToList();
            var wanted = named is null ? Part(bins, file => file.Name.StartsWith("test", StringComparison.Ordinal)) : bins;
            wanted.Sort((a, b) => string.CompareOrdinal(a.Name, b.Name));
            if (wanted.Count > 0)
            {
                var hundred = options.Format is null ? IsHundred(wanted.ConvertAll(file => file.Set.Size(file.File)), files.Exists(file => file.Name == "fine_label_names.txt"), description) : options.Format == "cifar100";
                return new CifarSource($"CIFAR-{(hundred ? 100 : 10)} {description}", sets, wanted.ConvertAll(file => (file.Set, file.File)), hundred, rule);
            }
        }
        if (options.Format is null or "idx")
        {
            var pictures = files.Where(file => file.Name.Contains("images", StringComparison.Ordinal) && file.Name.Contains("idx3", StringComparison.Ordinal) && (named is null || named.Contains(file.Name))).ToList();
            var wanted = named is null ? Part(pictures, file => file.Name.StartsWith("t10k", StringComparison.Ordinal) || file.Name.Contains("test", StringComparison.Ordinal)) : pictures;
            if (wanted.Count == 0 && named?.Count == 1)
                wanted = files.Where(file => named.Contains(file.Name)).ToList();
            if (wanted.Count > 1)
                throw new TandemException(ErrorKind.Input, $"{wanted.Count} IDX files with pictures: {string.Join(", ", wanted.Select(file => file.Name))}", description, "one", "name the file");
            if (wanted.Count == 1)
            {
                var labels = wanted[0].Name.Replace("images", "labels", StringComparison.Ordinal).Replace("idx3", "idx1", StringComparison.Ordinal);
                var beside = files.Where(file => file.Set == wanted[0].Set && Stem(file.Name) == Stem(labels) && file.Name != wanted[0].Name).Select(file => (int?)file.File).FirstOrDefault();
                return new IdxSource($"IDX {description}", wanted[0].Set, wanted[0].File, beside, rule);
            }
        }
        return null;
    }

    static string Stem(string name) => name.EndsWith(".gz", StringComparison.Ordinal) ? name[..^3] : name;

    // Where training and test part lie together: the training part, unless the test part is asked for.
    List<T> Part<T>(List<T> files, Predicate<T> isTest)
    {
        var test = options.Split is "test" or "val" or "validation";
        var part = files.Where(file => isTest(file) == test).ToList();
        return part.Count > 0 || options.Split is not null ? part : files;
    }

    static bool IsHundred(List<long> sizes, bool hasFineNames, string description)
    {
        bool ten = sizes.TrueForAll(size => size % 3073 == 0), hundred = sizes.TrueForAll(size => size % 3074 == 0);
        if (!ten && !hundred)
            throw FileFault.Inconsistent.Error("the .bin files are not CIFAR's: their sizes are no multiples of 3073 (CIFAR-10) or 3074 (CIFAR-100)", description);
        return hundred && (!ten || hasFineNames);
    }

    static List<PictureEntry> Pictures(FileSet set)
    {
        var entries = new List<PictureEntry>();
        for (var file = 0; file < set.Names.Count; file++)
        {
            var name = set.Names[file];
            if (Extensions.Contains(Path.GetExtension(name).TrimStart('.').ToLowerInvariant()) && !(set is not DiskFiles && Path.GetFileName(name).StartsWith('.')))
                entries.Add(new(set, file, name));
        }
        return entries;
    }

    TandemException NoPictures(string where, IReadOnlyList<FileSet> sets)
    {
        var kinds = sets.SelectMany(set => set.Names).Select(name => Path.GetExtension(name).ToLowerInvariant()).GroupBy(kind => kind, StringComparer.Ordinal)
            .OrderByDescending(group => group.Count()).Take(5).Select(group => $"{group.Count()} {(group.Key.Length == 0 ? "without extension" : group.Key)}").ToList();
        var found = kinds.Count == 0 ? "no files" : string.Join(", ", kinds);
        return new(ErrorKind.Input, $"there are no pictures{(options.Format is null ? "" : $" of format {options.Format}")} here; found: {found}", where,
            "pictures (jpg, png, webp, bmp, ppm, tif), shards, CIFAR's or MNIST's files", options.Split is null ? "check the path" : $"check the path and split={options.Split}");
    }

    Content Told(string file)
    {
        switch (options.Format)
        {
            case "list": return Content.Text;
            case "picture": return Content.Picture;
            case "idx" when !IsTarName(file): return Content.Idx;
            case "cifar10" or "cifar100" when !IsTarName(file): return Content.Cifar;
            default: break;
        }
        var head = Head(file, inflate: false);
        if (head.Length == 0)
            throw new TandemException(ErrorKind.Input, "the file is empty", file);
        var packed = head is [0x1F, 0x8B, ..];
        if (packed)
            head = Head(file, inflate: true);
        if (TarReader.IsHeader(head))
            return packed ? Content.CompressedTar : Content.Tar;
        if (head is [0, 0, 8, 1 or 3, ..])
            return Content.Idx;
        if (options.Format is "tar" or "webdataset")
            throw FileFault.Inconsistent.Error("this is no tar file: its first header's checksum is wrong", file);
        if (packed)
            return Content.Unknown;
        if (PictureDecoder.Format(head) != PictureFormat.Unknown)
            return Content.Picture;
        if (file.EndsWith(".bin", StringComparison.Ordinal) && new FileInfo(file).Length is var size && (size % 3073 == 0 || size % 3074 == 0))
            return Content.Cifar;
        return head.AsSpan().ContainsAnyInRange((byte)0, (byte)8) ? Content.Unknown : Content.Text;
    }

    static bool IsTarName(string file) => file.Contains(".tar", StringComparison.Ordinal) || file.EndsWith(".tgz", StringComparison.Ordinal);

    static string Word(Content content) => content switch
    {
        Content.Tar or Content.CompressedTar => "a tar",
        Content.Idx => "an IDX file",
        Content.Cifar => "a CIFAR file",
        Content.Picture => "a picture",
        Content.Text => "a list",
        _ => "of no known kind",
    };

    internal static byte[] Head(string file, bool inflate)
    {
        try
        {
            using var stream = File.OpenRead(file);
            using Stream from = inflate ? new GZipStream(stream, CompressionMode.Decompress) : stream;
            var head = new byte[512];
            return head[..from.ReadAtLeast(head, head.Length, throwOnEndOfStream: false)];
        }
        catch (InvalidDataException cause)
        {
            throw FileFault.Inconsistent.Error("the compressed file is damaged", file, inner: cause);
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            throw FileSet.Unreadable(file, cause);
        }
    }
}
