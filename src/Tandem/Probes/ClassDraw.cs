namespace Tandem.Probes;

/// <summary>Draws that leave no class out: a probe of a rare class would otherwise not know that it exists.</summary>
static class ClassDraw
{
    /// <summary>
    /// Gives each class that a draw missed one place in it: its first sample takes the place of the last drawn one whose class is drawn more than once.
    /// A draw that misses none stays as it is. Where there are more classes than places, some remain without.
    /// </summary>
    /// <param name="samples">All samples, the drawn ones first.</param>
    /// <param name="drawn">How many are drawn.</param>
    /// <param name="label">A sample's class.</param>
    public static void Complete(int[] samples, int drawn, Func<int, int> label)
    {
        var counts = new Dictionary<int, int>();
        for (var i = 0; i < drawn; i++)
            counts[label(samples[i])] = counts.GetValueOrDefault(label(samples[i])) + 1;
        var last = drawn - 1;
        for (var i = drawn; i < samples.Length; i++)
        {
            var missed = label(samples[i]);
            if (counts.ContainsKey(missed))
                continue;
            while (last >= 0 && counts[label(samples[last])] < 2)
                last--;
            if (last < 0)
                return;
            counts[label(samples[last])]--;
            counts[missed] = 1;
            (samples[last], samples[i]) = (samples[i], samples[last]);
            last--;
        }
    }
}
