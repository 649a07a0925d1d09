namespace Tandem.Data.Text;

/// <summary>Gathers texts and their labels for a source.</summary>
sealed class SentenceBuilder : SentenceSink
{
    readonly List<(int File, int Line)> places = [];
    readonly List<string?> labels = [];
    bool any;

    /// <summary>The texts, the parts of a sample beside each other.</summary>
    public SentenceStore Texts { get; } = new();

    /// <summary>Each sample's file and line; line 0 where the file is the sample.</summary>
    public IReadOnlyList<(int File, int Line)> Places => places;

    /// <summary>Each sample's label, if all have one.</summary>
    public IReadOnlyList<string>? Labels => Unlabelled > 0 ? null : [.. labels.OfType<string>()];

    protected override void Begin(int file, int line, string? label)
    {
        places.Add((file, line));
        labels.Add(label);
    }

    protected override void Put(ReadOnlySpan<byte> text)
    {
        any |= text.Length > 0;
        Texts.Add(text);
    }

    /// <summary>The source of what was added.</summary>
    /// <param name="description">What was read, for reports.</param>
    /// <param name="lines">Whether samples are lines or rows, not files.</param>
    /// <param name="maybeEmpty">Whether all texts may be empty.</param>
    /// <exception cref="TandemException"><see cref="ErrorKind.Input"/>: there is no text.</exception>
    public SentenceSource Finish(string description, bool lines, bool maybeEmpty = false)
    {
        if (Count == 0 || !(any || maybeEmpty))
        {
            Dispose();
            throw new TandemException(ErrorKind.Input, Count == 0 ? "there is no text" : $"all {Count} texts are empty", description, "at least one line that is not empty");
        }
        Texts.Filled();
        return new(description, this, lines);
    }

    public override void Dispose() => Texts.Dispose();
}
