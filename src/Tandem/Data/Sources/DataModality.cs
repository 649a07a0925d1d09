using Tandem.Data.Images;
using Tandem.Data.Text;

namespace Tandem.Data.Sources;

/// <summary>Tells by names and content whether pictures, recordings or texts lie under a path.</summary>
static class DataModality
{
    // Enough names of an archive to tell what it holds; lines of a list.
    const int NamesOfArchive = 5000, LinesOfList = 10;

    // Texts beside pictures or recordings describe them, up to so many for each.
    const int Companions = 10;

    /// <summary>image, audio or text.</summary>
    /// <param name="path">A file, folder, tar, glob or brace range; several joined by <c>::</c>.</param>
    /// <param name="format">As asked for, or null.</param>
    /// <exception cref="TandemException"><see cref="ErrorKind.Input"/>: nothing is there, or nothing of these kinds.</exception>
    public static string Of(string path, string? format)
    {
        if (OfFormat(format) is { } asked)
            return asked;
        if (ArchivePath.Split(path) is not null)
            return "text";
        var paths = DataPaths.Expand(path);
        if (paths is [var file] && File.Exists(file) && !IsTar(file))
            return OfFile(file);
        return OfNames(paths.SelectMany(Names), path);
    }

    static string? OfFormat(string? format) => format switch
    {
        "cifar10" or "cifar100" or "idx" or "picture" => "image",
        "recording" => "audio",
        "text" or "jsonl" or "csv" or "tsv" => "text",
        _ => null,
    };

    static string OfNames(IEnumerable<string> names, string path)
    {
        int pictures = 0, recordings = 0, texts = 0, packed = 0, files = 0;
        foreach (var name in names)
        {
            files++;
            pictures += FileKind.Pictures.IsNamed(name) ? 1 : 0;
            recordings += FileKind.Recordings.IsNamed(name) ? 1 : 0;
            packed += IsPacked(Path.GetFileName(name)) ? 1 : 0;
            texts += TextFiles.FormatOf(name) is not (null or "tar") ? 1 : 0;
        }
        var samples = Math.Max(pictures, recordings);
        if (samples > 0 && texts <= Companions * (long)samples)
            return recordings > pictures ? "audio" : "image";
        return packed > 0 ? "image" : texts > 0 ? "text"
            : throw new TandemException(ErrorKind.Input, files == 0 ? "there are no files" : $"none of the {files} files here is named like a picture, a recording or a text", path,
                "pictures (.jpg, .png, …), recordings (.wav, .flac, …), texts (.txt, .jsonl, .csv, .tsv), tars of these", files == 0 ? null : "If it is one of them, say which: modality=image, audio or text.");
    }

    static string OfFile(string file)
    {
        if (FileKind.Pictures.IsNamed(file))
            return "image";
        if (FileKind.Recordings.IsNamed(file))
            return "audio";
        var head = SourceOpener.Head(file, inflate: false);
        if (head is [0x1F, 0x8B, ..])
            head = SourceOpener.Head(file, inflate: true);
        if (FileKind.Pictures.IsOne(head) || IsPacked(Path.GetFileName(file)) || head is [0, 0, 8, 1 or 3, ..])
            return "image";
        return FileKind.Recordings.IsOne(head) ? "audio" : OfList(file) ?? "text";
    }

    // A list names a picture or recording in most of its lines, behind a header.
    static string? OfList(string file)
    {
        List<string> lines;
        try
        {
            using var reader = new StreamReader(TextFiles.Open(file, packed: SourceOpener.Head(file, inflate: false) is [0x1F, 0x8B, ..]));
            lines = [.. Enumerable.Range(0, LinesOfList + 1).Select(_ => reader.ReadLine()).OfType<string>()];
        }
        catch (InvalidDataException)
        {
            return null; // whoever reads the text says what is wrong with it
        }
        bool Most(FileKind kind) => lines.Count(line => line.Split('\t', ',', '|', '"').Any(field => kind.IsNamed(field.Trim()))) is > 0 and var named && named >= lines.Count - 1;
        return Most(FileKind.Pictures) ? "image" : Most(FileKind.Recordings) ? "audio" : null;
    }

    static IEnumerable<string> Names(string path)
    {
        if (!Directory.Exists(path))
            return IsTar(path) ? Members(path) : [path];
        using var set = DiskFiles.Under(path);
        var tar = set.Names.FirstOrDefault(name => TextFiles.FormatOf(name) == "tar");
        return tar is not null && set.Names.All(name => TextFiles.FormatOf(name) is null or "tar") && !set.Names.Any(name => FileKind.Pictures.IsNamed(name) || FileKind.Recordings.IsNamed(name))
            ? Members(Path.Combine(path, tar))
            : set.Names;
    }

    static IEnumerable<string> Members(string tar)
    {
        using var stream = TextFiles.Open(tar, packed: SourceOpener.Head(tar, inflate: false) is [0x1F, 0x8B, ..]);
        var reader = new TarReader(stream, tar);
        for (var i = 0; i < NamesOfArchive && reader.Next() is { } member; i++)
        {
            if (member.Type == TarType.File)
                yield return member.Name;
        }
    }

    static bool IsTar(string file)
    {
        if (!File.Exists(file) || FileKind.Pictures.IsNamed(file) || FileKind.Recordings.IsNamed(file))
            return false;
        var head = SourceOpener.Head(file, inflate: false);
        return TarReader.IsHeader(head is [0x1F, 0x8B, ..] ? SourceOpener.Head(file, inflate: true) : head);
    }

    // CIFAR's and MNIST's files.
    static bool IsPacked(string name) => name.Contains("-idx3-", StringComparison.Ordinal) || name.Contains("-idx1-", StringComparison.Ordinal)
        || (name.EndsWith(".bin", StringComparison.Ordinal) && (name.Contains("_batch", StringComparison.Ordinal) || name is "train.bin" or "test.bin"));
}
