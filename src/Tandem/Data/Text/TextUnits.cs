using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Tandem.Data.Text;

/// <summary>What a file yields: appends lines to a chunk, a line or a record at a time.</summary>
abstract class TextUnits : IDisposable
{
    /// <summary>Appends the next line or record; false at the end.</summary>
    public abstract bool Next(TextChunk chunk);

    /// <summary>Whether each record is a document of its own.</summary>
    public virtual bool AreDocuments => false;

    /// <summary>How many records held no text.</summary>
    public long Without { get; protected set; }

    /// <summary>Closes the file.</summary>
    public abstract void Dispose();

    /// <summary>The text of a record: its lines, without empty ones, which would end the document.</summary>
    protected static void AddRecord(TextChunk chunk, ReadOnlySpan<byte> text)
    {
        foreach (var range in text.Split((byte)'\n'))
        {
            var line = text[range];
            if (line.Length > 0 && line[^1] == (byte)'\r')
                line = line[..^1];
            if (line.Length > 0)
                chunk.Add(line);
        }
    }
}

/// <summary>Plain lines.</summary>
sealed class PlainUnits(LineReader reader) : TextUnits
{
    public override bool Next(TextChunk chunk)
    {
        if (!reader.Next(out var line))
            return false;
        chunk.Add(line);
        return true;
    }

    public override void Dispose() => reader.Dispose();
}

/// <summary>JSON objects, one a line; empty lines are passed over.</summary>
sealed class JsonLines(LineReader reader, string? column) : TextUnits
{
    readonly string[] wanted = column is null ? [.. SentenceColumns.TextNames] : [column];

    public override bool AreDocuments => true;

    public override bool Next(TextChunk chunk)
    {
        if (!reader.Next(out var line))
            return false;
        if (line.Trim(" \t\r"u8).IsEmpty)
            return true;
        try
        {
            if (Field(line) is { } text)
                AddRecord(chunk, Encoding.UTF8.GetBytes(text));
            else
                Without++;
        }
        catch (JsonException cause)
        {
            throw FileFault.Inconsistent.Error($"the line is no JSON object: {cause.Message}", reader.Where, "one JSON object a line", inner: cause);
        }
        return true;
    }

    // Null where the field is null; an error where it is missing or no text.
    string? Field(ReadOnlySpan<byte> line)
    {
        var json = new Utf8JsonReader(line, new JsonReaderOptions { CommentHandling = JsonCommentHandling.Disallow });
        if (!json.Read() || json.TokenType != JsonTokenType.StartObject)
            throw new JsonException("it does not begin with {");
        (int Rank, string? Text, JsonTokenType Kind) found = (wanted.Length, null, JsonTokenType.None);
        List<string> names = [];
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            var rank = 0;
            while (rank < wanted.Length && !json.ValueTextEquals(wanted[rank]))
                rank++;
            if (rank == wanted.Length && names.Count < 8)
                names.Add(json.GetString() ?? "");
            json.Read();
            // The most usual name counts; of one name that stands twice, the last.
            if (rank < wanted.Length && rank <= found.Rank)
                found = (rank, json.TokenType == JsonTokenType.String ? Unescaped(json, wanted[rank]) : null, json.TokenType);
            json.Skip();
        }
        while (json.Read())
        {
            // What stands behind the object throws.
        }
        return found.Kind switch
        {
            JsonTokenType.String => found.Text,
            JsonTokenType.Null => null,
            JsonTokenType.None => throw new TandemException(ErrorKind.Input, $"the object has no field {string.Join(" or ", wanted.Select(name => $"'{name}'"))}", reader.Where, "a field with the text", $"it has {string.Join(", ", names)}: set column="),
            _ => throw new TandemException(ErrorKind.Input, $"the field '{wanted[found.Rank]}' is no text", reader.Where, $"a text in '{wanted[found.Rank]}'"),
        };
    }

    string Unescaped(in Utf8JsonReader json, string field)
    {
        try
        {
            return json.GetString()!;
        }
        catch (InvalidOperationException cause)
        {
            throw FileFault.Inconsistent.Error($"the field '{field}' holds half of a surrogate pair", reader.Where, inner: cause);
        }
    }

    public override void Dispose() => reader.Dispose();
}

/// <summary>Rows of a table with a header; one column is the text.</summary>
sealed class TableUnits : TextUnits
{
    readonly TableReader rows;
    readonly int column;

    public TableUnits(LineReader reader, bool tabs, string? column)
    {
        rows = new(reader, tabs);
        var header = rows.Next() ?? throw new TandemException(ErrorKind.Input, "the table is empty", reader.Where, "a header and rows");
        this.column = Find(header, column, reader.Where);
    }

    static int Find(IReadOnlyList<string> header, string? wanted, string where)
    {
        if (wanted is not null && int.TryParse(wanted, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= 1 && number <= header.Count && !header.Contains(wanted, StringComparer.Ordinal))
            return number - 1;
        foreach (var name in wanted is null ? SentenceColumns.TextNames : [wanted])
        {
            for (var i = 0; i < header.Count; i++)
            {
                if (header[i] == name)
                    return i;
            }
        }
        if (wanted is null && header.Count == 1)
            return 0;
        throw new TandemException(ErrorKind.Input, wanted is null ? "which column is the text is not told" : $"there is no column '{wanted}'", where, $"one of {string.Join(", ", header)}", "set column= to a name, or to a number from 1");
    }

    public override bool AreDocuments => true;

    public override bool Next(TextChunk chunk)
    {
        if (rows.Next() is not { } row)
            return false;
        if (column < row.Count && row[column].Length > 0)
            AddRecord(chunk, Encoding.UTF8.GetBytes(row[column]));
        else
            Without++;
        return true;
    }

    public override void Dispose() => rows.Dispose();
}
