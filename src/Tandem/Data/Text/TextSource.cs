using System.Globalization;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using Tandem.Data.Sources;

namespace Tandem.Data.Text;

/// <summary>Where a document of plain text ends. Records of tables and JSON lines are documents of their own.</summary>
public enum DocumentEnd
{
    /// <summary>At an empty line.</summary>
    EmptyLine,
    /// <summary>At the end of each line; empty lines are passed over.</summary>
    Line,
    /// <summary>At the end of the file; empty lines are passed over.</summary>
    File,
}

/// <summary>How text is read.</summary>
public sealed record TextOptions
{
    /// <summary>text, jsonl, csv, tsv, tar; told by name and content when null.</summary>
    public string? Format { get; init; }

    /// <summary>
    /// Where the text stands in a table (a name of the header, or a number from 1) or in JSON lines (a field's name). When null, by the usual
    /// names, <c>text</c> first; of a table also its only column.
    /// </summary>
    public string? Column { get; init; }

    /// <summary>Where a document ends.</summary>
    public DocumentEnd Documents { get; init; } = DocumentEnd.EmptyLine;

    /// <summary>Whether broken UTF-8 becomes U+FFFD instead of an error.</summary>
    public bool ReplaceInvalid { get; init; }

    /// <summary>Hears of what was left out; one sentence a call.</summary>
    public Action<string>? Warn { get; init; }

    /// <summary>Whether line ends stay part of the lines of plain text: for training a vocabulary.</summary>
    internal bool KeepsLineEnds { get; init; }
}

/// <summary>Text that lies in files: plain, gzipped, JSON lines, tables, tar shards of any of these. Read from front to back, never held as a whole.</summary>
public sealed class TextSource
{
    const int ChunkSize = 1 << 20;
    static readonly string[] formats = ["text", "jsonl", "csv", "tsv", "tar"];
    readonly TextOptions options;

    TextSource(string path, IReadOnlyList<string> files, TextOptions options) => (Description, Files, this.options) = ($"text {path}", files, options);

    /// <summary>Opens what a path stands for.</summary>
    /// <param name="path">A file, folder, glob or brace range; several joined by <c>::</c>.</param>
    /// <param name="options">Format, fields, documents.</param>
    /// <exception cref="TandemException"><see cref="ErrorKind.Input"/>: nothing is there, or no text.</exception>
    public static TextSource Open(string path, TextOptions? options = null)
    {
        options ??= new();
        if (options.Format is { } format && !formats.Contains(format, StringComparer.Ordinal))
            throw new TandemException(ErrorKind.Usage, $"there is no text format '{format}'", "data.format", string.Join(", ", formats));
        var files = new List<string>();
        foreach (var found in DataPaths.Expand(path))
        {
            if (Directory.Exists(found))
                files.AddRange(Under(found));
            else
                files.Add(found);
        }
        return new(path, files, options);
    }

    static IEnumerable<string> Under(string folder)
    {
        using var set = DiskFiles.Under(folder);
        List<string> texts = [.. set.Names.Where(name => !Path.GetFileName(name).StartsWith('.') && TextFiles.FormatOf(name) is not null).Select(name => Path.Combine(folder, name))];
        return texts.Count > 0 ? texts : throw new TandemException(ErrorKind.Input, set.Names.Count == 0 ? "the folder is empty" : $"none of the folder's {set.Names.Count} files is a text", folder, ".txt, .jsonl, .csv, .tsv, .tar, each perhaps with .gz");
    }

    /// <summary>What was opened, for reports.</summary>
    public string Description { get; }

    /// <summary>The files, in order.</summary>
    public IReadOnlyList<string> Files { get; }

