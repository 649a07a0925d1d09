using System.Text;

namespace Tandem.Data.Text;

/// <summary>Takes the texts of files while they are read, single ones or pairs, with their labels.</summary>
abstract class SentenceSink : IDisposable
{
    readonly List<(string Name, string Where)> files = [];
    readonly Dictionary<string, string> known = new(StringComparer.Ordinal);
    byte[] buffer = [];

    /// <summary>Names of the files, and their places for errors.</summary>
    public IReadOnlyList<(string Name, string Where)> Files => files;

    /// <summary>Number of samples.</summary>
    public int Count { get; private set; }

    /// <summary>Samples without a label.</summary>
    public int Unlabelled { get; private set; }

    /// <summary>Texts of a sample; 0 before the first.</summary>
    public int Parts { get; private set; }

    /// <summary>Hears of lines with broken UTF-8, which is mended, and of files that cannot be read on; null: the first of them is an error.</summary>
    public virtual Action<TandemException>? Faults => null;

    /// <summary>Takes note of a file; the number is what samples are added by.</summary>
    /// <param name="name">How people know it.</param>
    /// <param name="where">Where it lies; the name when null.</param>
    public int File(string name, string? where = null)
    {
        files.Add((name, where ?? name));
        return files.Count - 1;
    }

    /// <summary>Adds a sample.</summary>
    /// <param name="file">What <see cref="File"/> gave.</param>
    /// <param name="line">Where in the file; 0: all of it.</param>
    /// <param name="texts">One text, or two.</param>
    /// <param name="label">Its label, or null.</param>
    /// <exception cref="TandemException"><see cref="ErrorKind.Input"/>: it has another number of texts than those before.</exception>
    public void Add(int file, long line, ReadOnlySpan<string> texts, string? label)
    {
        Next(file, line, texts.Length, label);
        foreach (var text in texts)
        {
            var most = Encoding.UTF8.GetMaxByteCount(text.Length);
            if (buffer.Length < most)
                buffer = new byte[Math.Max(most, 4096)];
            Put(Trim(buffer.AsSpan(0, Encoding.UTF8.GetBytes(text, buffer))));
        }
    }

    /// <summary>Adds a sample of one text that is valid UTF-8.</summary>
    /// <inheritdoc cref="Add(int, long, ReadOnlySpan{string}, string?)"/>
    public void Add(int file, long line, ReadOnlySpan<byte> text, string? label)
    {
        Next(file, line, 1, label);
        Put(Trim(text));
    }

    /// <summary>A file is read.</summary>
    /// <param name="lines">Its lines.</param>
    /// <param name="documents">Its documents, where it is plain text of many lines: an empty line ends one; else 0.</param>
    public virtual void End(long lines, long documents)
    {
    }

    /// <summary>A sample begins; its texts follow.</summary>
    protected abstract void Begin(int file, int line, string? label);

    /// <summary>A text of the sample that began last, without white space at its ends.</summary>
    protected abstract void Put(ReadOnlySpan<byte> text);

    void Next(int file, long line, int parts, string? label)
    {
        if (Parts == 0)
            Parts = parts;
        else if (Parts != parts)
            throw new TandemException(ErrorKind.Input, $"this file holds {Word(parts)}, those before it {Word(Parts)}", files[file].Where, "files of one kind", "name one file, or say which column: column=");
        Count++;
        Unlabelled += label is null ? 1 : 0;
        Begin(file, checked((int)line), label is null ? null : Known(label));
    }

    // Few different labels stand for many samples: one object each.
    string Known(string label)
    {
        if (known.TryGetValue(label, out var same))
            return same;
        if (known.Count < 10_000)
            known.Add(label, label);
        return label;
    }

    static string Word(int parts) => parts == 1 ? "single texts" : "pairs of texts";

    /// <summary>Without white space at both ends, as Python's <c>strip</c> sees it.</summary>
    public static ReadOnlySpan<byte> Trim(ReadOnlySpan<byte> text)
    {
        while (text.Length > 0 && (text[0] <= ' ' || text[0] >= 0x80) && Characters.IsPythonSpace(Characters.Decode(text, out var length)))
            text = text[length..];
        while (text.Length > 0 && (text[^1] <= ' ' || text[^1] >= 0x80) && Rune.DecodeLastFromUtf8(text, out var rune, out var length) == System.Buffers.OperationStatus.Done && Characters.IsPythonSpace(rune.Value))
            text = text[..^length];
        return text;
    }

    /// <summary>Forgets the texts.</summary>
    public virtual void Dispose()
    {
    }
}
