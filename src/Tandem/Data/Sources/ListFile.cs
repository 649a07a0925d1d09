using System.Text;
using System.Text.Json;

namespace Tandem.Data.Sources;

/// <summary>
/// Lists of samples: a path a line, or path, label and more as CSV (RFC 4180) or TSV (no quoting), with or without a header, or a JSON object a
/// line. Paths are relative to the list's folder, or absolute.
/// </summary>
static class ListFile
{
    static readonly string[] PathColumns = ["path", "filepath", "file", "filename", "file_name", "image", "image_path", "audio", "audio_path", "audio_filepath", "wav"];
    static readonly string[] LabelColumns = ["label", "class", "category", "target"];
    static readonly string[] TextColumns = ["text", "sentence", "transcript", "transcription", "caption", "title"];
    static readonly string[] SpeakerColumns = ["speaker", "speaker_id", "client_id"];

    /// <summary>Reads a list.</summary>
    /// <exception cref="TandemException"><see cref="ErrorKind.Input"/>: it is empty, not UTF-8, has lines without a path, or nothing that it names is there.</exception>
    public static (DiskFiles Set, IReadOnlyList<SampleEntry> Entries) Read(string path, FileKind kind)
    {
        var text = Text(path);
        var folder = Folder(path);
        List<(int Line, string Name, ListedFacts Facts)> found = IsJson(path, text) ? Objects(text, path) : Table(text, path, folder);
        if (found.Count == 0)
            throw new TandemException(ErrorKind.Input, "the list is empty, or has a header and nothing else", path, "a path a line, with a label behind a comma or tab if there is one");
        return Entries(path, folder, kind, found);
    }

