namespace Tandem.Probes;

/// <summary>How closely two rows of numbers follow each other; not a number where one of them is constant.</summary>
/// <param name="Spearman">Correlation of the ranks; equal values share the mean of theirs.</param>
/// <param name="Pearson">Correlation of the numbers.</param>
public sealed record ScoreCorrelation(double Spearman, double Pearson)
{
    /// <summary>Both correlations.</summary>
    /// <param name="x">Numbers.</param>
    /// <param name="y">As many.</param>
    public static ScoreCorrelation Of(IReadOnlyList<double> x, IReadOnlyList<double> y) => new(PearsonOf(Ranks(x), Ranks(y)), PearsonOf(x, y));

    /// <summary>Σ(x − x̄)(y − ȳ) / √(Σ(x − x̄)² Σ(y − ȳ)²), within −1 … 1; not a number where a side is constant.</summary>
    /// <param name="x">Numbers.</param>
    /// <param name="y">As many.</param>
    public static double PearsonOf(IReadOnlyList<double> x, IReadOnlyList<double> y)
    {
        if (x.Count != y.Count)
            throw new ArgumentException($"{x.Count} numbers beside {y.Count}", nameof(y));
        if (x.Count == 0 || x.All(value => value == x[0]) || y.All(value => value == y[0]))
            return double.NaN;
        double meanX = x.Average(), meanY = y.Average(), both = 0, ofX = 0, ofY = 0;
        for (var i = 0; i < x.Count; i++)
        {
            var (a, b) = (x[i] - meanX, y[i] - meanY);
            both += a * b;
            ofX += a * a;
            ofY += b * b;
        }
        return Math.Clamp(both / Math.Sqrt(ofX * ofY), -1, 1);
    }

    /// <summary>Ranks from 1; equal values share the mean of theirs.</summary>
    public static double[] Ranks(IReadOnlyList<double> values)
    {
        var order = Enumerable.Range(0, values.Count).OrderBy(i => values[i]).ToArray();
        var ranks = new double[values.Count];
        for (var at = 0; at < order.Length;)
        {
            var end = at;
            while (end < order.Length && values[order[end]] == values[order[at]])
                end++;
            for (var i = at; i < end; i++)
                ranks[order[i]] = (at + 1 + end) / 2.0;
            at = end;
        }
        return ranks;
    }
}
