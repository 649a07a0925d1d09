using Tandem.Torch;

namespace Tandem.Data.Masks;

/// <summary>Which places of a sample are hidden (data2vec 2.0; fairseq's <c>compute_block_mask_1d/2d</c> and random masking).</summary>
public sealed record MaskOptions
{
    /// <summary>Share of the places that is masked.</summary>
    public double Probability { get; init; } = 0.7;

    /// <summary>Lowest share, where it is drawn for each batch; only for random masking. Null: not drawn.</summary>
    public double? ProbabilityMin { get; init; }

    /// <summary>Added to the share when squares are counted, to make up for those that overlap.</summary>
    public double Adjust { get; init; }

    /// <summary>Side of the squares (length of the spans on a line); 1 masks single places at random.</summary>
    public int Length { get; init; } = 5;

    /// <summary>Whether the squares are what stays visible.</summary>
    public bool Inverse { get; init; }

    /// <summary>Draws this much more squares before the count is cut; of spans of text, the share of masked places that is freed in the end.</summary>
    public double Dropout { get; init; }

    /// <summary>Grows what is there instead of adding single places, where too few are covered.</summary>
    public bool ExpandAdjacent { get; init; }

    /// <summary>Squares of a tiling instead of squares anywhere.</summary>
    public bool NonOverlapping { get; init; }

    /// <summary>For spans of text: rows are brought to the largest count by adding places, instead of to the smallest by freeing some.</summary>
    public bool Add { get; init; }

    /// <summary>Whether every mask is brought to the same count, which training needs.</summary>
    public bool SameCount { get; init; } = true;
}

/// <summary>The draws of a block mask; recorded ones in verification.</summary>
public interface IMaskDraws
{
    /// <summary>Places of 0 … <paramref name="places"/> − 1, with replacement.</summary>
    int[] Centres(int count, int places);

    /// <summary>Some of the candidates, without replacement.</summary>
    int[] Pick(ReadOnlySpan<int> candidates, int count);
}

/// <summary>Mask draws from <see cref="Randomness"/>.</summary>
/// <param name="draw">The stream of one sample.</param>
public sealed class RandomMaskDraws(Randomness draw) : IMaskDraws, ISpanDraws
{
    Randomness draw = draw;

    /// <inheritdoc/>
    public double Fraction() => draw.NextDouble();

    /// <inheritdoc/>
    public int[] Centres(int count, int places)
    {
        var drawn = new int[count];
        for (var i = 0; i < count; i++)
            drawn[i] = (int)draw.Next(places);
        return drawn;
    }

    /// <inheritdoc/>
    public int[] Pick(ReadOnlySpan<int> candidates, int count)
    {
        var items = candidates.ToArray();
        draw.Pick(items.AsSpan(), count);
        return items[..count];
    }
}
