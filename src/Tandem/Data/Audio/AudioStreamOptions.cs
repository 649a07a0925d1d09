namespace Tandem.Data.Audio;

/// <summary>How recordings are read for judging and use.</summary>
public sealed record AudioStreamOptions
{
    /// <summary>Whether each whole recording is standardised.</summary>
    public bool Standardise { get; init; } = true;

    /// <summary>Samples of a row, at most; longer recordings come as several rows.</summary>
    public int MaxSamples { get; init; } = 480_000;

    /// <summary>Of each recording the first so many samples only, standardised by themselves; null: all.</summary>
    public int? Beginning { get; init; }

    /// <summary>Samples that a row needs; shorter recordings are bad, a shorter rest behind the last window is dropped.</summary>
    public int MinSamples { get; init; } = 400;
}
