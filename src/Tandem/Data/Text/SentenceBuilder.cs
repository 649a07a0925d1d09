using System.Text;
using Tandem.Data.Sources;

namespace Tandem.Data.Text;

/// <summary>Gathers texts and their labels while files are read.</summary>
sealed class SentenceBuilder : IDisposable
{
    readonly List<(string Name, string Where)> files = [];
    readonly List<(int File, int Line)> places = [];
    readonly List<string?> labels = [];
    readonly Dictionary<string, string> known = new(StringComparer.Ordinal);
    byte[] buffer = [];
    bool any;

    /// <summary>The texts, the parts of a sample beside each other.</summary>
    public SentenceStore Texts { get; } = new();

    /// <summary>Names of the files, and their places for errors.</summary>
    public IReadOnlyList<(string Name, string Where)> Files => files;

    /// <summary>Each sample's file and line; line 0 where the file is the sample.</summary>
    public IReadOnlyList<(int File, int Line)> Places => places;

    /// <summary>Texts of a sample; 0 before the first.</summary>
    public int Parts { get; private set; }

    /// <summary>Each sample's label, if all have one.</summary>
    public IReadOnlyList<string>? Labels => labels.Contains(null) ? null : [.. labels.OfType<string>()];

    /// <summary>Samples without a label.</summary>
    public int Unlabelled => labels.Count(label => label is null);

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
        Begin(file, line, texts.Length, label);
        foreach (var text in texts)
        {
            var most = Encoding.UTF8.GetMaxByteCount(text.Length);
            if (buffer.Length < most)
                buffer = new byte[Math.Max(most, 4096)];
            Put(buffer.AsSpan(0, Encoding.UTF8.GetBytes(text, buffer)));
        }
    }

    /// <summary>Adds a sample of one text that is valid UTF-8.</summary>
    /// <inheritdoc cref="Add(int, long, ReadOnlySpan{string}, string?)"/>
    public void Add(int file, long line, ReadOnlySpan<byte> text, string? label)
    {
        Begin(file, line, 1, label);
        Put(text);
    }

    void Begin(int file, long line, int parts, string? label)
    {
        if (Parts == 0)
            Parts = parts;
        else if (Parts != parts)
            throw new TandemException(ErrorKind.Input, $"this file holds {Word(parts)}, those before it {Word(Parts)}", files[file].Where, "files of one kind", "name one file, or say which column: column=");
        places.Add((file, checked((int)line)));
        labels.Add(label is null ? null : Known(label));
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

    void Put(ReadOnlySpan<byte> text)
    {
        text = Trim(text);
        any |= text.Length > 0;
        Texts.Add(text);
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

    /// <summary>The source of what was added.</summary>
    /// <param name="description">What was read, for reports.</param>
    /// <param name="lines">Whether samples are lines or rows, not files.</param>
    /// <param name="maybeEmpty">Whether all texts may be empty.</param>
    /// <exception cref="TandemException"><see cref="ErrorKind.Input"/>: there is no text.</exception>
    public SentenceSource Finish(string description, bool lines, bool maybeEmpty = false)
    {
        if (places.Count == 0 || !(any || maybeEmpty))
        {
            Dispose();
            throw new TandemException(ErrorKind.Input, places.Count == 0 ? "there is no text" : $"all {places.Count} texts are empty", description, "at least one line that is not empty");
        }
        Texts.Filled();
        return new(description, this, lines);
    }

    /// <summary>Forgets the texts.</summary>
    public void Dispose() => Texts.Dispose();
}
