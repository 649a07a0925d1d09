using System.Reflection;
using System.Runtime.InteropServices;

namespace Tandem.Data.Images;

/// <summary>The picture libraries of the system: found by name when a file needs one, with the command that installs a missing one.</summary>
static class NativeLibraries
{
    public const string TurboJpeg = "libturbojpeg.so.0";
    public const string Spng = "libspng.so.0";
    public const string Webp = "libwebp.so.7";

    /// <summary>Calls into a library; a missing one becomes an error that says how to install it.</summary>
    /// <exception cref="TandemException"><see cref="ErrorKind.Machine"/>: the library is not there.</exception>
    public static void Require(string library, string package, string format)
    {
        if (NativeLibrary.TryLoad(library, Assembly.GetExecutingAssembly(), DllImportSearchPath.SafeDirectories, out _))
            return;
        throw new TandemException(ErrorKind.Machine, $"{format} pictures need the library {library}, which is not installed", library, remedy: $"apt-get install {package}");
    }
}
