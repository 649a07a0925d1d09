using System.Buffers;

namespace Tandem.Data.Audio;

/// <summary>A batch, if there are rows, and the places that are complete with it.</summary>
readonly record struct MadeRows(AudioBatch? Batch, IReadOnlyList<int> Finished);

/// <summary>Reads recordings into rows of batches.</summary>
/// <param name="source">The recordings.</param>
/// <param name="options">Windows, standardising.</param>
/// <param name="limits">Rows and samples of a batch.</param>
sealed class AudioRows(AudioSource source, AudioStreamOptions options, AudioLimits limits)
{
    /// <summary>Reads some recordings.</summary>
    /// <param name="places">Their places among the chosen ones.</param>
    /// <param name="sample">A place's number in the source.</param>
    /// <param name="refuse">Hears of a recording that cannot be read.</param>
    /// <param name="hand">Takes batches, in order.</param>
    /// <param name="stop">Ends the work.</param>
    /// <exception cref="TandemException">Something that is not one recording's fault.</exception>
    public void Make(int[] places, Func<int, int> sample, Action<int, TandemException> refuse, Action<MadeRows> hand, CancellationToken stop)
    {
        List<Row> rows = [];
        List<int> finished = [];
        void Flush()
        {
            // Stable: windows of a recording stay in their order.
            rows = [.. rows.OrderBy(row => row.Length).ThenBy(row => row.Place)];
            var first = 0;
            foreach (var end in limits.Cut([.. rows.Select(row => row.Length)], _ => 1))
            {
                var batch = Batch(rows[first..end], sample);
                first = end;
                hand(new(batch, end == rows.Count ? [.. finished] : []));
            }
            if (rows.Count == 0)
                hand(new(null, [.. finished]));
            rows.Clear();
            finished.Clear();
        }
        foreach (var place in places)
        {
            try
            {
                foreach (var (window, length) in Windows(sample(place), stop))
                {
                    if (rows.Count > 0 && (rows.Count + 1) * (long)Math.Max(length, rows.Max(row => row.Length)) > limits.Samples)
                        Flush();
                    rows.Add(new(place, window, length));
                }
            }
            catch (TandemException error) when (IsItsOwn(error))
            {
                refuse(place, error);
            }
            finished.Add(place);
        }
        Flush();
    }

    // A library that is not installed is nobody's fault; a file without permission to read is that file's.
    static bool IsItsOwn(TandemException error) =>
        error.Kind == ErrorKind.Input || (error.Kind == ErrorKind.Machine && error.Where is not (NativeLibraries.SoundFile or NativeLibraries.Soxr));

    // Windows of long recordings are lent by the pool: else hours of them would be garbage faster than it is collected.
    IEnumerable<(float[] Samples, int Length)> Windows(int sample, CancellationToken stop)
    {
        if (options.Beginning is { } most)
        {
            yield return Beginning(sample, Math.Min(most, options.MaxSamples));
            yield break;
        }
        var scan = Scan(sample, out var whole, stop);
        if (whole is not null)
        {
            if (options.Standardise)
                scan.Moments.Standardise(whole);
            yield return (whole, whole.Length);
            yield break;
        }
        using var stream = source.Read(sample);
        for (var left = scan.Length; left >= options.MinSamples; left -= options.MaxSamples)
        {
            stop.ThrowIfCancellationRequested();
            var length = Math.Min(left, options.MaxSamples);
            var window = ArrayPool<float>.Shared.Rent(length);
            if (stream.Fill(window.AsSpan(0, length)) < length)
                throw FileFault.Truncated.Error($"the recording had {scan.Length} samples at 16 kHz when it was first read, and has fewer now", source.Where(sample));
            if (options.Standardise)
                scan.Moments.Standardise(window.AsSpan(0, length));
            yield return (window, length);
        }
    }

    (float[] Samples, int Length) Beginning(int sample, int most)
    {
        using var stream = source.Read(sample);
        var samples = new float[most];
        var length = stream.Fill(samples);
        if (length < options.MinSamples)
            throw TooShort(sample, length);
        if (length < most)
            Array.Resize(ref samples, length);
        if (options.Standardise)
            Waveform.Standardise(samples);
        return (samples, length);
    }

    TandemException TooShort(int sample, int length) =>
        FileFault.Unsupported.Error($"the recording has {length} samples at 16 kHz", source.Where(sample), $"at least {options.MinSamples}", "leave it out");

    RecordingScan Scan(int sample, out float[]? whole, CancellationToken stop)
    {
        using var stream = source.Read(sample);
        var scan = RecordingScan.Of(stream, source.Where(sample), options.MaxSamples, out whole, stop);
        return scan.Length >= options.MinSamples ? scan : throw TooShort(sample, scan.Length);
    }

    AudioBatch Batch(List<Row> rows, Func<int, int> sample)
    {
        int[] lengths = [.. rows.Select(row => row.Length)];
        var longest = lengths.Max();
        var samples = AudioBatch.Room(rows.Count, longest);
        for (var row = 0; row < rows.Count; row++)
        {
            rows[row].Samples.AsSpan(0, lengths[row]).CopyTo(samples.As<float>()[(row * longest)..]);
            if (rows[row].Samples.Length != lengths[row])
                ArrayPool<float>.Shared.Return(rows[row].Samples);
        }
        return new AudioBatch
        {
            Ids = [.. rows.Select(row => (long)row.Place)],
            Labels = source.ClassNames is null ? null : [.. rows.Select(row => source.Label(sample(row.Place)) ?? -1)],
            Samples = samples,
            Lengths = lengths.Min() < longest ? lengths : null,
        };
    }

    /// <summary>A row: the first <paramref name="Length"/> of the samples.</summary>
    readonly record struct Row(int Place, float[] Samples, int Length);
}
