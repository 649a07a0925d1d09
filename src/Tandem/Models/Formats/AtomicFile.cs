using System.Runtime.InteropServices;

namespace Tandem.Models.Formats;

/// <summary>
/// Files that are never half written: the bytes go into a file beside, are flushed to the disk, and take the name in one step. After a crash or
/// a full disk the old file is still there, whole.
/// </summary>
public static partial class AtomicFile
{
    /// <summary>What the name of an unfinished file or folder ends with; whoever lists a folder may delete these.</summary>
    public const string Unfinished = ".unfinished";

    /// <summary>Writes a file as a whole.</summary>
    /// <param name="path">Where it shall stand; its folder is made when missing.</param>
    /// <param name="write">Writes the contents.</param>
    /// <exception cref="TandemException">The disk is full or refuses (<see cref="ErrorKind.Machine"/>). Nothing is left behind.</exception>
    public static void Write(string path, Action<Stream> write)
    {
        var full = Path.GetFullPath(path);
        var folder = Path.GetDirectoryName(full)!;
        var beside = Path.Combine(folder, $".{Path.GetFileName(full)}.{Environment.ProcessId}{Unfinished}");
        try
        {
            Directory.CreateDirectory(folder);
            using (var stream = new FileStream(beside, FileMode.Create, FileAccess.Write, FileShare.None, 1 << 16))
            {
                write(stream);
                stream.Flush(flushToDisk: true);
            }
            File.Move(beside, full, overwrite: true);
            FlushFolder(folder);
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            Forget(beside);
            throw Refused(path, cause);
        }
        catch
        {
            Forget(beside);
            throw;
        }
    }

    /// <summary>Writes a text as a whole, UTF-8 without a byte order mark.</summary>
    /// <inheritdoc cref="Write"/>
    public static void WriteText(string path, string text) => Write(path, stream => stream.Write(System.Text.Encoding.UTF8.GetBytes(text)));

    /// <summary>The error for a disk or folder that refuses to be written, naming the reason and what mends it.</summary>
    /// <param name="path">What was to be written.</param>
    /// <param name="cause">What the system said.</param>
    public static TandemException Refused(string path, Exception cause)
    {
        if (IsFull(cause))
        {
            return new TandemException(ErrorKind.Machine, "the disk is full", path,
                remedy: $"Free space on it (`df -h {Path.GetDirectoryName(Path.GetFullPath(path))}` shows how much is left), or choose another place with out=FOLDER; then go on with `tandem resume`.", inner: cause);
        }
        if (cause is UnauthorizedAccessException)
        {
            return new TandemException(ErrorKind.Machine, "no permission to write here", path,
                remedy: "Choose a folder of your own with out=FOLDER, or change the folder's owner or mode.", inner: cause);
        }
        return new TandemException(ErrorKind.Machine, $"the file cannot be written: {cause.Message}", path, remedy: "Choose another place with out=FOLDER.", inner: cause);
    }

    /// <summary>Whether the system said that no space (or quota) is left.</summary>
    public static bool IsFull(Exception cause)
    {
        const int noSpace = 28, quota = 122, windowsDiskFull = unchecked((int)0x80070070);
        return cause is IOException && cause.HResult is noSpace or quota or windowsDiskFull;
    }

    /// <summary>Makes a rename or deletion in a folder last beyond a power failure. Does nothing where the system has no such call.</summary>
    public static void FlushFolder(string folder)
    {
        if (!OperatingSystem.IsLinux())
            return;
        var handle = OpenFile(folder, 0);
        if (handle < 0)
            return;
        _ = Sync(handle);
        _ = Close(handle);
    }

    static void Forget(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            // The first error is the one to report.
        }
    }

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int OpenFile(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync")]
    private static partial int Sync(int handle);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int handle);
}
