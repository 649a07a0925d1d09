using System.Runtime.InteropServices;

namespace Tandem.Data.Images;

/// <summary>libturbojpeg's functions, as its header declares them.</summary>
static unsafe partial class TurboJpeg
{
    /// <summary>The library's number for red, green, blue.</summary>
    public const int Rgb = 0;

    [LibraryImport(NativeLibraries.TurboJpeg, EntryPoint = "tjInitDecompress")]
    public static partial nint CreateDecompressor();

    [LibraryImport(NativeLibraries.TurboJpeg, EntryPoint = "tjInitCompress")]
    public static partial nint CreateCompressor();

    [LibraryImport(NativeLibraries.TurboJpeg, EntryPoint = "tjDestroy")]
    public static partial int Destroy(nint handle);

    [LibraryImport(NativeLibraries.TurboJpeg, EntryPoint = "tjDecompressHeader3")]
    public static partial int Header(nint handle, byte* file, nuint length, int* width, int* height, int* subsampling, int* space);

    [LibraryImport(NativeLibraries.TurboJpeg, EntryPoint = "tjDecompress2")]
    public static partial int Decompress(nint handle, byte* file, nuint length, byte* to, int width, int pitch, int height, int format, int flags);

    [LibraryImport(NativeLibraries.TurboJpeg, EntryPoint = "tjCompress2")]
    public static partial int Compress(nint handle, byte* from, int width, int pitch, int height, int format, byte** file, nuint* length, int subsampling, int quality, int flags);

    [LibraryImport(NativeLibraries.TurboJpeg, EntryPoint = "tjFree")]
    public static partial void Free(byte* file);

    [LibraryImport(NativeLibraries.TurboJpeg, EntryPoint = "tjGetErrorStr2")]
    public static partial nint ErrorText(nint handle);

    [LibraryImport(NativeLibraries.TurboJpeg, EntryPoint = "tjGetErrorCode")]
    public static partial int ErrorCode(nint handle);
}
