using Tandem.Data.Masks;

namespace Tandem.Data.Audio;

/// <summary>How recordings become batches of training.</summary>
public sealed record AudioBatchOptions
{
    /// <summary>The run's seed: windows and masks are functions of it, the step and the recording's slot.</summary>
    public long Seed { get; init; }

    /// <summary>Fewest samples of a recording at 16 kHz; shorter ones are left out. Null: the receptive field, for one frame.</summary>
    public int? Shortest { get; init; }

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

    /// <summary>
    /// Share of the recordings that may turn out damaged. What the files' headers tell is left out of the plan; what shows only while reading is replaced
    /// by the next sound recording of similar length. 0: the first damaged recording is an error.
    /// </summary>
    public double BadLimit { get; init; }

    /// <summary>Hears of recordings that were left out or replaced; a sentence a call.</summary>
    public Action<string>? Warn { get; init; }

    /// <summary>Fewest samples of a recording, by <see cref="Shortest"/> and the receptive field.</summary>
    internal int Fewest => Math.Max(Shortest ?? 0, Frames.ReceptiveField);

    /// <summary>Says that a number of damaged recordings is too many.</summary>
    internal TandemException? TooManyBad(int bad, int of, string source, TandemException last) => bad <= (BadLimit > 0 ? Math.Max(1, BadLimit * of) : 0) ? null
        : BadLimit > 0
            ? new(ErrorKind.Input, $"{bad} of {of} recordings cannot be read, the last: {last.Message}", last.Where ?? source, FormattableString.Invariant($"at most {100 * BadLimit:0.###} %"), "repair or remove them, or allow more", last)
            : new(last.Kind, last.Message, last.Where ?? source, last.Expected, last.Remedy, last);
}
