using Tandem.Layers;
using Tandem.Torch;

namespace Tandem.Networks;

/// <summary>Distance biases of attention (ALiBi, Press et al. 2022), with data2vec 2.0's learned scales.</summary>
public sealed record DistanceBiasOptions
{
    /// <summary>Heads that are biased, from the first; null for all.</summary>
    public int? Heads { get; init; }

    /// <summary>Start value of the scale.</summary>
    public double Scale { get; init; } = 1;

    /// <summary>Whether the scale is trained.</summary>
    public bool Learned { get; init; }

    /// <summary>A scale a block instead of one for all.</summary>
    public bool PerBlock { get; init; }

    /// <summary>A scale a head.</summary>
    public bool PerHead { get; init; }

    /// <summary>How far apart two cells of a grid are.</summary>
    public GridDistance Distance { get; init; } = GridDistance.Manhattan;
}

/// <summary>Distance between cells of a grid.</summary>
public enum GridDistance
{
    /// <summary>|dy| + |dx|.</summary>
    Manhattan,
    /// <summary>√(dy² + dx²).</summary>
    Euclidean,
}

/// <summary>bias[h, s, t] = −slope_h · distance(s, t) · scale.</summary>
public sealed class DistanceBias
{
    readonly DistanceBiasOptions options;
    readonly int heads;
    readonly Parameter scale;

    /// <summary>Asks for <c>scale</c> [blocks or 1, 1, heads or 1, 1, 1].</summary>
    /// <param name="at">Place in the store.</param>
    /// <param name="options">Which scales there are.</param>
    /// <param name="modelHeads">Heads of the model.</param>
    /// <param name="blocks">Blocks of the whole encoder.</param>
    public DistanceBias(Weights at, DistanceBiasOptions options, int modelHeads, int blocks)
    {
        this.options = options;
        heads = options.Heads ?? modelHeads;
        scale = at.Get("scale", [options.PerBlock ? blocks : 1, 1, options.PerHead ? heads : 1, 1, 1], Init.Constant((float)options.Scale), Role.Table, options.Learned);
    }

    /// <summary>
    /// Slopes of n heads: for a power of two rᵏ with r = 2^(−8/n); otherwise those of the largest power of two below, followed by every
    /// second one of twice as many.
    /// </summary>
    public static double[] Slopes(int n)
    {
        if (System.Numerics.BitOperations.IsPow2(n))
            return [.. Enumerable.Range(1, n).Select(k => Math.Pow(2, -8.0 * k / n))];
        var below = (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)n) / 2;
        return [.. Slopes(below), .. Slopes(2 * below).Where((_, i) => i % 2 == 0).Take(n - below)];
    }

    /// <summary>The unscaled bias over all places: float32 [heads, places, places].</summary>
    /// <param name="grid">Rows and columns; one row for a sequence.</param>
    /// <param name="device">Where it shall lie.</param>
    public Tensor Base((int Rows, int Columns) grid, Device device)
    {
        var places = grid.Rows * grid.Columns;
        var slopes = Slopes(heads);
        var values = new float[(long)heads * places * places];
        for (var s = 0; s < places; s++)
        {
            for (var t = 0; t < places; t++)
            {
                double dy = Math.Abs((s / grid.Columns) - (t / grid.Columns)), dx = Math.Abs((s % grid.Columns) - (t % grid.Columns));
                var distance = options.Distance == GridDistance.Manhattan ? dy + dx : Math.Sqrt((dy * dy) + (dx * dx));
                for (var h = 0; h < heads; h++)
                    values[(((long)h * places) + s) * places + t] = (float)(-slopes[h] * distance);
            }
        }
        return Tensor.From(HostTensor.From<float>(values, heads, places, places), device);
    }

    /// <summary>The bias of chosen places with zero rows and columns for extra tokens, still unscaled: [rows or 1, heads, extra + n, extra + n].</summary>
    /// <param name="places">Result of <see cref="Base"/>.</param>
    /// <param name="keep">Chosen places of each row, int64 [rows, n]; null for all.</param>
    /// <param name="extra">Number of extra tokens in front.</param>
    public static Tensor Chosen(Tensor places, Tensor? keep, int extra)
    {
        var chosen = keep is null
            ? places.Unsqueeze(0)
            : places.Index([null, keep.Unsqueeze(2), keep.Unsqueeze(1)]).Permute([1, 0, 2, 3]);
        return extra == 0 ? chosen : chosen.ConstantPadNd([extra, 0, extra, 0]);
    }

    /// <summary>Scales a chosen bias for a block of the whole encoder. Negative scales count as 0.</summary>
    public Tensor Scaled(Tensor chosen, int block) =>
        chosen.Mul(scale.Value.Select(0, options.PerBlock ? block : 0).ClampMin(0));
}
