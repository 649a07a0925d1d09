using System.Runtime.InteropServices;

namespace Tandem.Data;

/// <summary>Loading must not take processors from computing.</summary>
static partial class ThreadPriorities
{
    /// <summary>Lowers the calling thread: on Linux nice values belong to threads, and 0 means the calling one.</summary>
    public static void Lower()
    {
        if (OperatingSystem.IsLinux())
            _ = SetPriority(0, 0, 10);
    }

    [LibraryImport("libc", EntryPoint = "setpriority")]
    private static partial int SetPriority(int which, int who, int priority);
}
