using Tandem.Torch;

namespace Tandem.Data.Text;

/// <summary>How a text becomes rows of tokens: <c>&lt;s&gt; text &lt;/s&gt;</c>, as classification reads it; a longer text in several rows.</summary>
sealed class TextRows
{
    readonly Tokenizer tokenizer;
    readonly int most;
    readonly int? begin, end;
    readonly int pad;

    /// <summary>Prepares rows.</summary>
    /// <param name="tokenizer">Turns text into ids.</param>
    /// <param name="maxTokens">Tokens of a row, at most, special ones included.</param>
    /// <exception cref="TandemException"><see cref="ErrorKind.Input"/>: the vocabulary has no token for padding, or none to frame rows with; <see cref="ErrorKind.Usage"/>: rows hold no text.</exception>
    public TextRows(Tokenizer tokenizer, int maxTokens)
    {
        this.tokenizer = tokenizer;
        (begin, end) = (tokenizer.Special.Begin, tokenizer.Special.End);
        if (begin is null && end is null)
            throw new TandemException(ErrorKind.Input, "the vocabulary has no token to frame a text with", tokenizer.Description, "<s> and </s>, or [CLS] and [SEP]");
        pad = tokenizer.Special.Pad ?? throw new TandemException(ErrorKind.Input, "the vocabulary has no token for padding", tokenizer.Description, "<pad> or [PAD]");
        most = maxTokens - (begin is null ? 0 : 1) - (end is null ? 0 : 1);
        if (most < 1)
            throw new TandemException(ErrorKind.Usage, $"rows of {maxTokens} tokens have no room for text", "max_tokens", "at least 3");
    }

    /// <summary>The rows of a text; one without text for an empty one.</summary>
    public int[][] Of(ReadOnlySpan<byte> text)
    {
        var ids = new List<int>();
        tokenizer.Encode(text, ids);
        var rows = new int[Math.Max(1, (ids.Count + most - 1) / most)][];
        for (var row = 0; row < rows.Length; row++)
        {
            var some = Math.Min(most, ids.Count - (row * most));
            var tokens = new int[some + (begin is null ? 0 : 1) + (end is null ? 0 : 1)];
            var at = 0;
            if (begin is { } first)
                tokens[at++] = first;
            ids.CopyTo(row * most, tokens, at, some);
            if (end is { } last)
                tokens[^1] = last;
            rows[row] = tokens;
        }
        return rows;
    }

    /// <summary>Rows as a batch, padded to the longest.</summary>
    public TextBatch Batch(IReadOnlyList<(long Unit, int[] Tokens)> rows, long number)
    {
        var width = rows.Max(row => row.Tokens.Length);
        var tokens = new HostTensor(ScalarType.Long, [rows.Count, width], new byte[checked(rows.Count * width * sizeof(long))]);
        for (var i = 0; i < rows.Count; i++)
        {
            var to = tokens.As<long>().Slice(i * width, width);
            var from = rows[i].Tokens;
            for (var j = 0; j < from.Length; j++)
                to[j] = from[j];
            to[from.Length..].Fill(pad);
        }
        return new() { Step = number, Ids = [.. rows.Select(row => row.Unit)], Tokens = tokens, Lengths = [.. rows.Select(row => row.Tokens.Length)] };
    }
}
