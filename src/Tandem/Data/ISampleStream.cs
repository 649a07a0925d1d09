using Tandem.Data.Sources;

namespace Tandem.Data;

/// <summary>How samples are loaded for judging and use.</summary>
public sealed record LoadOptions
{
    /// <summary>Rows computed at once; long recordings and texts count more than once.</summary>
    public int Batch { get; init; } = 64;

    /// <summary>Threads that read and decode.</summary>
    public int Workers { get; init; } = 1;

    /// <summary>Of samples that are too long for one row their beginnings only; of recordings the first seconds, read no further.</summary>
    public bool Beginnings { get; init; }
}

/// <summary>
/// Chosen samples of a source as batches for an encoder, each sample once. <see cref="Batch.Ids"/> are then units: the place among the chosen
/// samples times <see cref="Source.Parts"/>, plus the part. A unit that is too long for one row comes as several rows, in this batch and the next
/// ones; its features are their mean, weighted by <see cref="Batch.Weight"/>. Rows may come in another order than the samples.
/// </summary>
public interface ISampleStream : IDisposable
{
    /// <summary>The next batch, or null after the last.</summary>
    /// <param name="cancellation">Ends the waiting.</param>
    /// <exception cref="TandemException">Something that is not one sample's fault.</exception>
    Batch? Next(CancellationToken cancellation);

    /// <summary>All chosen samples before this place have come completely, or are bad.</summary>
    int Complete { get; }

    /// <summary>Samples that could not be read so far, by place. Rows of them may have come all the same; they count for nothing.</summary>
    IReadOnlyDictionary<int, BadSample> Bad { get; }
}
