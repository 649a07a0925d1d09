namespace Tandem.Probes;

/// <summary>How far a measured share or correlation may be from the true one.</summary>
public static class Interval
{
    /// <summary>The normal distribution's 97.5 % point: intervals hold 95 %.</summary>
    const double Z = 1.959963984540054;

    /// <summary>Wilson's 95 % interval of a share (E. B. Wilson, Probable inference, 1927): right for few samples and near 0 and 1 too.</summary>
    /// <param name="hits">Successes.</param>
    /// <param name="samples">Trials, at least 1.</param>
    /// <returns>Both ends, within 0 … 1.</returns>
    public static (double Low, double High) Wilson(int hits, int samples)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(samples, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(hits);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(hits, samples);
        double n = samples, share = hits / n;
        var centre = (share + (Z * Z / (2 * n))) / (1 + (Z * Z / n));
        var half = Z / (1 + (Z * Z / n)) * Math.Sqrt((share * (1 - share) / n) + (Z * Z / (4 * n * n)));
        // At the ends the interval touches them exactly; rounding must not move it off.
        return (hits == 0 ? 0 : Math.Max(0, centre - half), hits == samples ? 1 : Math.Min(1, centre + half));
    }

    /// <summary>
    /// The 95 % interval of a Spearman correlation: Fisher's transformation with the variance (1 + r²/2) / (n − 3) (D. G. Bonett, T. A. Wright, Sample
    /// size requirements for estimating Pearson, Kendall and Spearman correlations, 2000).
    /// </summary>
    /// <param name="correlation">What was measured, −1 … 1, or not a number.</param>
    /// <param name="samples">Pairs of numbers.</param>
    /// <returns>Both ends; not a number where the correlation is none.</returns>
    public static (double Low, double High) Spearman(double correlation, int samples)
    {
        if (double.IsNaN(correlation))
            return (double.NaN, double.NaN);
        if (samples <= 3)
            return (-1, 1);
        var half = Z * Math.Sqrt((1 + (correlation * correlation / 2)) / (samples - 3));
        var centre = Math.Atanh(correlation);
        return (Math.Tanh(centre - half), Math.Tanh(centre + half));
    }
}
