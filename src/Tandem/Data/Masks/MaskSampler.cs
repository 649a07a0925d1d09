using Tandem.Torch;

namespace Tandem.Data.Masks;

/// <summary>Draws the masks of one sample's copies, in the loader.</summary>
/// <param name="options">The law.</param>
/// <param name="copies">Masked copies of a sample.</param>
/// <param name="seed">The run's seed.</param>
public sealed class MaskSampler(MaskOptions options, int copies, long seed)
{
    /// <summary>Masked copies of a sample.</summary>
    public int Copies => copies;

    /// <summary>
    /// The masks of a batch of rows whose padding shall stay unmasked: spans as fairseq's <c>compute_mask_indices</c> draws them, at least one a row,
    /// all rows then brought to one count. uint8 [rows · copies · places], copies of a row adjacent; a function of (seed, step, first row, lengths).
    /// </summary>
    /// <param name="places">Places of a row.</param>
    /// <param name="lengths">Places of each row that are no padding.</param>
    /// <param name="step">The update for which the batch is drawn.</param>
    /// <param name="first">The first row's place within the global batch.</param>
    /// <exception cref="TandemException"><see cref="ErrorKind.Input"/>: spans of this length would mask whole rows.</exception>
    public byte[] DrawSpans(int places, IReadOnlyList<int> lengths, long step, long first)
    {
        // A row that is hardly longer than a span would be masked as a whole: it counts some of its padding as its own.
        var least = Math.Min(places, 4 * options.Length);
        int[] rows = [.. lengths.SelectMany(length => Enumerable.Repeat(Math.Max(length, least), copies))];
        var spans = new SpanMaskOptions { Probability = ShareOf(step), Length = options.Length, MinSpans = 1, SameCount = options.SameCount, Add = options.Add, Dropout = options.Dropout };
        return SpanMask.Draw(spans, places, rows, new RandomMaskDraws(Randomness.Of(seed, "mask", step, first)));
    }

    // One share for the whole batch, so that all rows keep equally many.
    double ShareOf(long step) => options.ProbabilityMin is { } low && low >= 0 && low < options.Probability
        ? Randomness.Of(seed, "mask probability", step).NextDouble(low, options.Probability)
        : options.Probability;

    /// <summary>The masks of one sample: uint8 [copies · places], a function of (seed, step, sample).</summary>
    /// <param name="grid">Rows and columns of places; one row for a line.</param>
    /// <param name="step">The update for which the sample is drawn.</param>
    /// <param name="sample">The sample's place within the global batch.</param>
    public byte[] Draw((int Rows, int Columns) grid, long step, long sample)
    {
        var draw = Randomness.Of(seed, "mask", step, sample);
        if (options.Length > 1)
            return BlockMask.Draw(options, grid, copies, new RandomMaskDraws(draw));
        var places = grid.Rows * grid.Columns;
        var probability = ShareOf(step);
        var masks = new byte[copies * places];
        var noise = new float[places];
        for (var copy = 0; copy < copies; copy++)
        {
            foreach (ref var value in noise.AsSpan())
                value = draw.NextFloat();
            RandomMask.Of(noise, RandomMask.Kept(places, probability)).CopyTo(masks.AsSpan(copy * places));
        }
        return masks;
    }
}
