using Tandem.Data.Sources;

namespace Tandem.Data.Images;

/// <summary>Chosen pictures as batches for an encoder, in their order.</summary>
public sealed class PictureStream : ISampleStream
{
    readonly PictureSelection chosen;
    readonly Loader<ImageBatch> loader;

    /// <summary>Begins to load.</summary>
    /// <param name="source">The pictures; not disposed of.</param>
    /// <param name="samples">Their numbers there; all when null.</param>
    /// <param name="transform">How a picture is prepared.</param>
    /// <param name="reading">How files become RGB.</param>
    /// <param name="options">Batches and threads.</param>
    public PictureStream(PictureSource source, IReadOnlyList<int>? samples, PictureTransform transform, PictureReading reading, LoadOptions options)
    {
        chosen = new(source, samples);
        loader = Loader.Evaluation(chosen, transform, options.Batch, new() { Reading = reading, Workers = options.Workers });
    }

    /// <inheritdoc/>
    public int Complete { get; private set; }

    /// <inheritdoc/>
    public IReadOnlyDictionary<int, BadSample> Bad => chosen.Bad;

    /// <inheritdoc/>
    public Batch? Next(CancellationToken cancellation)
    {
        var batch = loader.Next(cancellation);
        Complete += batch?.Count ?? 0;
        return batch;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        loader.Dispose();
        chosen.Dispose();
    }
}
