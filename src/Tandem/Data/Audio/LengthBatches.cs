namespace Tandem.Data.Audio;

/// <summary>Limits of a batch of recordings.</summary>
/// <param name="MaxSamples">Most samples, padding included (count × longest); 0 for no limit.</param>
/// <param name="MaxRecordings">Most recordings; 0 for no limit.</param>
/// <param name="Multiple">From this count on only its multiples are taken, and a last batch of another count is left out; evaluation needs 1.</param>
public sealed record BatchLimits(int MaxSamples, int MaxRecordings = 0, int Multiple = 8);

/// <summary>Batches of recordings of similar length, as fairseq cuts them (<c>batch_by_size</c>).</summary>
public static class LengthBatches
{
    /// <summary>Longest first (lengths capped), ties by falling random value.</summary>
    /// <param name="lengths">Samples of each recording.</param>
    /// <param name="longest">Longer ones count as this long; null for none.</param>
    /// <param name="ties">A random permutation: each recording's value.</param>
    public static int[] Order(ReadOnlySpan<int> lengths, int? longest, ReadOnlySpan<int> ties)
    {
        var keys = new (int Length, int Tie, int Recording)[lengths.Length];
        for (var i = 0; i < keys.Length; i++)
            keys[i] = (Math.Min(lengths[i], longest ?? int.MaxValue), ties[i], i);
        Array.Sort(keys);
        Array.Reverse(keys);
        return Array.ConvertAll(keys, key => key.Recording);
    }

    /// <summary>Cuts an order into batches; a last one that <see cref="DropsLast"/> names is still among them.</summary>
    /// <param name="order">Recordings in order.</param>
    /// <param name="lengths">Samples that each recording counts with, by its number.</param>
    /// <param name="limits">The limits.</param>
    /// <exception cref="TandemException"><see cref="ErrorKind.Usage"/>: a recording alone is longer than a batch may be.</exception>
    public static List<int[]> Cut(ReadOnlySpan<int> order, ReadOnlySpan<int> lengths, BatchLimits limits)
    {
        var batches = new List<int[]>();
        // [start, end) can be a batch; [end, pos] is what came since its end was last admissible.
        int start = 0, end = 0, longest = 0, longestOfTail = 0;
        for (var pos = 0; pos < order.Length; pos++)
        {
            var length = lengths[order[pos]];
            if (limits.MaxSamples > 0 && length > limits.MaxSamples)
                throw new TandemException(ErrorKind.Usage, $"a recording of {length} samples does not fit a batch of {limits.MaxSamples}", "data.max_samples", "at least the longest recording", "raise it, or crop longer recordings");
            longestOfTail = Math.Max(longestOfTail, length);
            var count = pos + 1 - start;
            var size = (long)count * Math.Max(longest, longestOfTail);
            var over = (limits.MaxRecordings > 0 && count > limits.MaxRecordings) || (limits.MaxSamples > 0 && size > limits.MaxSamples);
            if (over)
            {
                if (limits.MaxSamples > 0 && (long)longestOfTail * (pos + 1 - end) > limits.MaxSamples)
                {
                    batches.Add(order[start..end].ToArray());
                    (start, end) = (end, pos);
                    longestOfTail = length;
                }
                batches.Add(order[start..end].ToArray());
                (start, longest) = (end, longestOfTail);
            }
            if (over || count < limits.Multiple || count % limits.Multiple == 0)
            {
                end = pos + 1;
                longest = Math.Max(longest, longestOfTail);
                longestOfTail = 0;
            }
        }
        if (end > start)
            batches.Add(order[start..end].ToArray());
        if (end < order.Length)
            batches.Add(order[end..].ToArray());
        batches.RemoveAll(batch => batch.Length == 0);
        return batches;
    }

    /// <summary>Whether the last batch is left out: its count is no multiple.</summary>
    public static bool DropsLast(IReadOnlyList<int[]> batches, BatchLimits limits) => limits.Multiple > 1 && batches.Count > 0 && batches[^1].Length % limits.Multiple != 0;
}
