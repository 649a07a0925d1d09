using System.Collections.Concurrent;

namespace Tandem.Data.Images;

/// <summary>Resampling filters, by Pillow's names.</summary>
public enum Interpolation
{
    /// <summary>The source pixel under the centre.</summary>
    Nearest,
    /// <summary>Triangle, support 1.</summary>
    Bilinear,
    /// <summary>Cubic with a = -0.5, support 2.</summary>
    Bicubic,
    /// <summary>Windowed sinc, support 3.</summary>
    Lanczos,
    /// <summary>Hamming-windowed sinc, support 1.</summary>
    Hamming,
    /// <summary>Box, support 0.5.</summary>
    Box,
}

/// <summary>
/// For one axis: which source pixels make an output pixel, and with which weights, as Pillow computes them (libImaging/Resample.c,
/// precompute_coeffs and normalize_coeffs_8bpc). Computed once for each (in, out, filter, box) and kept.
/// </summary>
sealed class KernelMap
{
    /// <summary>Fraction bits of a fixed-point weight.</summary>
    public const int Precision = 22;

    const int Kept = 4096;
    static readonly ConcurrentDictionary<(int, int, Interpolation, float, float), KernelMap> Maps = new();

    KernelMap(int[] first, int[] count, int taps, double[] weights)
    {
        First = first;
        Count = count;
        Taps = taps;
        Weights = weights;
        Fixed = new int[weights.Length];
        for (var i = 0; i < weights.Length; i++)
            Fixed[i] = (int)((weights[i] * (1 << Precision)) + (weights[i] < 0 ? -0.5 : 0.5));
    }

    /// <summary>First source pixel of each output.</summary>
    public int[] First { get; }

    /// <summary>How many source pixels each output takes.</summary>
    public int[] Count { get; }

    /// <summary>Largest count, even: the stride of the weights, which end in zeros.</summary>
    public int Taps { get; }

    /// <summary>Weights, [outputs, taps], each output's sum 1.</summary>
    public double[] Weights { get; }

    /// <summary>The same in fixed point.</summary>
    public int[] Fixed { get; }

    /// <summary>The map of one axis.</summary>
    public static KernelMap Of(int sources, int outputs, Interpolation filter, float low, float high)
    {
        var key = (sources, outputs, filter, low, high);
        if (Maps.TryGetValue(key, out var map))
            return map;
        if (Maps.Count >= Kept)
            Maps.Clear();
        return Maps[key] = Compute(sources, outputs, filter, low, high);
    }

    static KernelMap Compute(int sources, int outputs, Interpolation filter, float low, float high)
    {
        double scale = (double)(high - low) / outputs;
        var filterScale = Math.Max(1.0, scale);
        var support = Support(filter) * filterScale;
        var inverse = 1.0 / filterScale;
        var taps = ((((int)Math.Ceiling(support) * 2) + 1) + 1) & ~1;
        int[] first = new int[outputs], count = new int[outputs];
        var weights = new double[outputs * taps];
        for (var o = 0; o < outputs; o++)
        {
            var centre = low + ((o + 0.5) * scale);
            first[o] = Math.Max(0, (int)(centre - support + 0.5));
            count[o] = Math.Min(sources, (int)(centre + support + 0.5)) - first[o];
            var row = weights.AsSpan(o * taps, Math.Max(0, count[o]));
            var sum = 0.0;
            for (var x = 0; x < row.Length; x++)
            {
                row[x] = Value(filter, (x + first[o] - centre + 0.5) * inverse);
                sum += row[x];
            }
            for (var x = 0; x < row.Length && sum != 0; x++)
                row[x] /= sum;
        }
        return new KernelMap(first, count, taps, weights);
    }

    static double Support(Interpolation filter) => filter switch
    {
        Interpolation.Bilinear or Interpolation.Hamming => 1,
        Interpolation.Bicubic => 2,
        Interpolation.Lanczos => 3,
        Interpolation.Box => 0.5,
        _ => throw new ArgumentOutOfRangeException(nameof(filter), filter, "this filter has no kernel"),
    };

    static double Value(Interpolation filter, double x) => filter switch
    {
        Interpolation.Bilinear => Math.Abs(x) < 1 ? 1 - Math.Abs(x) : 0,
        Interpolation.Bicubic => Cubic(Math.Abs(x)),
        Interpolation.Lanczos => x is >= -3 and < 3 ? Sinc(x) * Sinc(x / 3) : 0,
        Interpolation.Hamming => Hamming(Math.Abs(x)),
        _ => x is > -0.5 and <= 0.5 ? 1 : 0,
    };

    static double Cubic(double x)
    {
        const double a = -0.5;
        if (x < 1)
            return ((((a + 2) * x) - (a + 3)) * x * x) + 1;
        return x < 2 ? (((((x - 5) * x) + 8) * x) - 4) * a : 0;
    }

    static double Sinc(double x) => x == 0 ? 1 : Math.Sin(x * Math.PI) / (x * Math.PI);

    static double Hamming(double x)
    {
        if (x == 0)
            return 1;
        return x < 1 ? Math.Sin(x * Math.PI) / (x * Math.PI) * (0.54f + (0.46f * Math.Cos(x * Math.PI))) : 0;
    }
}
