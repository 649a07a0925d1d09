using Tandem.Torch;

namespace Tandem.Data.Masks;

/// <summary>How spans are drawn (fairseq's <c>compute_mask_indices</c> with spans of one length that may overlap): fine-tuning, channels, and text with spans.</summary>
public sealed record SpanMaskOptions
{
    /// <summary>Share of the places that the spans would cover if none overlapped.</summary>
    public double Probability { get; init; } = 0.65;

    /// <summary>Places a span.</summary>
    public int Length { get; init; } = 10;

    /// <summary>Fewest spans a row.</summary>
    public int MinSpans { get; init; }

    /// <summary>Whether all rows are brought to one count, which removing masked places needs.</summary>
    public bool SameCount { get; init; } = true;

    /// <summary>Rows are brought to the largest count by adding places, instead of to the smallest by leaving places out.</summary>
    public bool Add { get; init; }

    /// <summary>Share of the masked places that is freed again in the end.</summary>
    public double Dropout { get; init; }
}

/// <summary>The draws of span masks; recorded ones in verification.</summary>
public interface ISpanDraws
{
    /// <summary>Uniform in [0, 1): added to the number of a row's spans before it is rounded down.</summary>
    double Fraction();

    /// <summary>Some of the candidates, without replacement.</summary>
    int[] Pick(ReadOnlySpan<int> candidates, int count);
}

/// <summary>Masks made of spans on a line. Counts are cut from double products as the publisher's code cuts them.</summary>
public static class SpanMask
{
    /// <summary>Draws masks, 1 = masked: first the spans of every row, then what brings the rows to one count.</summary>
    /// <param name="options">The law.</param>
    /// <param name="places">Places a row.</param>
    /// <param name="lengths">Places of each row that are no padding; padding stands at the end.</param>
    /// <param name="draws">Where the draws come from.</param>
    /// <returns>[rows · places].</returns>
    /// <exception cref="TandemException"><see cref="ErrorKind.Input"/>: a row is too short for these spans: all of it, or nothing, would be masked.</exception>
    public static byte[] Draw(SpanMaskOptions options, int places, ReadOnlySpan<int> lengths, ISpanDraws draws)
    {
        var masks = new byte[checked(lengths.Length * places)];
        for (var row = 0; row < lengths.Length; row++)
            Cover(options, lengths[row], masks.AsSpan(row * places, places), draws);
        if (!options.SameCount && options.Dropout <= 0)
            return masks;
        var counts = new int[lengths.Length];
        for (var row = 0; row < counts.Length; row++)
            counts[row] = masks.AsSpan(row * places, places).Count((byte)1);
        var target = counts.Length == 0 ? 0 : options.Add ? counts.Max() : counts.Min();
        for (var row = 0; row < counts.Length; row++)
            Finish(options, options.SameCount ? target : counts[row], masks.AsSpan(row * places, places), draws);
        return masks;
    }

    static void Cover(SpanMaskOptions options, int length, Span<byte> mask, ISpanDraws draws)
    {
        var number = Math.Max((int)((options.Probability * length / options.Length) + draws.Fraction()), options.MinSpans);
        if (number == 0)
            throw new TandemException(ErrorKind.Input, $"no span of {options.Length} places was drawn for a row of {length}", expected: "rows long enough for one span", remedy: "raise the share of masked places, or the fewest spans to 1");
        // Where spans fill the row they are made shorter, so that as many starts exist as are drawn.
        var shortest = length - options.Length <= number ? length - number - 1 : options.Length;
        if (length - shortest < number || length < 1)
            throw new TandemException(ErrorKind.Input, $"a row of {length} places cannot hold {number} spans of {options.Length}", expected: "longer rows, or fewer or shorter spans");
        var starts = new int[length - shortest];
        for (var i = 0; i < starts.Length; i++)
            starts[i] = i;
        foreach (var start in draws.Pick(starts, number))
            mask[start..Math.Min(length, start + options.Length)].Fill(1);
        if (!mask[..length].Contains((byte)0))
            throw new TandemException(ErrorKind.Input, $"spans of {options.Length} places mask the whole of a row of {length}", expected: "longer rows, or fewer or shorter spans");
    }

    static void Finish(SpanMaskOptions options, int target, Span<byte> mask, ISpanDraws draws)
    {
        var count = mask.Count((byte)1);
        if (count > target)
        {
            var kept = draws.Pick(Where(mask, 1), target);
            mask.Clear();
            Set(mask, kept, 1);
        }
        else if (count < target)
        {
            // From the whole row, padding included: the publisher's rule.
            Set(mask, draws.Pick(Where(mask, 0), target - count), 1);
        }
        if (options.Dropout > 0)
            Set(mask, draws.Pick(Where(mask, 1), (int)Math.Round(target * options.Dropout, MidpointRounding.ToEven)), 0);
    }

    static void Set(Span<byte> mask, int[] places, byte value)
    {
        foreach (var place in places)
            mask[place] = value;
    }

    static int[] Where(ReadOnlySpan<byte> mask, byte value)
    {
        var found = new int[mask.Count(value)];
        for (int i = 0, next = 0; i < mask.Length; i++)
        {
            if (mask[i] == value)
                found[next++] = i;
        }
        return found;
    }
}
