using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Tandem.Data.Text;

/// <summary>Reads one file's texts into a sink.</summary>
/// <param name="sink">Takes the texts.</param>
/// <param name="column">Which columns or fields, as asked for.</param>
/// <param name="rule">Where labels come from.</param>
/// <param name="warn">Hears of what was left out.</param>
sealed class SentenceReader(SentenceSink sink, string? column, SentenceLabels rule, Action<string>? warn)
{
    /// <summary>Lines, rows or objects of a file.</summary>
    /// <param name="stream">The file; closed here.</param>
    /// <param name="format">text, jsonl, json, csv, tsv; null: plain text, or TSV where the first line is a published table's header.</param>
    /// <param name="name">How people know it.</param>
    /// <param name="where">Where it lies.</param>
    /// <param name="folder">The label where folders are labels, or null.</param>
    public void Read(Stream stream, string? format, string name, string where, string? folder)
    {
        using var reader = new LineReader(stream, where, replaceInvalid: false) { Broken = sink.Faults };
        var file = sink.File(name, where);
        long documents = 0;
        try
        {
            switch (format)
            {
                case "jsonl" or "json":
                    Objects(reader, file, where, folder);
                    break;
                case "csv" or "tsv":
                    Rows(reader, format == "tsv", file, where, folder);
                    break;
                default:
                    documents = Lines(reader, file, where, folder, mayBeTable: format is null);
                    break;
            }
        }
        finally
        {
            sink.End(reader.Line, documents);
        }
    }

    /// <summary>A file that is one text.</summary>
    /// <inheritdoc cref="Read"/>
    /// <param name="stream">The file; closed here.</param>
    /// <param name="name">How people know it.</param>
    /// <param name="where">Where it lies.</param>
    /// <param name="label">Its label, or null.</param>
    public void ReadWhole(Stream stream, string name, string where, string? label)
    {
        using var reader = new LineReader(stream, where, replaceInvalid: false) { Broken = sink.Faults };
        using var whole = new MemoryStream();
        while (reader.Next(out var line))
        {
            whole.Write(line);
            whole.WriteByte((byte)'\n');
        }
        sink.Add(sink.File(name, where), 0, whole.GetBuffer().AsSpan(0, (int)whole.Length), label);
        sink.End(reader.Line, 0);
    }

    // Gives the number of documents: runs of lines between empty ones.
    long Lines(LineReader reader, int file, string where, string? folder, bool mayBeTable)
    {
        var (first, inside, documents) = (true, false, 0L);
        while (reader.Next(out var line))
        {
            if (first && mayBeTable && line.Contains((byte)'\t') && Encoding.UTF8.GetString(line).Split('\t').ToList() is var header && SentenceColumns.IsKnownHeader(header))
            {
                Rows(reader, tabs: true, file, where, folder, header);
                return 0;
            }
            if (first && rule.Origin is SentenceOrigin.Column or SentenceOrigin.Json or SentenceOrigin.Cls)
                throw Unlabelled("plain text has no columns or fields", where);
            if (first && column is not null)
                throw new TandemException(ErrorKind.Input, $"column={column} was asked for, but this is plain text", where, "a table or JSON lines", "If it is a table, say format=tsv or format=csv.");
            first = false;
            inside &= !line.IsEmpty;
            var text = SentenceSink.Trim(line);
            if (text.Length == 0)
                continue;
            documents += inside ? 0 : 1;
            inside = true;
            sink.Add(file, reader.Line, text, folder);
        }
        return documents;
    }

    void Rows(LineReader reader, bool tabs, int file, string where, string? folder, List<string>? header = null)
    {
        var rows = new TableReader(reader, tabs);
        if (rule.Origin is SentenceOrigin.Json or SentenceOrigin.Cls)
            throw Unlabelled("a table's labels stand in a column", where);
        if ((header ?? rows.Next()) is not { } first)
            return;
        var columns = SentenceColumns.OfTable(first, column, rule, where);
        var cut = 0;
        if (!columns.HasHeader && !Row(columns, first, file, rows.Line, folder))
            cut++;
        while (rows.Next() is { } row)
            cut += Row(columns, row, file, rows.Line, folder) ? 0 : 1;
        if (cut > 0)
            warn?.Invoke(Number($"{cut} rows of {where} are cut off or have no label and are left out"));
    }

