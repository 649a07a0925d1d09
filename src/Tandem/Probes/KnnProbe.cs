using System.Text.Json.Nodes;

namespace Tandem.Probes;

/// <summary>The class that most of the nearest training samples have. Nothing is trained, so nothing can be tuned: the plainest judge of features.</summary>
/// <param name="k">Neighbours that vote.</param>
/// <param name="weighted">DINO's weighted vote instead of one vote each.</param>
/// <param name="temperature">The weighted vote's temperature.</param>
public sealed class KnnProbe(int k = 20, bool weighted = false, double temperature = 0.07) : ClassProbe
{
    /// <inheritdoc/>
    public override string Name => "knn";

    /// <summary>Neighbours that vote.</summary>
    public int K => k;

    /// <inheritdoc/>
    protected override Outcome Score(LabelledFeatures train, LabelledFeatures test, CancellationToken cancellation)
    {
        var neighbours = Neighbours.Find(train.Values, test.Values, train.Width, k, cancellation);
        var predictions = new int[test.Count];
        var five = 0;
        for (var i = 0; i < predictions.Length; i++)
        {
            var ranked = Ranked(neighbours, i, train);
            predictions[i] = ranked[0];
            // As published: with fewer neighbours than five, only as many classes count.
            five += ranked.AsSpan(0, Math.Min(Math.Min(5, k), ranked.Length)).Contains(test.Labels[i]) ? 1 : 0;
        }
        var settings = new JsonObject { ["k"] = k, ["vote"] = weighted ? "weighted" : "plain" };
        if (weighted)
            settings["temperature"] = temperature;
        return new(predictions, CountRight(predictions, test.Labels), five, settings);
    }

    int[] Ranked(Neighbours neighbours, int test, LabelledFeatures train)
    {
        Span<int> labels = k <= 256 ? stackalloc int[k] : new int[k];
        var samples = neighbours.Of(test);
        for (var j = 0; j < k; j++)
            labels[j] = train.Labels[samples[j]];
        var similarities = neighbours.Similarities(test);
        return weighted ? Vote.Ranked(Vote.Weights(labels, similarities, train.Classes, temperature)) : Vote.Plain(labels, similarities, train.Classes);
    }
}