    /// <summary>A list's text.</summary>
    public static string Text(string path)
    {
        try
        {
            return File.ReadAllText(path, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true)).TrimStart('\uFEFF');
        }
        catch (ArgumentException cause)
        {
            throw FileFault.Inconsistent.Error("the list is not UTF-8", path, inner: cause);
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            throw FileSet.Unreadable(path, cause);
        }
    }

    /// <summary>The folder that a list lies in.</summary>
    public static string Folder(string path) => Path.GetDirectoryName(Path.GetFullPath(path))!;

    /// <summary>The samples that a list names.</summary>
    /// <param name="path">The list.</param>
    /// <param name="root">The folder that its paths are relative to.</param>
    /// <param name="kind">What the samples are.</param>
    /// <param name="found">Line, path, and what else is known; at least one.</param>
    /// <exception cref="TandemException"><see cref="ErrorKind.Input"/>: none of the first ones is there.</exception>
    public static (DiskFiles Set, IReadOnlyList<SampleEntry> Entries) Entries(string path, string root, FileKind kind, IReadOnlyList<(int Line, string Name, ListedFacts Facts)> found)
    {
        // A list whose first paths are all missing is most likely read from the wrong folder; single missing files are counted later like damaged ones.
        if (!found.Take(10).Any(one => File.Exists(Path.Combine(root, one.Name))))
            throw new TandemException(ErrorKind.Input, $"the {kind.Samples} of this list are not there: the first is {found[0].Name} (line {found[0].Line})", path, $"paths relative to {root}, or absolute ones");
        var set = new DiskFiles(root, [.. found.Select(one => one.Name)]);
        return (set, [.. found.Select((one, i) => new SampleEntry(set, i, one.Name, Listed: one.Facts))]);
    }

    static bool IsJson(string path, string text) => Path.GetExtension(path).ToLowerInvariant() is ".jsonl" or ".ndjson" or ".json" || text.AsSpan().TrimStart().StartsWith("{\"");

    static List<(int, string, ListedFacts)> Table(string text, string path, string folder)
    {
        var rows = Rows(text, Separator(path, text, folder), path);
        if (rows.Count == 0)
            return [];
        var columns = Columns.Of(rows[0].Fields, folder);
        var found = new List<(int, string, ListedFacts)>(rows.Count);
        foreach (var (line, fields) in rows.Skip(columns.HasHeader ? 1 : 0))
        {
            string? Field(int column) => column < fields.Count ? fields[column] : null;
            if (Field(columns.Path) is not { Length: > 0 } name)
                throw FileFault.Inconsistent.Error($"line {line} has no path", path);
            found.Add((line, name, new(Field(columns.Label), Field(columns.Text), Field(columns.Speaker) is { Length: > 0 } speaker ? speaker : null)));
        }
        return found;
    }

    static List<(int, string, ListedFacts)> Objects(string text, string path)
    {
        var found = new List<(int, string, ListedFacts)>();
        var number = 0;
        foreach (var line in text.Split('\n'))
        {
            number++;
            if (string.IsNullOrWhiteSpace(line))
                continue;
            try
            {
                using var document = JsonDocument.Parse(line);
                var at = document.RootElement;
                string? Field(string[] names) => at.ValueKind == JsonValueKind.Object && Array.Find(names, name => at.TryGetProperty(name, out _)) is { } name
                    ? at.GetProperty(name) is { ValueKind: not (JsonValueKind.Null or JsonValueKind.Object or JsonValueKind.Array) } value ? value.ToString() : null
                    : null;
                if (Field(PathColumns) is not { Length: > 0 } sample)
                    throw FileFault.Inconsistent.Error($"line {number} has no path", path, $"one of {string.Join(", ", PathColumns)}");
                found.Add((number, sample, new(Field(LabelColumns), Field(TextColumns), Field(SpeakerColumns), Json: line)));
            }
            catch (JsonException cause)
            {
                throw FileFault.Inconsistent.Error($"line {number} is no JSON object: {cause.Message}", path, "a JSON object a line", inner: cause);
            }
        }
        return found;
    }

    static char? Separator(string path, string text, string folder)
    {
        var extension = Path.GetExtension(path).ToLowerInvariant();
        if (extension == ".tsv")
            return '\t';
        if (extension == ".csv")
            return ',';
        var line = text.AsSpan();
        line = line[..(line.IndexOfAny('\r', '\n') is >= 0 and var end ? end : line.Length)];
        if (line.Contains('\t'))
            return '\t';
        return line.Contains(',') && !File.Exists(Path.Combine(folder, line.ToString())) ? ',' : null;
    }

    /// <summary>Which column is what; one that is not there has the largest number.</summary>
    readonly record struct Columns(int Path, int Label, int Text, int Speaker, bool HasHeader)
    {
        const int None = int.MaxValue;

        public static Columns Of(List<string> header, string folder)
        {
            var plain = new Columns(0, 1, None, None, HasHeader: false);
            if (File.Exists(System.IO.Path.Combine(folder, header[0])))
                return plain;
            int Find(string[] names) => header.FindIndex(column => names.Contains(column.Trim().ToLowerInvariant(), StringComparer.Ordinal)) is >= 0 and var found ? found : None;
            var path = Find(PathColumns);
            return path == None ? plain : new(path, Find(LabelColumns), Find(TextColumns), Find(SpeakerColumns), HasHeader: true);
        }
    }

    static List<(int Line, List<string> Fields)> Rows(string text, char? separator, string path)
    {
        var rows = new List<(int, List<string>)>();
        if (separator == ',')
        {
            Csv(text, rows, path);
            return rows;
        }
        var number = 0;
        foreach (var line in text.Split('\n'))
        {
            number++;
            var content = line.TrimEnd('\r');
            if (content.Length > 0)
                rows.Add((number, separator is { } tab ? [.. content.Split(tab)] : [content]));
        }
        return rows;
    }

    // RFC 4180: quotes are doubled inside quotes, where commas and line breaks are text.
    static void Csv(string text, List<(int, List<string>)> rows, string path)
    {
        var fields = new List<string>();
        var field = new StringBuilder();
        int line = 1, start = 1, at = 0;
        bool quoted = false, any = false;
        void EndField()
        {
            fields.Add(field.ToString());
            field.Clear();
        }
        void EndRow()
        {
            EndField();
            if (fields.Count > 1 || fields[0].Length > 0 || any)
                rows.Add((start, fields));
            fields = [];
            any = false;
        }
        for (; at < text.Length; at++)
        {
            var letter = text[at];
            if (letter == '\n')
                line++;
            if (quoted)
            {
                if (letter != '"')
                    field.Append(letter);
                else if (at + 1 < text.Length && text[at + 1] == '"')
                    field.Append(text[++at]);
                else
                    quoted = false;
            }
            else if (letter == '"' && field.Length == 0)
            {
                quoted = any = true;
            }
            else if (letter == ',')
            {
                EndField();
            }
            else if (letter == '\n')
            {
                EndRow();
                start = line;
            }
            else if (letter != '\r' || at + 1 < text.Length && text[at + 1] != '\n')
            {
                field.Append(letter);
            }
        }
        if (quoted)
            throw FileFault.Truncated.Error($"the quotes opened in line {start} are never closed", path);
        if (field.Length > 0 || fields.Count > 0)
            EndRow();
    }
}
