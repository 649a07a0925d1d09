using System.Text;

namespace Tandem.Data.Text;

/// <summary>
/// Rows of a table. Comma-separated: RFC 4180, quotes doubled, line breaks allowed inside quotes. Tab-separated: no quoting at all, since published
/// sets hold unbalanced quotes.
/// </summary>
/// <param name="reader">The lines.</param>
/// <param name="tabs">Tab-separated.</param>
sealed class TableReader(LineReader reader, bool tabs) : IDisposable
{
    const int LongestRecord = 64 << 20;

    /// <summary>The line in which the row read last begins, from 1.</summary>
    public long Line { get; private set; }

    /// <summary>The next row's fields, or null at the end; empty lines are passed over.</summary>
    /// <exception cref="TandemException"><see cref="ErrorKind.Input"/>: a quote that is never closed, or text behind one.</exception>
    public List<string>? Next()
    {
        ReadOnlySpan<byte> line;
        do
        {
            if (!reader.Next(out line))
                return null;
        }
        while (line.IsEmpty);
        Line = reader.Line;
        return tabs ? [.. Encoding.UTF8.GetString(line).Split('\t')] : Quoted(Encoding.UTF8.GetString(line));
    }

    List<string> Quoted(string line)
    {
        var begin = reader.Where;
        var fields = new List<string>();
        var field = new StringBuilder();
        bool inside = false, closed = false;
        var total = 0;
        while (true)
        {
            for (var i = 0; i < line.Length; i++)
            {
                var c = line[i];
                if (inside && c == '"' && i + 1 < line.Length && line[i + 1] == '"')
                {
                    field.Append('"');
                    i++;
                }
                else if (inside && c == '"')
                {
                    (inside, closed) = (false, true);
                }
                else if (inside)
                {
                    field.Append(c);
                }
                else if (c == ',')
                {
                    fields.Add(field.ToString());
                    field.Clear();
                    closed = false;
                }
                else if (c == '"' && field.Length == 0 && !closed)
                {
                    inside = true;
                }
                else
                {
                    field.Append(closed ? throw FileFault.Inconsistent.Error("text stands behind a closing quote", reader.Where, "a comma, or a doubled quote inside") : c);
                }
            }
            if (!inside)
                break;
            total += line.Length;
            if (total > LongestRecord || !reader.Next(out var more))
                throw FileFault.Inconsistent.Error("a quote is opened and never closed", begin, "quotes in pairs", "Is this a tab-separated file? Name it .tsv or set format=tsv: nothing is quoted there");
            field.Append('\n');
            line = Encoding.UTF8.GetString(more);
        }
        fields.Add(field.ToString());
        return fields;
    }

    /// <summary>Closes the file.</summary>
    public void Dispose() => reader.Dispose();
}
