using System.Text.Json.Nodes;

namespace Tandem.Probes;

/// <summary>Judges frozen features: learns something simple from some samples and is scored on others.</summary>
public abstract class Probe
{
    /// <summary>Its name: <c>knn</c>, <c>linear</c>, <c>similarity</c>.</summary>
    public abstract string Name { get; }

    /// <summary>Whether it judges pairs by their scores; else samples by their classes.</summary>
    public virtual bool TakesScores => false;

    /// <summary>Learns from training features at a layer and is scored on the test features there.</summary>
    /// <param name="train">What it learns from.</param>
    /// <param name="test">What it is scored on; nothing else is learned from it. Classes are matched by name.</param>
    /// <param name="layer">Which of the features' layers.</param>
    /// <param name="encoder">Whose features they are: <c>trained</c>, <c>untrained</c>, <c>pixels</c>.</param>
    /// <param name="cancellation">Ends the work.</param>
    /// <exception cref="TandemException">The features cannot be judged: one class only, a class unknown in train, too few samples, scores where classes are needed or the other way round.</exception>
    public abstract ProbeResult Judge(SampleFeatures train, SampleFeatures test, int layer, string encoder = "trained", CancellationToken cancellation = default);

    /// <summary>The layer at which training features are judged best; test samples are not looked at. Of equals the deepest.</summary>
    /// <param name="train">Training features of all layers.</param>
    /// <param name="seed">Decides what is drawn of them.</param>
    /// <param name="cancellation">Ends the work.</param>
    public abstract int BestLayer(SampleFeatures train, long seed, CancellationToken cancellation = default);
}

/// <summary>A probe of classes.</summary>
public abstract class ClassProbe : Probe
{
    /// <inheritdoc/>
    public override ProbeResult Judge(SampleFeatures train, SampleFeatures test, int layer, string encoder = "trained", CancellationToken cancellation = default) =>
        Judge(train.At(layer), test.At(layer), encoder, cancellation);

    /// <summary>The layer whose features are judged best on a tenth of the training samples, learned from the others.</summary>
    /// <inheritdoc/>
    public override int BestLayer(SampleFeatures train, long seed, CancellationToken cancellation = default) => LayerChoice.Best(this, train, seed, cancellation);

    /// <summary>Learns from training features and predicts test features.</summary>
    /// <param name="train">What it learns from.</param>
    /// <param name="test">What it is scored on; nothing else is learned from it. Classes are matched by name.</param>
    /// <param name="encoder">Whose features they are: <c>trained</c>, <c>untrained</c>, <c>pixels</c>.</param>
    /// <param name="cancellation">Ends the work.</param>
    /// <exception cref="TandemException">The features cannot be judged: one class only, a class unknown in train, too few samples.</exception>
    public ProbeResult Judge(LabelledFeatures train, LabelledFeatures test, string encoder = "trained", CancellationToken cancellation = default)
    {
        var numbered = test.NumberedAs(train);
        train.CheckAgainst(numbered);
        var score = Score(train, numbered, cancellation);
        var (low, high) = Interval.Wilson(score.Correct, test.Count);
        return new ProbeResult(Name, encoder, (double)score.Correct / test.Count, low, high, test.Count, score.Settings)
        {
            TopFive = score.AmongFive is { } five && train.Classes > 5 ? (double)five / test.Count : null,
            Predictions = score.Predictions,
        };
    }

    /// <summary>What a probe found out.</summary>
    /// <param name="Predictions">The class predicted for each test sample, numbered as in train.</param>
    /// <param name="Correct">How many of them are right.</param>
    /// <param name="AmongFive">How many samples' classes are among the five likeliest; null where a probe ranks nothing.</param>
    /// <param name="Settings">What it was run with, chosen values included.</param>
    protected sealed record Outcome(int[] Predictions, int Correct, int? AmongFive, JsonObject Settings);

    /// <summary>Learns and predicts; the features are sound and their classes numbered alike.</summary>
    protected abstract Outcome Score(LabelledFeatures train, LabelledFeatures test, CancellationToken cancellation);

    /// <summary>How many predictions are right.</summary>
    protected static int CountRight(int[] predictions, int[] labels)
    {
        var right = 0;
        for (var i = 0; i < labels.Length; i++)
            right += predictions[i] == labels[i] ? 1 : 0;
        return right;
    }
}

/// <summary>The result of a probe.</summary>
/// <param name="Probe">The probe's name.</param>
/// <param name="Encoder">Whose features were judged.</param>
/// <param name="Accuracy">Share of test samples whose class was predicted, 0 … 1; of a probe of scores not a number.</param>
/// <param name="Low">Lower end of the 95 % interval, of the accuracy or of Spearman's correlation.</param>
/// <param name="High">Upper end of the 95 % interval.</param>
/// <param name="Samples">Number of test samples.</param>
/// <param name="Settings">What the probe was run with, chosen values included.</param>
public sealed record ProbeResult(string Probe, string Encoder, double Accuracy, double Low, double High, int Samples, JsonObject Settings)
{
    /// <summary>Share of test samples whose class is among the five likeliest; null where there are no more than five, or a probe ranks nothing.</summary>
    public double? TopFive { get; init; }

    /// <summary>The class predicted for each test sample, a number of the training data's classes.</summary>
    public IReadOnlyList<int> Predictions { get; init; } = [];

    /// <summary>How closely predictions follow the test samples' scores; null for a probe of classes.</summary>
    public ScoreCorrelation? Correlation { get; init; }

    /// <summary>The result as <c>--json</c> and a run's metrics have it; fractions, never percent. What is not defined is null.</summary>
    public JsonObject ToJson()
    {
        var json = new JsonObject { ["probe"] = Probe, ["encoder"] = Encoder };
        if (Correlation is { } correlation)
        {
            json["spearman"] = Number(correlation.Spearman);
            json["pearson"] = Number(correlation.Pearson);
        }
        else
        {
            json["accuracy"] = Accuracy;
            if (TopFive is { } five)
                json["top_five"] = five;
        }
        json["low"] = Number(Low);
        json["high"] = Number(High);
        json["samples"] = Samples;
        json["settings"] = Settings.DeepClone();
        return json;
    }

    static JsonValue? Number(double value) => double.IsNaN(value) ? null : JsonValue.Create(value);
}
