using Tandem.Data.Images;
using Tandem.Data.Masks;

namespace Tandem.Data;

/// <summary>How batches are made.</summary>
public sealed record LoaderOptions
{
    /// <summary>The run's seed: crops and masks are a function of it, the step and the sample's slot.</summary>
    public long Seed { get; init; }

    /// <summary>How files become RGB.</summary>
    public PictureReading Reading { get; init; } = PictureReading.Natural;

    /// <summary>Threads that make batches.</summary>
    public int Workers { get; init; } = 1;

    /// <summary>Batches made ahead, beyond the one each worker is at.</summary>
    public int Prefetch { get; init; } = 2;

    /// <summary>A second view of each picture, or null.</summary>
    public PictureTransform? SecondView { get; init; }

    /// <summary>Whether the second view begins with the first one's draws, so that it shows the same crop; else its draws are its own.</summary>
    public bool SecondViewSharesCrop { get; init; }

    /// <summary>Masks drawn with the data, or null.</summary>
    public MaskPlan? Masks { get; init; }

    /// <summary>
    /// Share of the source's pictures that may turn out damaged while reading; each is replaced by the next sound one of the source. 0: the first damaged picture is an error.
    /// </summary>
    public double BadLimit { get; init; }

    /// <summary>Hears of pictures that were replaced.</summary>
    public Action<string>? Warn { get; init; }
}
