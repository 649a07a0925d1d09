using System.Collections.Concurrent;
using Tandem.Torch;

namespace Tandem.Data.Audio;

/// <summary>
/// Makes batches of recordings. What a batch holds depends on the source, the plan, the seed and the batch's place alone. A recording is read whole
/// once, in pieces, for its length and moments; from then on only its windows are read (whole up to the window where the format cannot be entered
/// anywhere, or the rate is not 16 kHz), so that an hour takes no more memory than a minute.
/// </summary>
/// <param name="source">Where recordings come from; not disposed of.</param>
/// <param name="options">Lengths, windows, masks, what happens to damaged recordings.</param>
public sealed class AudioBatchMaker(AudioSource source, AudioBatchOptions options) : IBatchMaker<AudioBatch>
{
    /// <summary>Samples of a recording that is kept after its first reading until its window is cut out: 65 seconds.</summary>
    const int KeptWhole = 1 << 20;

    readonly ConcurrentDictionary<int, RecordingScan> scans = new();
    readonly ConcurrentDictionary<int, TandemException> damaged = new();
    readonly HashSet<int> replaced = [];

    /// <summary>A loader for training.</summary>
    /// <param name="source">Where recordings come from; not disposed of.</param>
    /// <param name="options">Lengths, windows, masks, what happens to damaged recordings.</param>
    /// <param name="plan">Which recordings form which batch.</param>
    /// <param name="workers">Threads that make batches.</param>
    /// <param name="prefetch">Batches made ahead.</param>
    /// <param name="firstBatch">Where a resumed run goes on.</param>
    public static Loader<AudioBatch> Load(AudioSource source, AudioBatchOptions options, LengthPlan plan, int workers = 1, int prefetch = 2, long firstBatch = 0) =>
        new(new AudioBatchMaker(source, options), plan, workers, prefetch, firstBatch);

    /// <inheritdoc/>
    public int Replaced
    {
        get
        {
            lock (replaced)
                return replaced.Count;
        }
    }

    /// <inheritdoc/>
    public AudioBatch Make(BatchPlan plan, BatchPlace place, CancellationToken stop)
    {
        var (n, ids) = (place.Count, new long[place.Count]);
        var labels = source.ClassNames is null ? null : new int[n];
        var rows = new (int Sample, RecordingScan Scan, float[]? Whole)[n];
        for (var i = 0; i < n; i++)
        {
            stop.ThrowIfCancellationRequested();
            rows[i] = Sound(plan, plan.Sample(place.Step, place.Slot + i), stop);
            ids[i] = rows[i].Sample;
            if (labels is not null)
                labels[i] = source.Label(rows[i].Sample) ?? -1;
        }
        int[] full = [.. rows.Select(row => row.Scan.Length)];
        var target = AudioCollation.Target(full, options.Pad, options.Longest);
        var samples = AudioBatch.Room(n, target);
        var lengths = new int[n];
        for (var i = 0; i < n; i++)
        {
            lengths[i] = Math.Min(target, full[i]);
            // Rows that are not cropped draw nothing, so each row's window has a stream of its own.
            var start = full[i] > target ? Start("crop", place, i)(full[i] - target) : 0;
            Window(rows[i].Sample, rows[i].Scan, rows[i].Whole, start, samples.As<float>().Slice(i * target, lengths[i]), stop);
            rows[i].Whole = null;
        }
        return new AudioBatch
        {
            Step = place.Step,
            Slot = place.Slot,
            Ids = ids,
            Labels = labels,
            Samples = samples,
            Lengths = options.Pad ? lengths : null,
            Masks = options.Masks is { } sampler ? new AudioMasks(sampler, options).Draw(full, target, place, i => Start("mask window", place, i)) : null,
        };
    }

    WindowStart Start(string purpose, BatchPlace place, int row) => range => (int)Randomness.Of(options.Seed, purpose, place.Step, place.Slot + row).Next(range + 1L);

    void Window(int sample, RecordingScan scan, float[]? whole, int start, Span<float> to, CancellationToken stop)
    {
        if (whole is not null)
        {
            whole.AsSpan(start, to.Length).CopyTo(to);
        }
        else
        {
            using var stream = source.Read(sample);
            stream.Skip(start, stop);
            if (stream.Fill(to) < to.Length)
                throw FileFault.Truncated.Error($"the recording had {scan.Length} samples at 16 kHz when it was first read, and has fewer now", source.Where(sample));
        }
        if (options.Standardise)
            scan.Moments.Standardise(to);
    }

    // A damaged recording is replaced by the next longer sound one (past the longest: the next shorter one): the same whatever thread meets it.
    (int Sample, RecordingScan Scan, float[]? Whole) Sound(BatchPlan plan, int wanted, CancellationToken stop)
    {
        TandemException? fault = null;
        foreach (var sample in Substitutes(plan, wanted).Prepend(wanted))
        {
            if (Scan(sample, stop, out var whole) is { } scan)
                return (sample, scan, whole);
            fault = damaged[sample];
            Replace(plan, sample, fault);
        }
        throw fault!;
    }

    IEnumerable<int> Substitutes(BatchPlan plan, int wanted) => plan is LengthPlan lengths ? lengths.Similar(wanted) : Enumerable.Range(1, source.Count - 1).Select(i => (wanted + i) % source.Count);

    RecordingScan? Scan(int sample, CancellationToken stop, out float[]? whole)
    {
        whole = null;
        if (scans.TryGetValue(sample, out var known))
            return known;
        if (damaged.ContainsKey(sample))
            return null;
        try
        {
            using var stream = source.Read(sample);
            var scan = RecordingScan.Of(stream, source.Where(sample), KeptWhole, out whole, stop);
            if (scan.Length < options.Fewest)
                throw FileFault.Unsupported.Error($"the recording has {scan.Length} samples at 16 kHz", source.Where(sample), $"at least {options.Fewest}", "leave it out");
            return scans[sample] = scan;
        }
        catch (TandemException error) when (error.Kind == ErrorKind.Input)
        {
            damaged[sample] = error;
            return null;
        }
    }

    void Replace(BatchPlan plan, int sample, TandemException fault)
    {
        int count;
        lock (replaced)
        {
            if (!replaced.Add(sample) && options.BadLimit > 0)
                return;
            count = replaced.Count;
        }
        if (options.TooManyBad(count, plan is LengthPlan lengths ? lengths.Planned : source.Count, source.Description, fault) is { } error)
            throw error;
        options.Warn?.Invoke($"{fault.Where}: {fault.Message}; replaced by the next recording of similar length");
    }
}
