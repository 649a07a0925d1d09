namespace Tandem.Data.Audio;

/// <summary>How large batches of recordings for an encoder may be.</summary>
/// <param name="Rows">Rows of a batch.</param>
/// <param name="Window">Samples of a row.</param>
readonly record struct AudioLimits(int Rows, int Window)
{
    const int SamplesOfRow = 10 * Waveform.SampleRate;

    // More at once makes no computing faster, and is memory for sound that nobody hears yet: two minutes, unless one window is longer.
    const long MostSamples = 120 * Waveform.SampleRate;

    /// <summary>Samples of a batch, padding included; a single row may always be as long as its window.</summary>
    public long Samples => Math.Max(Window, Math.Min((long)Rows * SamplesOfRow, MostSamples));

    /// <summary>
    /// Cuts rows, in ascending order of their lengths, into batches: within the limits, and the longest at most twice as long as the shortest.
    /// </summary>
    /// <param name="lengths">Ascending.</param>
    /// <param name="sizes">Rows that each counts for.</param>
    /// <returns>Where each batch ends.</returns>
    public IEnumerable<int> Cut(IReadOnlyList<int> lengths, Func<int, int> sizes)
    {
        int first = 0, count = 0;
        for (var i = 0; i < lengths.Count; i++)
        {
            count += sizes(i);
            if (i > first && (count > Rows || (long)count * lengths[i] > Samples || lengths[i] > 2L * lengths[first]))
            {
                yield return i;
                (first, count) = (i, sizes(i));
            }
        }
        if (lengths.Count > 0)
            yield return lengths.Count;
    }
}

/// <summary>
/// Sorts recordings by the lengths that their headers tell, a pool at a time, and cuts them into jobs, each for one batch or, where a recording is
/// long, for several.
/// </summary>
/// <param name="source">The recordings.</param>
/// <param name="sample">A place's recording.</param>
/// <param name="count">Number of places.</param>
/// <param name="limits">Rows and samples of a batch.</param>
sealed class AudioJobs(AudioSource source, Func<int, int> sample, int count, AudioLimits limits)
{
    const int BatchesOfPool = 8;

    readonly Queue<int[]> planned = new();
    int next;

    /// <summary>The next job's places, or null after the last. Not for several threads at once.</summary>
    public int[]? Next(CancellationToken stop)
    {
        while (planned.Count == 0 && next < count)
            Pool(stop);
        return planned.TryDequeue(out var job) ? job : null;
    }

    void Pool(CancellationToken stop)
    {
        List<(int Length, int Place)> pool = [];
        long total = 0;
        while (next < count && pool.Count < BatchesOfPool * limits.Rows && total < BatchesOfPool * limits.Samples)
        {
            stop.ThrowIfCancellationRequested();
            var length = Length(next);
            pool.Add((length, next++));
            total += length;
        }
        // Where lengths are equal the order is that of the places.
        pool.Sort();
        var first = 0;
        foreach (var end in limits.Cut([.. pool.Select(one => Math.Min(one.Length, limits.Window))], i => Math.Max(1, (pool[i].Length + limits.Window - 1) / limits.Window)))
        {
            planned.Enqueue([.. pool[first..end].Select(one => one.Place)]);
            first = end;
        }
    }

    // What cannot be opened is found again, and told, by whoever reads it.
    int Length(int place)
    {
        try
        {
            return source.Length(sample(place));
        }
        catch (TandemException)
        {
            return 0;
        }
    }
}
