using Tandem.Torch;

namespace Tandem.Probes;

/// <summary>Which layer of an encoder a probe of classes judges.</summary>
static class LayerChoice
{
    // Enough to tell layers apart; a choice on all of a large set would cost as much as the judging, for every layer.
    const int MostSamples = 5000;

    /// <summary>
    /// The layer whose features the probe judges best on a tenth of the training samples, learned from the others; the test samples are not looked at.
    /// Of equals the deepest.
    /// </summary>
    /// <param name="probe">The judge.</param>
    /// <param name="train">Training features of all layers.</param>
    /// <param name="seed">Decides which tenth.</param>
    /// <param name="cancellation">Ends the work.</param>
    public static int Best(ClassProbe probe, SampleFeatures train, long seed, CancellationToken cancellation = default)
    {
        if (train.Layers == 1)
            return 0;
        var split = HeldOut.Tenth(train.Labels, seed);
        // Two sets of at least one sample and two classes, or there is nothing to choose by.
        if (split.Judge.Length == 0 || split.Fit.Select(sample => train.Labels[sample]).Distinct().Count() < 2 || (probe as KnnProbe)?.K > split.Fit.Length)
            return train.Layers - 1;
        var (fit, judge) = (Fewer(split.Fit, train.Labels, seed), Fewer(split.Judge, train.Labels, seed));
        if ((probe as KnnProbe)?.K > fit.Length)
            fit = split.Fit;
        var (best, most) = (train.Layers - 1, -1.0);
        for (var layer = train.Layers - 1; layer >= 0; layer--)
        {
            var features = train.At(layer);
            var accuracy = probe.Judge(features.Only(fit), features.Only(judge), cancellation: cancellation).Accuracy;
            if (accuracy > most)
                (best, most) = (layer, accuracy);
        }
        return best;
    }

    /// <summary>At most so many samples as a choice needs, drawn.</summary>
    /// <param name="samples">The samples.</param>
    /// <param name="labels">The classes of all samples, each of which stays if it can; empty for scores.</param>
    /// <param name="seed">Decides which.</param>
    internal static int[] Fewer(int[] samples, int[] labels, long seed)
    {
        if (samples.Length <= MostSamples)
            return samples;
        var order = samples.ToArray();
        Randomness.Of(seed, "layer choice").Pick(order.AsSpan(), MostSamples);
        if (labels.Length > 0)
            ClassDraw.Complete(order, MostSamples, sample => labels[sample]);
        return [.. order.Take(MostSamples).Order()];
    }
}
