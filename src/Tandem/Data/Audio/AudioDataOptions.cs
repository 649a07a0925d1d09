using System.Globalization;

namespace Tandem.Data.Audio;

/// <summary>A recipe's section <c>data</c> for recordings.</summary>
public sealed record AudioDataOptions : DataOptions
{
    /// <summary>Samples of a row, at most; longer recordings are cropped to a drawn window: 320,000 are 20 seconds.</summary>
    public int MaxSamples { get; init; } = 320_000;

    /// <summary>Shorter recordings are left out: 32,000 are 2 seconds.</summary>
    public int MinSamples { get; init; } = 32_000;

    /// <summary>Samples of a micro-batch, at most; recordings of similar length come together.</summary>
    public int BatchSamples { get; init; } = 1_000_000;

    /// <summary>Recordings of a micro-batch, at most; 0: as many as fit.</summary>
    public int BatchRecordings { get; init; }

    /// <summary>A micro-batch of more recordings than this has a multiple of it, and one that is left over is dropped.</summary>
    public int Multiple { get; init; } = 1;

    /// <summary>Whether each whole recording is standardised before it is cropped.</summary>
    public bool Standardise { get; init; } = true;

    /// <inheritdoc/>
    public override string BatchInWords => string.Create(CultureInfo.InvariantCulture, $"up to {(double)BatchSamples * MicroBatches / Waveform.SampleRate:0} seconds of sound");
}
