namespace Tandem.Data.Text;

/// <summary>
/// The plain description of a text: the share of each token in a row, special tokens left out. Of vocabularies larger than 4,096 tokens, the tokens
/// are counted in 4,096 classes by a fixed hash.
/// </summary>
/// <param name="tokenizer">The vocabulary.</param>
public sealed class TokenBag(Tokenizer tokenizer)
{
    /// <summary>Numbers of a description, at most.</summary>
    public const int Most = 4096;

    readonly HashSet<long> special = [.. new[] { tokenizer.Special.Begin, tokenizer.Special.End, tokenizer.Special.Pad, tokenizer.Special.Mask }.OfType<int>().Select(id => (long)id)];

    /// <summary>Numbers of a description.</summary>
    public int Width { get; } = WidthOf(tokenizer.Size);

    /// <summary>Numbers of a description for so many tokens.</summary>
    public static int WidthOf(int vocabulary) => Math.Min(vocabulary, Most);

    /// <summary>The description of each row: row-major [rows, <see cref="Width"/>]; zeros for a row without text.</summary>
    public float[] Of(TextBatch batch)
    {
        var shares = new float[checked(batch.Count * Width)];
        var columns = (int)batch.Tokens.Shape[1];
        for (var row = 0; row < batch.Count; row++)
        {
            var to = shares.AsSpan(row * Width, Width);
            var counted = 0;
            foreach (var id in batch.Tokens.As<long>().Slice(row * columns, batch.Lengths[row]))
            {
                if (special.Contains(id))
                    continue;
                to[ClassOf(id)]++;
                counted++;
            }
            if (counted == 0)
                continue;
            foreach (ref var share in to)
                share /= counted;
        }
        return shares;
    }

    // Fibonacci hashing: 2^32 over the golden ratio, the top bits; frequent tokens have small ids, which it spreads.
    int ClassOf(long id) => tokenizer.Size <= Most ? (int)id : (int)(unchecked((uint)id * 2654435769u) >> 20);
}
