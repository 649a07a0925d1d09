using System.Runtime.InteropServices;

namespace Tandem.Models.Formats;

/// <summary>
/// Writes a <c>.npy</c> file of float32 rows whose number is not known beforehand. The file takes its name when <see cref="Complete"/> is
/// called; disposed before that, it leaves nothing.
/// </summary>
public sealed class NpyRows : IDisposable
{
    readonly string path, beside;
    readonly FileStream stream;
    readonly int width;
    bool complete;

    /// <summary>Begins a file.</summary>
    /// <param name="path">Where it shall stand.</param>
    /// <param name="width">Numbers a row.</param>
    /// <exception cref="TandemException">The disk is full or refuses (<see cref="ErrorKind.Machine"/>).</exception>
    public NpyRows(string path, int width)
    {
        this.path = Path.GetFullPath(path);
        this.width = width;
        beside = Path.Combine(Path.GetDirectoryName(this.path)!, $".{Path.GetFileName(path)}.{Environment.ProcessId}{AtomicFile.Unfinished}");
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(this.path)!);
            stream = new FileStream(beside, FileMode.Create, FileAccess.Write, FileShare.None, 1 << 16);
            stream.Write(Npy.Header("<f4", [0, width]));
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            throw AtomicFile.Refused(path, cause);
        }
    }

    /// <summary>Rows so far.</summary>
    public long Count { get; private set; }

    /// <summary>Appends whole rows.</summary>
    /// <exception cref="ArgumentException">The numbers are no whole rows.</exception>
    /// <exception cref="TandemException">The disk is full or refuses (<see cref="ErrorKind.Machine"/>).</exception>
    public void Append(ReadOnlySpan<float> rows)
    {
        if (rows.Length % width != 0)
            throw new ArgumentException($"{rows.Length} numbers are no whole rows of {width}", nameof(rows));
        try
        {
            stream.Write(MemoryMarshal.AsBytes(rows));
        }
        catch (IOException cause)
        {
            throw AtomicFile.Refused(path, cause);
        }
        Count += rows.Length / width;
    }

    /// <summary>Writes the number of rows into the header and gives the file its name.</summary>
    /// <exception cref="TandemException">The disk is full or refuses (<see cref="ErrorKind.Machine"/>).</exception>
    public void Complete()
    {
        try
        {
            stream.Position = 0;
            stream.Write(Npy.Header("<f4", [Count, width]));
            stream.Flush(flushToDisk: true);
            stream.Dispose();
            File.Move(beside, path, overwrite: true);
            complete = true;
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            throw AtomicFile.Refused(path, cause);
        }
    }

    /// <summary>Ends the writing; a file that was not completed is deleted.</summary>
    public void Dispose()
    {
        if (complete)
            return;
        try
        {
            stream.Dispose();
        }
        catch (IOException)
        {
            // The buffer could not be written: the file goes anyway.
        }
        File.Delete(beside);
    }
}
