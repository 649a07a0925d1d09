using Tandem.Data.Masks;
using Tandem.Torch;

namespace Tandem.Data.Audio;

/// <summary>How recordings become batches.</summary>
public sealed record AudioBatchOptions
{
    /// <summary>The run's seed: windows and masks are functions of it, the step and the recording's slot.</summary>
    public long Seed { get; init; }

    /// <summary>Most samples of a row; longer recordings are cropped. Null: as they are.</summary>
    public int? Longest { get; init; } = 320_000;

    /// <summary>Whether shorter recordings are padded; else all are cropped to the shortest.</summary>
    public bool Pad { get; init; }

    /// <summary>Whether each whole recording is standardised before it is cropped.</summary>
    public bool Standardise { get; init; } = true;

    /// <summary>Samples to frames.</summary>
    public FrameCounts Frames { get; init; } = FrameCounts.Published;

    /// <summary>Draws masks over the whole recording, which are then cropped to a window of their own; null for none.</summary>
    public MaskSampler? Masks { get; init; }
}

/// <summary>Makes batches of recordings. What a batch holds depends on the source, the plan, the seed and the batch's place alone.</summary>
/// <param name="source">Where recordings come from; not disposed of.</param>
/// <param name="options">Lengths, windows, masks.</param>
public sealed class AudioBatchMaker(AudioSource source, AudioBatchOptions options) : IBatchMaker<AudioBatch>
{
    /// <inheritdoc/>
    public AudioBatch Make(BatchPlan plan, BatchPlace place, CancellationToken stop)
    {
        var (n, ids) = (place.Count, new long[place.Count]);
        var labels = source.ClassNames is null ? null : new int[n];
        var waves = new List<float[]>(n);
        for (var i = 0; i < n; i++)
        {
            stop.ThrowIfCancellationRequested();
            var sample = plan.Sample(place.Step, place.Slot + i);
            ids[i] = sample;
            if (labels is not null)
                labels[i] = source.Label(sample) ?? -1;
            waves.Add(Whole(sample));
        }
        int[] full = [.. waves.Select(wave => wave.Length)];
        var target = AudioCollation.Target(full, options.Pad, options.Longest);
        var row = 0;
        // Rows that are not cropped draw nothing, so each row's window has a stream of its own.
        int Start(int range, string purpose) => (int)Randomness.Of(options.Seed, purpose, place.Step, place.Slot + row).Next(range + 1L);
        var samples = new float[checked(n * target)];
        var lengths = new int[n];
        for (row = 0; row < n; row++)
        {
            var cropped = CollatedAudio.Of([waves[row]], target, target, range => Start(range, "crop"));
            cropped.Samples.CopyTo(samples.AsSpan(row * target));
            lengths[row] = cropped.Lengths[0];
        }
        return new AudioBatch
        {
            Step = place.Step,
            Slot = place.Slot,
            Ids = ids,
            Labels = labels,
            Samples = HostTensor.From<float>(samples, n, target),
            Lengths = options.Pad ? lengths : null,
            Masks = options.Masks is { } sampler && !options.Pad ? Masks(sampler, full, options.Frames.Of(target), place, i => range => { row = i; return Start(range, "mask window"); }) : null,
        };
    }

    HostTensor Masks(MaskSampler sampler, int[] full, int frames, BatchPlace place, Func<int, WindowStart> window)
    {
        var masks = new byte[checked(full.Length * sampler.Copies * frames)];
        for (var i = 0; i < full.Length; i++)
        {
            var drawn = sampler.Draw((1, options.Frames.Of(full[i])), place.Step, place.Slot + i);
            CollatedAudio.CropMasks(drawn, sampler.Copies, frames, window(i), masks.AsSpan(i * sampler.Copies * frames));
        }
        return HostTensor.From<byte>(masks, full.Length * sampler.Copies, frames);
    }

    float[] Whole(int sample)
    {
        using var stream = source.Read(sample);
        var wave = stream.ReadAll();
        if (wave.Length < options.Frames.ReceptiveField)
            throw FileFault.Unsupported.Error($"the recording has {wave.Length} samples at 16 kHz", source.Where(sample), $"at least {options.Frames.ReceptiveField}, for one frame", "leave it out");
        if (options.Standardise)
            Waveform.Standardise(wave);
        return wave;
    }
}
