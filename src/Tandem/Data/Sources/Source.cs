namespace Tandem.Data.Sources;

/// <summary>How a source is opened.</summary>
public sealed record SourceOptions
{
    /// <summary>The format (pictures: folder, tar, webdataset, cifar10, cifar100, idx, list, picture); told by content when null.</summary>
    public string? Format { get; init; }

    /// <summary>Where labels come from: folder, name:N, speaker, json:FIELD, cls, column, own, none, auto (see <see cref="LabelRule"/>); what the format itself carries when null.</summary>
    public string? Labels { get; init; }

    /// <summary>Which part, where one path holds several: train or test for CIFAR and IDX, a top folder's name for folders and archives.</summary>
    public string? Split { get; init; }

    /// <summary>Which column or field the text stands in, two with a comma where samples are pairs of texts; the usual names when null. For texts only.</summary>
    public string? Column { get; init; }

    /// <summary>Hears of what was skipped; one sentence a call.</summary>
    public Action<string>? Warn { get; init; }

    /// <summary>Ends the opening where it takes long, as decoding a large set ahead does; nothing is left behind.</summary>
    public CancellationToken Stop { get; init; }
}

/// <summary>
/// Samples with names and perhaps classes, read at random from any thread: pictures, recordings, texts. A sample's number is its place in the
/// source's fixed order.
/// </summary>
public abstract class Source : IDisposable
{
    /// <summary>Number of samples, at least 1.</summary>
    public abstract int Count { get; }

    /// <summary>What was read: path and format, for reports.</summary>
    public abstract string Description { get; }

    /// <summary>A sample's name: its path below the root, its key in a shard, its line.</summary>
    public abstract string Name(int index);

    /// <summary>A sample's place in words, for errors; no other sample has it.</summary>
    public virtual string Where(int index) => Name(index);

    /// <summary>A sample's class, or null when there are no labels.</summary>
    public virtual int? Label(int index) => null;

    /// <summary>Names of the classes by number, or null when there are no labels.</summary>
    public virtual IReadOnlyList<string>? ClassNames => null;

    /// <summary>Whether samples have scores, numbers that are no classes, as pairs of texts have that were judged by their likeness.</summary>
    public virtual bool IsScored => false;

    /// <summary>A sample's score, or null when there are none.</summary>
    public virtual double? Score(int index) => null;

    /// <summary>Whether samples come without a file of their own (CIFAR, IDX, a cache, lines of a table).</summary>
    public virtual bool IsDecoded => false;

    /// <summary>Parts of a sample that are encoded by themselves: 2 for pairs of texts.</summary>
    public virtual int Parts => 1;

    /// <summary>Closes what is open.</summary>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Closes what is open.</summary>
    protected virtual void Dispose(bool disposing)
    {
    }
}

/// <summary>A sample that could not be read.</summary>
/// <param name="Index">Its number in the source.</param>
/// <param name="Name">Its name there.</param>
/// <param name="Reason">Where, and what is wrong.</param>
public sealed record BadSample(int Index, string Name, string Reason);
