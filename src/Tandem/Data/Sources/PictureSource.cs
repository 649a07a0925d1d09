using Tandem.Data.Images;

namespace Tandem.Data.Sources;

/// <summary>
/// Pictures with names and perhaps labels, read at random from any thread.
/// </summary>
public abstract class PictureSource : Source
{
    /// <summary>A sample's picture, RGB.</summary>
    /// <param name="index">0 … <see cref="Source.Count"/> − 1.</param>
    /// <param name="reading">How the file becomes RGB.</param>
    /// <exception cref="TandemException">The sample cannot be read or decoded; the message names it.</exception>
    public virtual Picture Read(int index, PictureReading reading) => PictureDecoder.Decode(ReadBytes(index), Where(index), reading);

    /// <summary>A sample's file as it is; decoded sources give the pixels' bytes.</summary>
    public abstract byte[] ReadBytes(int index);

    /// <summary>What stands beside the picture under the same key: a caption (<c>txt</c>), a description (<c>json</c>); null if there is none.</summary>
    /// <param name="index">The sample.</param>
    /// <param name="extension">Lower-case, without the dot.</param>
    public virtual byte[]? ReadBeside(int index, string extension) => null;

    /// <summary>What tells one state of a sample's file from another.</summary>
    internal virtual string Stamp(int index) => "";

    /// <summary>Whether reading a sample again is as cheap as reading a file: not so where an archive had to be inflated first.</summary>
    internal virtual bool IsCheapToReopen => true;

    /// <summary>Opens what a path stands for; the format is told by content.</summary>
    /// <param name="path">A file, folder, tar, glob or brace range; several joined by <c>::</c>.</param>
    /// <param name="options">Format, labels, split; all may be left to the content.</param>
    /// <exception cref="TandemException"><see cref="ErrorKind.Input"/>: nothing there, nothing in it, no pictures, an unknown format, labels that cannot be had.</exception>
    public static PictureSource Open(string path, SourceOptions? options = null) => new SourceOpener(path, options ?? new()).Open();

    /// <summary>Opens what a path stands for.</summary>
    public static PictureSource Open(string path, string? format, string? labels = null) => Open(path, new SourceOptions { Format = format, Labels = labels });
}