    // A missing text is an empty one; a missing label leaves nothing to learn.
    bool Row(SentenceColumns columns, List<string> row, int file, long line, string? folder)
    {
        if (columns.Exactly is { } exactly && row.Count != exactly)
            return false;
        var label = columns.Label is { } at ? at < row.Count ? row[at].Trim() : "" : folder;
        if (label is "" || (label is "-" && columns.NoMajority))
            return false;
        string Text(int column) => column < row.Count ? row[column] : "";
        if (columns.Texts is [var only])
            sink.Add(file, line, [Text(only)], label);
        else
            sink.Add(file, line, [Text(columns.Texts[0]), Text(columns.Texts[1])], label);
        return true;
    }

    void Objects(LineReader reader, int file, string where, string? folder)
    {
        if (rule.Origin == SentenceOrigin.Cls)
            throw Unlabelled("JSON lines have their labels in a field", where);
        (string[] Texts, string? Label)? fields = null;
        var without = 0;
        while (reader.Next(out var line))
        {
            if (line.Trim(" \t\r"u8).IsEmpty)
                continue;
            using var json = Parse(line.ToArray(), reader.Where);
            var (texts, label) = fields ??= SentenceColumns.OfFields([.. json.RootElement.EnumerateObject().Select(field => field.Name)], column, rule, reader.Where);
            var found = label is null ? folder : JsonFields.Text(json.RootElement, label, reader.Where);
            var parts = new string?[texts.Length];
            for (var i = 0; i < texts.Length; i++)
                parts[i] = JsonFields.Text(json.RootElement, texts[i], reader.Where);
            if (Array.Exists(parts, part => part is null) || (label is not null && (found is null or "" || (found == "-" && label == "gold_label"))))
                without++;
            else
                sink.Add(file, reader.Line, parts!, found);
        }
        if (without > 0)
            warn?.Invoke(Number($"{without} objects of {where} have no text or no label and are left out"));
    }

    static JsonDocument Parse(byte[] line, string where)
    {
        JsonDocument json;
        try
        {
            json = JsonDocument.Parse(line);
        }
        catch (JsonException cause)
        {
            throw FileFault.Inconsistent.Error($"the line is no JSON object: {cause.Message}", where, "one JSON object a line", inner: cause);
        }
        if (json.RootElement.ValueKind == JsonValueKind.Object)
            return json;
        json.Dispose();
        throw FileFault.Inconsistent.Error("the line is no JSON object", where, "one JSON object a line");
    }

    static TandemException Unlabelled(string what, string where) => new(ErrorKind.Input, what, where, $"labels={SentenceLabels.Choices}");

    static string Number(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}

/// <summary>Fields of a JSON object as text.</summary>
static class JsonFields
{
    /// <summary>A field's text; null where it is null.</summary>
    /// <param name="from">The object.</param>
    /// <param name="field">Its name; dots lead into objects.</param>
    /// <param name="where">The object's place, for errors.</param>
    /// <exception cref="TandemException"><see cref="ErrorKind.Input"/>: there is no such field, or it is neither text nor number.</exception>
    public static string? Text(JsonElement from, string field, string where)
    {
        var at = from;
        if (from.TryGetProperty(field, out var whole))
        {
            at = whole;
        }
        else
        {
            foreach (var part in field.Split('.'))
            {
                if (at.ValueKind != JsonValueKind.Object || !at.TryGetProperty(part, out var inner))
                {
                    var names = at.ValueKind == JsonValueKind.Object ? string.Join(", ", at.EnumerateObject().Take(8).Select(known => known.Name)) : "no fields";
                    throw new TandemException(ErrorKind.Input, $"the object has no field '{part}'", where, $"one of {names}");
                }
                at = inner;
            }
        }
        try
        {
            return at.ValueKind switch
            {
                JsonValueKind.Null => null,
                JsonValueKind.String => at.GetString(),
                JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False => at.GetRawText(),
                _ => throw new TandemException(ErrorKind.Input, $"the field '{field}' is {(at.ValueKind == JsonValueKind.Array ? "a list" : "an object")}", where, "a text or a number"),
            };
        }
        catch (InvalidOperationException cause)
        {
            throw FileFault.Inconsistent.Error($"the field '{field}' holds half of a surrogate pair", where, inner: cause);
        }
    }
}
