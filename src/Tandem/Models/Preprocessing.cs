using Tandem.Data;
using Tandem.Data.Sources;

namespace Tandem.Models;

/// <summary>
/// How samples of one modality are prepared for an encoder (<c>preprocessing.json</c>): which data it takes, how samples become batches, and what a
/// plain description of them is that features must be better than.
/// </summary>
public abstract record Preprocessing
{
    /// <summary>What samples are called: pictures, recordings, texts.</summary>
    public abstract string Samples { get; }

    /// <summary>What one sample is called.</summary>
    public string Sample => Samples[..^1];

    /// <summary>What the plain description is called: pixels, log-mel, tokens.</summary>
    public abstract string Baseline { get; }

    /// <summary>Numbers of a plain description.</summary>
    public abstract int BaselineWidth { get; }

    /// <summary>Opens data of this modality.</summary>
    /// <param name="path">A file, folder, tar, glob or brace range.</param>
    /// <param name="options">Format, labels, split.</param>
    /// <param name="badLimit">Share of damaged samples above which a set is refused where that is known on opening.</param>
    /// <param name="cached">Whether decoded samples may be kept for the next time.</param>
    /// <exception cref="TandemException">Nothing is there, or nothing of this kind.</exception>
    public abstract Source Open(string path, SourceOptions options, double badLimit = 0.01, bool cached = true);

    /// <summary>Whether a file, by its name, is a single sample; else it holds several.</summary>
    public abstract bool IsSample(string file);

    /// <summary>Files named one by one; each keeps the name it was given by, and is read when its turn comes.</summary>
    /// <param name="paths">Paths, at least one.</param>
    public abstract Source Files(IReadOnlyList<string> paths);

    /// <summary>Chosen samples as batches for an encoder.</summary>
    /// <param name="source">What <see cref="Open"/> or <see cref="Files"/> gave; not disposed of.</param>
    /// <param name="samples">Numbers of the samples; all when null.</param>
    /// <param name="options">Batches and threads.</param>
    /// <exception cref="TandemException"><see cref="ErrorKind.Usage"/>: the source is of another modality.</exception>
    public abstract ISampleStream Load(Source source, IReadOnlyList<int>? samples, LoadOptions options);

    /// <summary>The plain description of each row of a batch: row-major [rows, <see cref="BaselineWidth"/>].</summary>
    public abstract float[] Plain(Batch batch);

    /// <summary>Puts files beside the description that it cannot do without: a tokenizer's.</summary>
    /// <param name="folder">The model folder.</param>
    internal virtual void SaveFiles(string folder)
    {
    }

    /// <summary>The source as one of this modality.</summary>
    /// <exception cref="TandemException">It is of another.</exception>
    protected T Own<T>(Source source) where T : Source =>
        source as T ?? throw new TandemException(ErrorKind.Usage, $"the encoder takes {Samples}, but this data is of another kind", source.Description, Samples);
}
