namespace Tandem.Data.Text;

/// <summary>How a row of lines is cut into samples (fairseq's <c>sample_break_mode</c>).</summary>
public enum BlockBreak
{
    /// <summary>Every so many tokens, wherever that falls.</summary>
    None,
    /// <summary>Whole lines, across documents; a line that is longer than a block is cut into blocks.</summary>
    Complete,
    /// <summary>Whole lines of one document; what separates documents is dropped.</summary>
    CompleteDocument,
    /// <summary>A line a block; a longer one is cut into blocks.</summary>
    Line,
}

/// <summary>A run of tokens in a store.</summary>
/// <param name="Start">The first one's place in the whole row.</param>
/// <param name="Length">Tokens.</param>
public readonly record struct BlockSlice(long Start, int Length);

/// <summary>Samples for masked prediction: blocks of a token row, each with the begin token in front (fairseq, <c>token_block_dataset.py</c>).</summary>
public sealed class TokenBlocks
{
    readonly TokenStore store;
    readonly long begin;
    readonly int block;
    readonly List<BlockSlice>? slices;

    /// <summary>Cuts a store into samples.</summary>
    /// <param name="store">The tokens; not disposed of.</param>
    /// <param name="begin">The id put in front of each: <see cref="SpecialTokens.Begin"/>.</param>
    /// <param name="tokens">The longest sample, the begin token included.</param>
    /// <param name="mode">Where to cut.</param>
    /// <param name="separator">Size of the lines that stand between documents.</param>
    /// <exception cref="TandemException"><see cref="ErrorKind.Usage"/>: fewer than 2 tokens; <see cref="ErrorKind.Input"/>: no sample, or more than an order can number.</exception>
    public TokenBlocks(TokenStore store, int begin, int tokens, BlockBreak mode, int separator = 1)
    {
        if (tokens < 2)
            throw new TandemException(ErrorKind.Usage, $"samples of {tokens} tokens are too short", "data.tokens", "at least 2: the begin token and one more");
        (this.store, this.begin, block, Tokens) = (store, begin, tokens - 1, tokens);
        long count;
        if (mode == BlockBreak.None)
        {
            count = (store.Count + block - 1) / block;
        }
        else
        {
            slices = Cut(store.Sizes, block, mode, separator);
            // A single line that is longer than a block. fairseq's sampler would refuse or drop it; where paragraphs are lines, that is most of a text.
            if (slices.Exists(slice => slice.Length > block))
                slices = [.. slices.SelectMany(slice => Pieces(slice, block))];
            count = slices.Count;
        }
        if (count is 0 or > int.MaxValue)
            throw new TandemException(ErrorKind.Input, count == 0 ? "the text has no tokens to make a sample of" : $"{count} samples are more than an order can number", store.Description, $"1 to {int.MaxValue} samples");
        Count = (int)count;
    }

    /// <summary>Number of samples.</summary>
    public int Count { get; }

    /// <summary>The longest sample's tokens, the begin token included.</summary>
    public int Tokens { get; }

    /// <summary>Where a sample stands, its begin token not counted.</summary>
    public BlockSlice Slice(int sample)
    {
        if (slices is not null)
            return slices[sample];
        var start = (long)sample * block;
        return new(start, (int)Math.Min(block, store.Count - start));
    }

    /// <summary>Writes a sample's tokens, the begin token first.</summary>
    /// <param name="sample">0 … <see cref="Count"/> − 1.</param>
    /// <param name="to">Room for <see cref="Tokens"/>.</param>
    /// <returns>How many there are.</returns>
    public int Read(int sample, Span<long> to)
    {
        var slice = Slice(sample);
        to[0] = begin;
        store.Read(slice.Start, to.Slice(1, slice.Length));
        return slice.Length + 1;
    }

    /// <summary>The blocks of a row of lines as fairseq cuts it: a line that is longer than a block stays whole.</summary>
    /// <param name="sizes">Tokens of each line.</param>
    /// <param name="block">Tokens of a block.</param>
    /// <param name="mode">Where to cut.</param>
    /// <param name="separator">Size of the lines that stand between documents.</param>
    public static List<BlockSlice> Cut(ReadOnlySpan<int> sizes, int block, BlockBreak mode, int separator = 1)
    {
        var slices = new List<BlockSlice>();
        long start = 0;
        switch (mode)
        {
            case BlockBreak.Line:
                foreach (var size in sizes)
                {
                    slices.Add(new(start, size));
                    start += size;
                }
                break;
            case BlockBreak.None:
                long total = 0;
                foreach (var size in sizes)
                    total += size;
                for (; start < total; start += block)
                    slices.Add(new(start, (int)Math.Min(block, total - start)));
                break;
            default:
                Complete(sizes, block, mode == BlockBreak.CompleteDocument ? separator : null, slices);
                break;
        }
        return slices;
    }

    // Pieces of a block each; the last is what is left.
    static IEnumerable<BlockSlice> Pieces(BlockSlice slice, int block)
    {
        for (var from = 0; from < slice.Length; from += block)
            yield return new(slice.Start + from, Math.Min(block, slice.Length - from));
    }

    static void Complete(ReadOnlySpan<int> sizes, int block, int? separator, List<BlockSlice> slices)
    {
        long start = 0;
        var current = 0;
        // With documents apart, a block of one token is nothing.
        var least = separator is null ? 1 : 2;
        for (var line = 0; line < sizes.Length;)
        {
            var size = sizes[line];
            if ((current == 0 || current + (long)size <= block) && size != separator)
            {
                current += size;
                line++;
                continue;
            }
            Close();
            if (size == separator)
            {
                start += size;
                line++;
            }
        }
        Close();

        void Close()
        {
            if (current >= least)
                slices.Add(new(start, current));
            start += current;
            current = 0;
        }
    }
}
