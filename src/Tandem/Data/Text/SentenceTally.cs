namespace Tandem.Data.Text;

/// <summary>Counts texts while they are read and keeps none: memory grows with the different lengths and labels only.</summary>
/// <param name="tokenizer">Counts tokens as well; null for none.</param>
/// <param name="progress">Hears of the texts so far.</param>
/// <param name="stop">Ends the work.</param>
sealed class SentenceTally(Tokenizer? tokenizer, Action<long>? progress, CancellationToken stop) : SentenceSink
{
    const int Told = 1 << 16;

    readonly Dictionary<string, long> labels = new(StringComparer.Ordinal);
    readonly Dictionary<long, long> characters = [], tokens = [];
    readonly List<TandemException> faults = [];
    readonly List<int> ids = [];
    (int File, int Line) place;

    /// <summary>Bytes of all texts.</summary>
    public long Bytes { get; private set; }

    /// <summary>Lines of all files, empty ones too.</summary>
    public long Lines { get; private set; }

    /// <summary>Documents of plain text.</summary>
    public long Documents { get; private set; }

    /// <summary>How many texts have so many characters (code points).</summary>
    public IReadOnlyDictionary<long, long> Characters => characters;

    /// <summary>How many texts have so many tokens; empty without a tokenizer.</summary>
    public IReadOnlyDictionary<long, long> Tokens => tokens;

    /// <summary>How many samples have a label; null where not all have one.</summary>
    public IReadOnlyDictionary<string, long>? Labels => Unlabelled > 0 || Count == 0 ? null : labels;

    /// <summary>The longest text: its file and line (0: the whole file), and its characters.</summary>
    public (int File, int Line, long Characters) Longest { get; private set; } = (0, 0, -1);

    /// <summary>What could not be read: lines, whose broken bytes were mended, and files, from there on.</summary>
    public IReadOnlyList<TandemException> Found => faults;

    public override Action<TandemException> Faults => faults.Add;

    protected override void Begin(int file, int line, string? label)
    {
        place = (file, line);
        if (label is not null)
            labels[label] = labels.GetValueOrDefault(label) + 1;
        if (Count % Told != 0)
            return;
        stop.ThrowIfCancellationRequested();
        progress?.Invoke(Count);
    }

    protected override void Put(ReadOnlySpan<byte> text)
    {
        Bytes += text.Length;
        // Every code point has one byte that is no continuation.
        long length = 0;
        foreach (var value in text)
            length += (value & 0xC0) == 0x80 ? 0 : 1;
        characters[length] = characters.GetValueOrDefault(length) + 1;
        if (length > Longest.Characters)
            Longest = (place.File, place.Line, length);
        if (tokenizer is null)
            return;
        ids.Clear();
        tokenizer.Encode(text, ids);
        tokens[ids.Count] = tokens.GetValueOrDefault(ids.Count) + 1;
    }

    public override void End(long lines, long documents)
    {
        Lines += lines;
        Documents += documents;
    }
}
