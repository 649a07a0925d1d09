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
        var probability = options.Probability;
        // One share for the whole batch, so that all rows keep equally many.
        if (options.ProbabilityMin is { } low && low >= 0 && low < probability)
            probability = Randomness.Of(seed, "mask probability", step).NextDouble(low, probability);
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
