using Tandem.Torch;

namespace Tandem.Probes;

/// <summary>A tenth of the training samples, set aside to choose settings by. Test samples are never looked at.</summary>
/// <param name="Fit">Samples to learn from.</param>
/// <param name="Judge">Samples to choose by.</param>
public sealed record HeldOut(int[] Fit, int[] Judge)
{
    /// <summary>
    /// Sets aside a tenth of each class (rounded) by a drawn order; each class keeps at least one sample to learn from. With too few samples
    /// of every class for that, one sample of each class that has two.
    /// </summary>
    /// <param name="labels">The training samples' classes.</param>
    /// <param name="seed">Decides the order.</param>
    public static HeldOut Tenth(IReadOnlyList<int> labels, long seed)
    {
        var order = Enumerable.Range(0, labels.Count).ToArray();
        Randomness.Of(seed, "probe held out").Shuffle(order.AsSpan());
        var classes = order.GroupBy(sample => labels[sample]).Select(group => group.ToArray()).ToList();
        var aside = classes.SelectMany(samples => samples.Take(Math.Min((samples.Length + 5) / 10, samples.Length - 1))).ToHashSet();
        if (aside.Count == 0)
            aside = [.. classes.Where(samples => samples.Length > 1).Select(samples => samples[0])];
        return new([.. Enumerable.Range(0, labels.Count).Where(sample => !aside.Contains(sample))], [.. aside.Order()]);
    }
}
