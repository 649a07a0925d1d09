using System.Text.Json.Nodes;

namespace Tandem.Probes;

/// <summary>
/// Whether pairs that people found alike are alike for an encoder: the correlation between the cosine of a pair's two vectors and its score. Vectors
/// are standardised by mean and deviation of the training pairs' vectors, channel by channel, so that a direction that all vectors share does not
/// decide; the training scores are looked at for the choice of a layer only.
/// </summary>
public sealed class SimilarityProbe : Probe
{
    /// <inheritdoc/>
    public override string Name => "similarity";

    /// <inheritdoc/>
    public override bool TakesScores => true;

    /// <inheritdoc/>
    public override ProbeResult Judge(SampleFeatures train, SampleFeatures test, int layer, string encoder = "trained", CancellationToken cancellation = default)
    {
        Check(train, "train");
        var scores = Check(test, "test");
        if (scores.All(score => score == scores[0]))
            throw new TandemException(ErrorKind.Input, $"all test pairs have the score {scores[0]}", "test", "different scores");
        cancellation.ThrowIfCancellationRequested();
        var known = train.PartsAt(layer);
        var correlation = ScoreCorrelation.Of(Cosines(test.PartsAt(layer), Standardisation.Of(known, train.Width)), scores);
        var (low, high) = Interval.Spearman(correlation.Spearman, scores.Length);
        return new(Name, encoder, double.NaN, low, high, scores.Length, new JsonObject { ["similarity"] = "cosine", ["standardise"] = true }) { Correlation = correlation };
    }

    /// <summary>The layer at which the training pairs' own cosines follow their scores best, on at most 5,000 of them.</summary>
    /// <inheritdoc/>
    public override int BestLayer(SampleFeatures train, long seed, CancellationToken cancellation = default)
    {
        var some = train.Layers == 1 ? train : train.Only(LayerChoice.Fewer([.. Enumerable.Range(0, train.Count)], [], seed));
        var scores = Check(some, "train");
        var (best, most) = (train.Layers - 1, double.NegativeInfinity);
        for (var layer = train.Layers - 1; layer >= 0 && train.Layers > 1; layer--)
        {
            cancellation.ThrowIfCancellationRequested();
            var values = some.PartsAt(layer);
            var spearman = ScoreCorrelation.Of(Cosines(values, Standardisation.Of(values, some.Width)), scores).Spearman;
            if (spearman > most)
                (best, most) = (layer, spearman);
        }
        return best;
    }

    static double[] Check(SampleFeatures features, string what)
    {
        if (features.Scores is not { } scores || features.Parts != 2)
            throw new TandemException(ErrorKind.Input, $"the {what} data is not made of pairs with scores", what, "two texts and a number a sample");
        if (scores.Length == 0)
            throw new TandemException(ErrorKind.Input, $"there are no {what} samples", what);
        if (Array.Exists(features.Values, value => !float.IsFinite(value)))
            throw new TandemException(ErrorKind.Input, "the encoder's features are not finite", expected: "numbers", remedy: "The model is damaged, or its training diverged: take an earlier checkpoint.");
        return scores;
    }

    // Of each pair of rows; 0 where a vector has no length.
    static double[] Cosines(float[] values, Standardisation by)
    {
        var width = by.Mean.Length;
        var cosines = new double[values.Length / width / 2];
        for (var pair = 0; pair < cosines.Length; pair++)
        {
            double both = 0, first = 0, second = 0;
            for (var i = 0; i < width; i++)
            {
                var a = (values[(2 * pair * width) + i] - by.Mean[i]) / by.Std[i];
                var b = (values[(((2 * pair) + 1) * width) + i] - by.Mean[i]) / by.Std[i];
                both += a * b;
                first += a * a;
                second += b * b;
            }
            cosines[pair] = first > 0 && second > 0 ? both / Math.Sqrt(first * second) : 0;
        }
        return cosines;
    }
}
