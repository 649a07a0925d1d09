namespace Tandem.Probes;

/// <summary>
/// What neighbours tell of a set of samples: which are as good as the same, and which stand alone. Distances (1 − cosine) are compared with those
/// that are usual in the set, never with a fixed number: an encoder that has learned little holds everything alike.
/// </summary>
public sealed record NeighbourSurvey
{
    // Cosines in float32 are not known better; what is nearer than that is equal.
    const double Equal = 1e-6;

    // Below ten times that, distances are mostly rounding.
    const double Flat = 10 * Equal;

    const double Nearer = 0.1, ByChance = 0.05;

    /// <summary>Which neighbour says how near others usually are: the 10th, or half way where there are few samples.</summary>
    public required int K { get; init; }

    /// <summary>Cosine of a sample with its <see cref="K"/>-th neighbour, the median.</summary>
    public required double Usual { get; init; }

    /// <summary>Whether samples are told apart at all; otherwise neither pairs nor lone samples are named.</summary>
    public required bool TellsApart { get; init; }

    /// <summary>A pair counts when it is nearer than its two samples' <see cref="K"/>-th neighbours by this factor, at least 10.</summary>
    public required double Factor { get; init; }

    /// <summary>The pairs that count, with their cosine, nearest first; of a pair, the smaller number comes first.</summary>
    public required IReadOnlyList<(int First, int Second, float Cosine)> Pairs { get; init; }

    /// <summary>Samples farther from their <see cref="K"/>-th neighbour than is usual, the farthest first, with that neighbour's cosine.</summary>
    public required IReadOnlyList<(int Sample, float Cosine)> Lone { get; init; }

    /// <summary>Surveys a set.</summary>
    /// <param name="found">The set's neighbours in itself (<see cref="Neighbours.Find"/> with the same features twice, K + 1 neighbours); each sample may be its own.</param>
    public static NeighbourSurvey Of(Neighbours found)
    {
        if (found.K < 2)
            throw new ArgumentException("a sample alone has no neighbour", nameof(found));
        var (n, k) = (found.Count, found.K - 1);
        var near = Enumerable.Range(0, n).Select(i => Others(found, i, k)).ToArray();
        double Distance(int sample, int place) => Math.Max(0, 1 - near[sample][place - 1].Cosine);
        var usual = Median(Enumerable.Range(0, n).Select(i => Distance(i, k)));
        // How fast distances grow from neighbour to neighbour says in how many directions samples differ. With few directions, pairs of a tenth
        // of the usual distance come by chance; the factor is such that fewer than one such pair in twenty sets is expected.
        var half = Math.Max(1, k / 2);
        var growth = Median(Enumerable.Range(0, n).Where(i => Distance(i, half) > 0).Select(i => Math.Log(Distance(i, k) / Distance(i, half)))) / Enumerable.Range(half, k - half).Sum(i => 1.0 / i);
        var share = Math.Min(Nearer, Math.Pow(2 * ByChance / ((double)n * k), double.IsFinite(growth) ? growth : 0));
        var apart = usual > Flat;
        return new()
        {
            K = k,
            Usual = 1 - usual,
            TellsApart = apart,
            Factor = 1 / share,
            Pairs = !apart ? [] :
            [
                .. Enumerable.Range(0, n)
                    .SelectMany(i => near[i].Select(other => (First: Math.Min(i, other.Sample), Second: Math.Max(i, other.Sample), other.Cosine)))
                    .Where(pair => 1 - pair.Cosine is var distance && (distance <= Equal || distance <= share * Math.Min(Distance(pair.First, k), Distance(pair.Second, k))))
                    .DistinctBy(pair => (pair.First, pair.Second)).OrderByDescending(pair => pair.Cosine).ThenBy(pair => pair.First),
            ],
            Lone = !apart ? [] : [.. Enumerable.Range(0, n).Where(i => Distance(i, k) > usual + Equal).OrderByDescending(i => Distance(i, k)).Select(i => (i, near[i][^1].Cosine))],
        };
    }

    static (int Sample, float Cosine)[] Others(Neighbours found, int sample, int k)
    {
        var (numbers, cosines) = (found.Of(sample).ToArray(), found.Similarities(sample).ToArray());
        return [.. numbers.Zip(cosines).Where(near => near.First != sample).Take(k)];
    }

    static double Median(IEnumerable<double> values) => values.Order().ToList() is { Count: > 0 } sorted ? sorted[sorted.Count / 2] : double.NaN;
}
