using System.Runtime.InteropServices;

namespace Tandem.Data.Images;

/// <summary>Writes JPEG through libturbojpeg: photographs take a fifth of what they take as PNG.</summary>
public static unsafe partial class JpegEncoder
{
    // The colours at half the resolution, and the library's numbers for RGB and this.
    const int Rgb = 0, HalfColours = 2;

    /// <summary>[height · width · 3] bytes, red, green, blue side by side, row by row from the top → a file.</summary>
    /// <param name="pixels">The picture.</param>
    /// <param name="width">Columns.</param>
    /// <param name="height">Rows.</param>
    /// <param name="quality">1 to 100.</param>
    /// <exception cref="TandemException"><see cref="ErrorKind.Machine"/>: the library is missing, or there is no memory.</exception>
    public static byte[] Encode(ReadOnlySpan<byte> pixels, int width, int height, int quality = 75)
    {
        if (pixels.Length != checked(3 * width * height))
            throw new ArgumentException($"a picture of {width} x {height} has {3 * width * height} bytes", nameof(pixels));
        NativeLibraries.Require(NativeLibraries.TurboJpeg, "libturbojpeg0", "JPEG pictures");
        var handle = Native.Create();
        byte* file = null;
        try
        {
            nuint length = 0;
            fixed (byte* from = pixels)
            {
                if (handle == 0 || Native.Compress(handle, from, width, 3 * width, height, Rgb, &file, &length, HalfColours, quality, 0) != 0)
                    throw new TandemException(ErrorKind.Machine, $"libturbojpeg could not write a picture: {(handle == 0 ? "out of memory" : Marshal.PtrToStringUTF8(Native.ErrorText(handle)))}");
            }
            return new ReadOnlySpan<byte>(file, checked((int)length)).ToArray();
        }
        finally
        {
            if (file is not null)
                Native.Free(file);
            if (handle != 0)
                Native.Destroy(handle);
        }
    }

    static partial class Native
    {
        [LibraryImport(NativeLibraries.TurboJpeg, EntryPoint = "tjInitCompress")]
        public static partial nint Create();

        [LibraryImport(NativeLibraries.TurboJpeg, EntryPoint = "tjDestroy")]
        public static partial int Destroy(nint handle);

        [LibraryImport(NativeLibraries.TurboJpeg, EntryPoint = "tjCompress2")]
        public static partial int Compress(nint handle, byte* from, int width, int pitch, int height, int format, byte** file, nuint* length, int subsampling, int quality, int flags);

        [LibraryImport(NativeLibraries.TurboJpeg, EntryPoint = "tjFree")]
        public static partial void Free(byte* file);

        [LibraryImport(NativeLibraries.TurboJpeg, EntryPoint = "tjGetErrorStr2")]
        public static partial nint ErrorText(nint handle);
    }
}
