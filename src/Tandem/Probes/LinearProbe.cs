using System.Text.Json.Nodes;
using Tandem.Torch;

namespace Tandem.Probes;

/// <summary>
/// Multinomial logistic regression on features standardised by the training samples' statistics. The penalty is chosen on a tenth of the
/// training samples, then all of them are fitted; the test samples are only predicted.
/// </summary>
/// <param name="seed">Decides which tenth is held out.</param>
public sealed class LinearProbe(long seed = 0) : ClassProbe
{
    /// <summary>Features times samples up to which all samples take part in the choice; beyond, a drawn part of them does where they are many, or it would take minutes.</summary>
    const long ChoiceLimit = 10_000_000;

    /// <summary>Features times samples times steps after which the last fit ends unconverged (some minutes); results say so.</summary>
    const double WorkLimit = 2e10;

    /// <summary>C · n that are tried, from the strongest penalty to the weakest. Counted per sample mean, so that they suit any number of samples.</summary>
    static readonly double[] Strengths = [1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6];

    /// <inheritdoc/>
    public override string Name => "linear";

    /// <inheritdoc/>
    protected override Outcome Score(LabelledFeatures train, LabelledFeatures test, CancellationToken cancellation)
    {
        // A class without samples has no finite intercept: only those that occur are fitted.
        var present = train.Labels.Distinct().Order().ToArray();
        var numbers = present.Select((label, number) => (label, number)).ToDictionary(pair => pair.label, pair => pair.number);
        var labels = train.Labels.Select(label => numbers[label]).ToArray();
        var (strength, start) = Choose(train, labels, present.Length, cancellation);
        using var problem = new LogisticProblem(train.Values, train.Width, labels, present.Length, [.. Enumerable.Range(0, train.Count)], Standardisation.Of(train.Values, train.Width));
        var fitted = problem.Solve(strength, start, new() { Tolerance = 1e-5, Iterations = (int)Math.Clamp(WorkLimit / problem.Unknowns / train.Count, 30, 500) }, cancellation);
        var probabilities = fitted.Probabilities(test.Values);
        var predictions = new int[test.Count];
        var five = 0;
        for (var i = 0; i < predictions.Length; i++)
        {
            var ranked = Vote.Ranked(probabilities.AsSpan(i * present.Length, present.Length).ToArray());
            predictions[i] = present[ranked[0]];
            five += ranked.Take(5).Any(number => present[number] == test.Labels[i]) ? 1 : 0;
        }
        var settings = new JsonObject
        {
            ["c"] = strength / train.Count,
            ["strength"] = strength,
            ["standardise"] = true,
            ["seed"] = seed,
            ["iterations"] = fitted.Minimum.Iterations,
            ["converged"] = fitted.Minimum.Converged,
        };
        return new(predictions, CountRight(predictions, test.Labels), five, settings);
    }

    // Each fit begins where the one with the stronger penalty ended. Two worse ones in a row end the search: from there on it overfits.
    (double Strength, double[] Start) Choose(LabelledFeatures train, int[] labels, int classes, CancellationToken cancellation)
    {
        var split = HeldOut.Tenth(labels, seed);
        if (split.Judge.Length == 0)
            return (Strengths[2], new double[classes * (train.Width + 1)]);
        var fit = split.Fit.Length <= LogisticProblem.Few ? split.Fit : Fewer(split.Fit, labels, (int)Math.Min(split.Fit.Length, Math.Max(1000, ChoiceLimit / train.Width)));
        using var problem = new LogisticProblem(train.Values, train.Width, labels, classes, fit, Standardisation.Of(train.Values, train.Width, fit));
        var values = new float[split.Judge.Length * train.Width];
        for (var i = 0; i < split.Judge.Length; i++)
            train.Row(split.Judge[i]).CopyTo(values.AsSpan(i * train.Width));
        var point = problem.Start();
        (int Right, double Strength, double[] Point) best = (-1, 0, point);
        var worse = 0;
        foreach (var strength in Strengths)
        {
            var fitted = problem.Solve(strength, point, new() { Tolerance = 1e-3, Iterations = 100 }, cancellation);
            var right = Right(fitted.Probabilities(values), classes, [.. split.Judge.Select(sample => labels[sample])]);
            worse = right < best.Right ? worse + 1 : 0;
            if (right > best.Right)
                best = (right, strength, (double[])point.Clone());
            if (worse == 2)
                break;
        }
        return (best.Strength, best.Point);
    }

    // One sample of each class, so that none is without, then others by a drawn order.
    int[] Fewer(int[] samples, int[] labels, int count)
    {
        if (count >= samples.Length)
            return samples;
        var order = samples.ToArray();
        Randomness.Of(seed, "probe choice").Shuffle(order.AsSpan());
        var first = order.DistinctBy(sample => labels[sample]).ToHashSet();
        return [.. first, .. order.Where(sample => !first.Contains(sample)).Take(Math.Max(0, count - first.Count))];
    }

    static int Right(double[] probabilities, int classes, int[] labels)
    {
        var right = 0;
        for (var i = 0; i < labels.Length; i++)
        {
            var row = probabilities.AsSpan(i * classes, classes);
            var best = 0;
            for (var k = 1; k < classes; k++)
                best = row[k] > row[best] ? k : best;
            right += best == labels[i] ? 1 : 0;
        }
        return right;
    }
}
