using Tandem.Data.Sources;

namespace Tandem.Data.Text;

/// <summary>Rows of tokens to train on, as a source; they have no labels.</summary>
/// <param name="store">The tokens; disposed of with the source.</param>
/// <param name="blocks">The rows.</param>
public sealed class BlockSource(TokenStore store, TokenBlocks blocks) : Source
{
    const int LongestShown = 1024;

    /// <summary>The tokens.</summary>
    public TokenStore Store => store;

    /// <summary>The rows.</summary>
    public TokenBlocks Blocks => blocks;

    /// <inheritdoc/>
    public override int Count => blocks.Count;

    /// <inheritdoc/>
    public override string Description => store.Description;

    /// <inheritdoc/>
    public override bool IsDecoded => true;

    /// <inheritdoc/>
    public override string Name(int index) => FormattableString.Invariant($"tokens from {blocks.Slice(index).Start}");

    /// <summary>Some lines of the text, at equal distances, as they read: those of a middling length, which say more than headings do.</summary>
    /// <param name="tokenizer">Turns tokens into text.</param>
    /// <param name="count">How many, at most.</param>
    /// <param name="least">Tokens of a line, at least.</param>
    /// <param name="most">Tokens of a line, at most.</param>
    public IReadOnlyList<string> Lines(Tokenizer tokenizer, int count, int least = 8, int most = 64)
    {
        var sizes = store.Sizes;
        List<(long Start, int Size)> fitting = [];
        long start = 0;
        foreach (var size in sizes)
        {
            if (size > least && size <= most)
                fitting.Add((start, size));
            start += size;
        }
        List<string> lines = [];
        for (var i = 0; i < Math.Min(count, fitting.Count); i++)
        {
            var (at, size) = fitting[(int)((long)i * fitting.Count / Math.Min(count, fitting.Count))];
            // A corpus may be a single line.
            var ids = new long[Math.Min(size - 1, LongestShown)];
            store.Read(at, ids);
            lines.Add(tokenizer.Decode([.. ids.Select(id => (int)id)]).Trim());
        }
        return lines;
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing) => store.Dispose();
}