    /// <summary>A hash that changes with the files (paths, sizes, times of change) and with how they are read.</summary>
    public string Identity
    {
        get
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            foreach (var line in Files.Select(file => $"{Path.GetFullPath(file)} {FileSet.StampOf(file)}").Prepend($"{options.Format} {options.Column} {options.Documents} {options.ReplaceInvalid}"))
                hash.AppendData(Encoding.UTF8.GetBytes(line + "\n"));
            return Convert.ToHexStringLower(hash.GetHashAndReset().AsSpan(0, 16));
        }
    }

    /// <summary>Bytes of the files as they lie there.</summary>
    public long Bytes => Files.Sum(file => new FileInfo(file).Length);

    /// <summary>The lines of all files, some at a time. Each chunk is the caller's to dispose of.</summary>
    /// <exception cref="TandemException"><see cref="ErrorKind.Input"/>: a file cannot be read or understood (the message names file and line), or there is no text in any.</exception>
    public IEnumerable<TextChunk> Chunks()
    {
        var chunk = new TextChunk();
        bool any = false, ended = true;
        foreach (var file in Files)
        {
            foreach (var units in Open(file))
            {
                using var open = units;
                // One file's last document does not go on in the next.
                if (!ended && !options.KeepsLineEnds)
                    chunk.Add([]);
                var perRecord = open.AreDocuments ? options.Documents != DocumentEnd.File : options.Documents == DocumentEnd.Line;
                for (var before = chunk.Count; open.Next(chunk); before = chunk.Count)
                {
                    if (chunk.Count == before)
                        continue;
                    if (perRecord && !options.KeepsLineEnds && !chunk.EndsDocument)
                        chunk.Add([]);
                    ended = chunk.EndsDocument;
                    any |= !ended || chunk.Count - before > 1;
                    if (chunk.Size >= ChunkSize || chunk.Count >= ChunkSize / 8)
                    {
                        yield return chunk;
                        chunk = new();
                    }
                }
                if (open.Without > 0)
                    options.Warn?.Invoke($"{open.Without} records of {file} hold no text and are left out");
            }
        }
        if (chunk.Count > 0)
            yield return chunk;
        if (!any)
            throw new TandemException(ErrorKind.Input, "there is no text", Description[5..], "at least one line that is not empty");
    }

    IEnumerable<TextUnits> Open(string file)
    {
        var head = SourceOpener.Head(file, inflate: false);
        var packed = head is [0x1F, 0x8B, ..];
        if (packed)
            head = SourceOpener.Head(file, inflate: true);
        if (options.Format == "tar" || (options.Format is null && TarReader.IsHeader(head)))
            return Members(file, packed);
        return [Units(TextFiles.Open(file, packed), file, options.Format ?? TextFiles.FormatOf(file) ?? "text", head)];
    }

    IEnumerable<TextUnits> Members(string file, bool packed)
    {
        using var stream = TextFiles.Open(file, packed);
        var reader = new TarReader(stream, file);
        var others = 0;
        while (reader.Next() is { } member)
        {
            if (member.Type != TarType.File || Path.GetFileName(member.Name).StartsWith('.'))
                continue;
            if (TextFiles.FormatOf(member.Name) is not { } format || format == "tar")
            {
                others++;
                continue;
            }
            var bytes = reader.Read();
            Stream data = new MemoryStream(bytes);
            if (bytes is [0x1F, 0x8B, ..])
                data = new GZipStream(data, CompressionMode.Decompress);
            yield return Units(data, $"{file}: {member.Name}", format, bytes);
        }
        if (others > 0)
            options.Warn?.Invoke(string.Create(CultureInfo.InvariantCulture, $"{others} members of {file} are no texts and are left out"));
    }

    TextUnits Units(Stream stream, string where, string format, ReadOnlySpan<byte> head)
    {
        // A .json is one object, or, as often, one a line; a list of objects is neither.
        if (format == "json" && head.TrimStart(" \t\r\n"u8) is [(byte)'[', ..])
            throw FileFault.Unsupported.Error("a JSON list", where, "JSON lines: one object a line");
        var reader = new LineReader(stream, where, options.ReplaceInvalid) { KeepsEnds = options.KeepsLineEnds && format == "text" };
        return format switch
        {
            "jsonl" or "json" => new JsonLines(reader, options.Column),
            "csv" or "tsv" => new TableUnits(reader, tabs: format == "tsv", options.Column),
            _ when options.Documents != DocumentEnd.EmptyLine && !options.KeepsLineEnds => new WholeUnits(reader),
            _ => new PlainUnits(reader),
        };
    }

    /// <summary>Plain lines without the empty ones.</summary>
    sealed class WholeUnits(LineReader reader) : TextUnits
    {
        public override bool Next(TextChunk chunk)
        {
            if (!reader.Next(out var line))
                return false;
            if (!line.IsEmpty)
                chunk.Add(line);
            return true;
        }

        public override void Dispose() => reader.Dispose();
    }
}
