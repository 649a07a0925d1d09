namespace Tandem.Probes;

/// <summary>How far a measured share may be from the true one.</summary>
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
}
