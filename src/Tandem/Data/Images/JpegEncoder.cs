using System.Runtime.InteropServices;

namespace Tandem.Data.Images;

/// <summary>Writes JPEG through libturbojpeg: photographs take a fifth of what they take as PNG.</summary>
public static unsafe class JpegEncoder
{
    // The library's number for colours at half the resolution.
    const int HalfColours = 2;

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
        NativeLibraries.Require(NativeLibraries.TurboJpeg, "libturbojpeg0 (Ubuntu: libturbojpeg)", "JPEG pictures");
        var handle = TurboJpeg.CreateCompressor();
        byte* file = null;
        try
        {
            nuint length = 0;
            fixed (byte* from = pixels)
            {
                if (handle == 0 || TurboJpeg.Compress(handle, from, width, 3 * width, height, TurboJpeg.Rgb, &file, &length, HalfColours, quality, 0) != 0)
                    throw new TandemException(ErrorKind.Machine, $"libturbojpeg could not write a picture: {(handle == 0 ? "out of memory" : Marshal.PtrToStringUTF8(TurboJpeg.ErrorText(handle)))}");
            }
            return new ReadOnlySpan<byte>(file, checked((int)length)).ToArray();
        }
        finally
        {
            if (file is not null)
                TurboJpeg.Free(file);
            if (handle != 0)
                TurboJpeg.Destroy(handle);
        }
    }
}
