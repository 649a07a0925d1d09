namespace Tandem.Data.Audio;

/// <summary>How recordings of different lengths become one batch.</summary>
public static class AudioCollation
{
    /// <summary>Samples of each row of a batch.</summary>
    /// <param name="lengths">The recordings'.</param>
    /// <param name="pad">Whether shorter ones are padded; else longer ones are cropped to the shortest.</param>
    /// <param name="longest">Most samples of a row, or null.</param>
    public static int Target(ReadOnlySpan<int> lengths, bool pad, int? longest)
    {
        var target = lengths[0];
        foreach (var length in lengths)
            target = pad ? Math.Max(target, length) : Math.Min(target, length);
        return Math.Min(target, longest ?? int.MaxValue);
    }

    /// <summary>Bounds of length buckets: distinct values at index ⌊(n−1)·j/b⌋ of the sorted lengths, j = 1 … b; no interpolation.</summary>
    public static int[] Bounds(ReadOnlySpan<int> lengths, int buckets)
    {
        var sorted = lengths.ToArray();
        Array.Sort(sorted);
        return [.. Enumerable.Range(1, buckets).Select(j => sorted[(int)((long)(sorted.Length - 1) * j / buckets)]).Distinct()];
    }

    /// <summary>The least bound that holds a length.</summary>
    public static int Bucket(ReadOnlySpan<int> bounds, int length)
    {
        foreach (var bound in bounds)
        {
            if (bound >= length)
                return bound;
        }
        return bounds[^1];
    }
}

/// <summary>Where windows begin; recorded draws in verification.</summary>
/// <param name="range">The largest start.</param>
/// <returns>0 … <paramref name="range"/>, both included.</returns>
public delegate int WindowStart(int range);

/// <summary>Recordings brought to one length.</summary>
/// <param name="Samples">[recordings · length]; zeros behind the end.</param>
/// <param name="Length">Samples of a row.</param>
/// <param name="Lengths">Samples of each recording, padding not counted.</param>
public sealed record CollatedAudio(float[] Samples, int Length, int[] Lengths)
{
    /// <summary>Crops longer recordings to a window, pads shorter ones. One draw for each that is cropped, in order; none for the others.</summary>
    /// <param name="recordings">Whole recordings.</param>
    /// <param name="target">Samples that longer ones are cropped to.</param>
    /// <param name="length">Samples of a row, at least <paramref name="target"/> (more where buckets are padded on).</param>
    /// <param name="start">Draws where windows begin.</param>
    public static CollatedAudio Of(IReadOnlyList<float[]> recordings, int target, int length, WindowStart start)
    {
        var samples = new float[checked(recordings.Count * length)];
        var lengths = new int[recordings.Count];
        for (var i = 0; i < lengths.Length; i++)
        {
            var recording = recordings[i].AsSpan();
            if (recording.Length > target)
                recording = recording.Slice(start(recording.Length - target), target);
            recording.CopyTo(samples.AsSpan(i * length));
            lengths[i] = recording.Length;
        }
        return new(samples, length, lengths);
    }

    /// <summary>Crops the masks of one recording, drawn for all its frames, to a window common to its copies.</summary>
    /// <param name="masks">[copies · frames].</param>
    /// <param name="copies">Masked copies.</param>
    /// <param name="frames">Frames of the batch; the recording has at least as many.</param>
    /// <param name="start">Draws where the window begins; not asked where nothing is cropped.</param>
    /// <param name="to">[copies · frames of the batch].</param>
    public static void CropMasks(ReadOnlySpan<byte> masks, int copies, int frames, WindowStart start, Span<byte> to)
    {
        var own = masks.Length / copies;
        var first = own > frames ? start(own - frames) : 0;
        for (var copy = 0; copy < copies; copy++)
            masks.Slice((copy * own) + first, frames).CopyTo(to[(copy * frames)..]);
    }
}
