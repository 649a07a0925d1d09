using Tandem.Data.Images;

namespace Tandem.Data.Sources;

/// <summary>How a source is opened.</summary>
public sealed record SourceOptions
{
    /// <summary>folder, tar, webdataset, cifar10, cifar100, idx, list, picture; told by content when null.</summary>
    public string? Format { get; init; }

    /// <summary>Where labels come from: folder, json:FIELD, cls, column, own, none, auto (see <see cref="LabelRule"/>); what the format itself carries when null.</summary>
    public string? Labels { get; init; }

    /// <summary>Which part, where one path holds several: train or test for CIFAR and IDX, a top folder's name for folders and archives.</summary>
    public string? Split { get; init; }

    /// <summary>Hears of what was skipped; one sentence a call.</summary>
    public Action<string>? Warn { get; init; }
}

/// <summary>
/// Pictures with names and perhaps labels, read at random from any thread. A sample's number is its place in the source's fixed order.
/// </summary>
public abstract class Source : IDisposable
{
    /// <summary>Number of samples, at least 1.</summary>
    public abstract int Count { get; }

    /// <summary>A sample's name: its path below the root, its key in a shard.</summary>
    public abstract string Name(int index);

    /// <summary>A sample's class, or null when there are no labels.</summary>
    public virtual int? Label(int index) => null;

    /// <summary>Names of the classes by number, or null when there are no labels.</summary>
    public virtual IReadOnlyList<string>? ClassNames => null;

    /// <summary>Whether pictures come without decoding (CIFAR, IDX, a cache): then the reading rules do not matter.</summary>
    public virtual bool IsDecoded => false;

    /// <summary>What was read: path and format, for reports.</summary>
    public abstract string Description { get; }

    /// <summary>A sample's picture, RGB.</summary>
    /// <param name="index">0 … <see cref="Count"/> − 1.</param>
    /// <param name="reading">How the file becomes RGB.</param>
    /// <exception cref="TandemException">The sample cannot be read or decoded; the message names it.</exception>
    public virtual Picture Read(int index, PictureReading reading) => PictureDecoder.Decode(ReadBytes(index), Where(index), reading);

    /// <summary>A sample's file as it is; decoded sources give the pixels' bytes.</summary>
    public abstract byte[] ReadBytes(int index);

    /// <summary>What stands beside the picture under the same key: a caption (<c>txt</c>), a description (<c>json</c>); null if there is none.</summary>
    /// <param name="index">The sample.</param>
    /// <param name="extension">Lower-case, without the dot.</param>
    public virtual byte[]? ReadBeside(int index, string extension) => null;

    /// <summary>A sample's place in words, for errors.</summary>
    public virtual string Where(int index) => Name(index);

    /// <summary>What tells one state of a sample's file from another.</summary>
    internal virtual string Stamp(int index) => "";

    /// <summary>Whether reading a sample again is as cheap as reading a file: not so where an archive had to be inflated first.</summary>
    internal virtual bool IsCheapToReopen => true;

    /// <summary>Opens what a path stands for; the format is told by content.</summary>
    /// <param name="path">A file, folder, tar, glob or brace range; several joined by <c>::</c>.</param>
    /// <param name="options">Format, labels, split; all may be left to the content.</param>
    /// <exception cref="TandemException"><see cref="ErrorKind.Input"/>: nothing there, nothing in it, no pictures, an unknown format, labels that cannot be had.</exception>
    public static Source Open(string path, SourceOptions? options = null) => new SourceOpener(path, options ?? new()).Open();

    /// <summary>Opens what a path stands for.</summary>
    public static Source Open(string path, string? format, string? labels = null) => Open(path, new SourceOptions { Format = format, Labels = labels });

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
