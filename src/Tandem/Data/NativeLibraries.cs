using System.Collections.Concurrent;
using System.Reflection;
using System.Runtime.InteropServices;

namespace Tandem.Data;

/// <summary>The system's libraries for pictures and sound: found by name when a file needs one, with the command that installs a missing one.</summary>
static class NativeLibraries
{
    public const string TurboJpeg = "libturbojpeg.so.0";
    public const string Spng = "libspng.so.0";
    public const string Webp = "libwebp.so.7";
    public const string SoundFile = "libsndfile.so.1";
    public const string Soxr = "libsoxr.so.0";

    static readonly ConcurrentDictionary<string, bool> Found = new(StringComparer.Ordinal);

    /// <summary>Looks for a library before it is called.</summary>
    /// <param name="library">Its file name.</param>
    /// <param name="package">Debian's package.</param>
    /// <param name="what">What needs it, in the plural, for the message.</param>
    /// <exception cref="TandemException"><see cref="ErrorKind.Machine"/>: the library is not there.</exception>
    public static void Require(string library, string package, string what)
    {
        if (!Found.GetOrAdd(library, static name => NativeLibrary.TryLoad(name, Assembly.GetExecutingAssembly(), DllImportSearchPath.SafeDirectories, out _)))
            throw new TandemException(ErrorKind.Machine, $"{what} need the library {library}, which is not installed", library, remedy: $"apt-get install {package}");
    }
}
