using System.Text;

namespace Tandem.Data.Sources;

/// <summary>
/// Lists of pictures: a path a line, or path and label as CSV (RFC 4180) or TSV (no quoting), with or without a header. Paths are relative to the
/// list's folder, or absolute.
/// </summary>
static class ListFile
{
    static readonly string[] PathColumns = ["path", "filepath", "file", "filename", "file_name", "image", "image_path"];
    static readonly string[] LabelColumns = ["label", "class", "category", "target"];

    public static (DiskFiles Set, List<PictureEntry> Entries) Read(string path)
    {
        string text;
        try
        {
            text = File.ReadAllText(path, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true));
        }
        catch (ArgumentException cause)
        {
            throw FileFault.Inconsistent.Error("the list is not UTF-8", path, inner: cause);
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            throw FileSet.Unreadable(path, cause);
        }
        var folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        var rows = Rows(text.TrimStart('\uFEFF'), Separator(path, text, folder), path);
        if (rows.Count == 0)
            throw new TandemException(ErrorKind.Input, "the list is empty", path, "a path a line, with a label behind a comma or tab if there is one");
        var (pathColumn, labelColumn, first) = Columns(rows[0].Fields, folder);
        var (names, columns) = (new List<string>(rows.Count), new List<string?>(rows.Count));
        foreach (var (line, fields) in rows.Skip(first))
        {
            if (fields.Count <= pathColumn || fields[pathColumn].Length == 0)
                throw FileFault.Inconsistent.Error($"line {line} has no path", path);
            names.Add(fields[pathColumn]);
            columns.Add(fields.Count > labelColumn ? fields[labelColumn] : null);
        }
        if (names.Count == 0)
            throw new TandemException(ErrorKind.Input, "the list has a header and nothing else", path, "a path a line");
        CheckStart(path, folder, names, rows[first].Line);
        var set = new DiskFiles(folder, names);
        return (set, [.. names.Select((name, i) => new PictureEntry(set, i, name, Column: columns[i]))]);
    }

    // A list whose first paths are all missing is most likely read from the wrong folder; single missing files are counted later like damaged ones.
    static void CheckStart(string path, string folder, List<string> names, int line)
    {
        if (names.Take(10).Any(name => File.Exists(Path.Combine(folder, name))))
            return;
        throw new TandemException(ErrorKind.Input, $"the pictures of this list are not there: the first is {names[0]} (line {line})", path, $"paths relative to {folder}, or absolute ones");
    }

    static char? Separator(string path, string text, string folder)
    {
        var extension = Path.GetExtension(path).ToLowerInvariant();
        if (extension == ".tsv")
            return '\t';
        if (extension == ".csv")
            return ',';
        var line = text.AsSpan().TrimStart('\uFEFF');
        line = line[..(line.IndexOfAny('\r', '\n') is >= 0 and var end ? end : line.Length)];
        if (line.Contains('\t'))
            return '\t';
        return line.Contains(',') && !File.Exists(Path.Combine(folder, line.ToString())) ? ',' : null;
    }

    static (int Path, int Label, int First) Columns(List<string> header, string folder)
    {
        if (File.Exists(Path.Combine(folder, header[0])))
            return (0, 1, 0);
        var path = header.FindIndex(column => PathColumns.Contains(column.Trim().ToLowerInvariant()));
        if (path < 0)
            return (0, 1, 0);
        var label = header.FindIndex(column => LabelColumns.Contains(column.Trim().ToLowerInvariant()));
        return (path, label < 0 ? int.MaxValue : label, 1);
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
