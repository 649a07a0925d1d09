using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;
using Tandem.Models.Formats;

namespace Tandem.Runs;

/// <summary>
/// Keeps a second process out of a run folder. The system holds the lock on an open file, so it is free again the moment its process ends,
/// however that happens; the file itself stays.
/// </summary>
sealed partial class RunLock : IDisposable
{
    readonly FileStream file;

    RunLock(FileStream file) => this.file = file;

    /// <summary>Takes the lock.</summary>
    /// <exception cref="TandemException">Another process has it, or the folder cannot be written (<see cref="ErrorKind.Machine"/>).</exception>
    public static RunLock Take(string folder)
    {
        var path = Path.Combine(folder, "lock");
        try
        {
            // FileShare.None is flock(LOCK_EX) on Unix.
            var file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            file.SetLength(0);
            file.Write(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessId} on {Environment.MachineName}\n")));
            file.Flush(flushToDisk: true);
            return new RunLock(file);
        }
        catch (IOException cause) when (IsConflict(cause))
        {
            var holder = Holder(path);
            throw new TandemException(ErrorKind.Machine, $"the run folder is in use by {(holder is null ? "another process" : $"process {holder}")}", folder,
                remedy: "Wait until it has ended or stop it, or choose another folder with out=FOLDER.", inner: cause);
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            throw AtomicFile.Refused(path, cause);
        }
    }

    /// <summary>Whether a living process holds the lock.</summary>
    public static bool IsHeld(string folder)
    {
        var path = Path.Combine(folder, "lock");
        if (!File.Exists(path))
            return false;
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.None);
            return false;
        }
        catch (UnauthorizedAccessException)
        {
            return false; // someone else's folder; its status tells more
        }
        catch (IOException cause)
        {
            return IsConflict(cause);
        }
    }

    public void Dispose()
    {
        try
        {
            file.SetLength(0);
        }
        catch (IOException)
        {
            // The text is for people only.
        }
        file.Dispose();
    }

    /// <summary>Who wrote the lock file: "4711 on host". The framework's own ways of opening a file would ask for the lock.</summary>
    static string? Holder(string path)
    {
        if (OperatingSystem.IsWindows())
            return null;
        using var handle = new SafeFileHandle(OpenFile(path, 0), ownsHandle: true);
        if (handle.IsInvalid)
            return null;
        var text = new byte[256];
        var read = RandomAccess.Read(handle, text, 0);
        var holder = Encoding.UTF8.GetString(text, 0, read).Trim();
        return holder.Length == 0 ? null : holder;
    }

    /// <summary>Whether the system refused because someone else has the file: EWOULDBLOCK of Linux and macOS, Windows' sharing violation.</summary>
    static bool IsConflict(IOException cause) => cause.HResult is 11 or 35 or unchecked((int)0x80070020);

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint OpenFile(string path, int flags);
}
