using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Tandem.Data.Images;

/// <summary>
/// From a file's bytes to RGB, byte for byte as Pillow does it (<see cref="PictureReading.Published"/>) or as people expect
/// (<see cref="PictureReading.Natural"/>). The format is told by content, never by name. Safe to call from many threads at once.
/// </summary>
public static class PictureDecoder
{
    /// <summary>Pillow's limit against decompression bombs: a picture with more pixels is an error.</summary>
    public const long LargestPicture = 2L * 89_478_485;

    /// <summary>Decodes a file to RGB.</summary>
    /// <param name="file">The file's bytes.</param>
    /// <param name="name">The file's name, for errors.</param>
    /// <param name="reading">Which rules turn the file into RGB.</param>
    /// <returns>A picture with three channels.</returns>
    /// <exception cref="TandemException"><see cref="ErrorKind.Input"/>: the file is damaged, too large, or of a format that is not read;
    /// <see cref="ErrorKind.Machine"/>: the format's library is not installed.</exception>
    public static Picture Decode(ReadOnlySpan<byte> file, string name, PictureReading reading) => Open(file, name).ToRgb(reading);

    /// <summary>The size of a picture as its header states it, without decoding (EXIF turning not applied).</summary>
    /// <exception cref="TandemException">As for <see cref="Decode"/>.</exception>
    public static (int Width, int Height) Measure(ReadOnlySpan<byte> file, string name) => Guarded(file, name, static (bytes, label) =>
        Format(bytes) switch
        {
            PictureFormat.Jpeg => JpegDecoder.Measure(bytes, label),
            PictureFormat.Png => PngDecoder.Measure(bytes, label),
            PictureFormat.Webp => WebpDecoder.Measure(bytes, label),
            _ => Size(OpenUnguarded(bytes, label)),
        });

    /// <summary>The format that the first bytes announce.</summary>
    public static PictureFormat Format(ReadOnlySpan<byte> file)
    {
        if (file.Length < 4)
            return PictureFormat.Unknown;
        if (file.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xD8, 0xFF]))
            return PictureFormat.Jpeg;
        if (file.StartsWith((ReadOnlySpan<byte>)[0x89, 0x50, 0x4E, 0x47]))
            return PictureFormat.Png;
        if (file.Length >= 12 && file.StartsWith("RIFF"u8) && file[8..].StartsWith("WEBP"u8))
            return PictureFormat.Webp;
        // A list may begin with BMW/1.jpg; a bitmap's header has zeros.
        if (file.StartsWith("BM"u8) && file[..Math.Min(file.Length, 26)].Contains((byte)0))
            return PictureFormat.Bmp;
        if (file.StartsWith("GIF87a"u8) || file.StartsWith("GIF89a"u8))
            return PictureFormat.Gif;
        if (file.StartsWith("II*\0"u8) || file.StartsWith("MM\0*"u8))
            return PictureFormat.Tiff;
        if (file.Length >= 12 && file[4..].StartsWith("ftyp"u8))
            return PictureFormat.Avif;
        if (file[0] == 'P' && file[1] is >= (byte)'1' and <= (byte)'6' && (file[2] is (byte)' ' or (byte)'\n' or (byte)'\r' or (byte)'\t' or (byte)'#'))
            return PictureFormat.Pnm;
        return PictureFormat.Unknown;
    }

    /// <summary>Decodes a file in its own mode.</summary>
    internal static FilePicture Open(ReadOnlySpan<byte> file, string name) => Guarded(file, name, OpenUnguarded);

    static FilePicture OpenUnguarded(ReadOnlySpan<byte> file, string name) => Format(file) switch
    {
        PictureFormat.Jpeg => JpegDecoder.Decode(file, name),
        PictureFormat.Png => PngDecoder.Decode(file, name),
        PictureFormat.Webp => WebpDecoder.Decode(file, name),
        PictureFormat.Bmp => BmpDecoder.Decode(file, name),
        PictureFormat.Pnm => PnmDecoder.Decode(file, name),
        PictureFormat.Gif => GifDecoder.Decode(file, name),
        PictureFormat.Tiff => TiffDecoder.Decode(file, name),
        PictureFormat.Avif => throw Unsupported(name, "AVIF and HEIC pictures are not read"),
        _ => throw Bad(name, $"this is no picture: {Describe(file)}", "a JPEG, PNG, WebP, BMP, PPM, PGM, GIF or TIFF file"),
    };

    static (int Width, int Height) Size(FilePicture picture) => (picture.Width, picture.Height);

    delegate T Reader<out T>(ReadOnlySpan<byte> file, string name);

    // The decoders written here index into the file as its header says; a header that lies ends in one of these exceptions.
    static T Guarded<T>(ReadOnlySpan<byte> file, string name, Reader<T> reader)
    {
        try
        {
            return reader(file, name);
        }
        catch (Exception fault) when (fault is IndexOutOfRangeException or ArgumentOutOfRangeException or ArgumentException or OverflowException or InvalidDataException)
        {
            throw new TandemException(ErrorKind.Input, "the picture ends early or contradicts itself", name, "a whole picture file", "get the file again, or remove it", fault);
        }
    }

    /// <summary>Checks the size that a header announces, before anything is allocated.</summary>
    /// <exception cref="TandemException">Not positive, or too large.</exception>
    internal static void CheckSize(string name, long width, long height, long fileLength)
    {
        if (width <= 0 || height <= 0)
            throw Bad(name, $"the picture's header says {width} x {height} pixels", "at least one pixel");
        if (width > int.MaxValue / 8 || height > int.MaxValue / 8 || width * height > LargestPicture)
            throw Bad(name, $"the picture's header says {width} x {height} pixels, more than the limit of {LargestPicture.ToString(CultureInfo.InvariantCulture)} (the file has {fileLength} bytes)", "a smaller picture");
    }

    internal static TandemException Bad(string name, string what, string expected = "a whole picture file") =>
        new(ErrorKind.Input, what, name, expected, "get the file again, or remove it");

    internal static TandemException Unsupported(string name, string what) =>
        new(ErrorKind.Input, what, name, "a JPEG, PNG, WebP, BMP, PPM, PGM, GIF or TIFF file", "convert it, for example with: convert FILE FILE.png");

    [SuppressMessage("Globalization", "CA1308", Justification = "letters of a message")]
    static string Describe(ReadOnlySpan<byte> file)
    {
        if (file.Length == 0)
            return "the file is empty";
        if (file.StartsWith("version https://git-lfs"u8))
            return "it is a Git LFS pointer (git lfs pull fetches the picture)";
        var start = file[..Math.Min(file.Length, 64)];
        var text = true;
        foreach (var letter in start)
            text &= letter is >= 0x20 or 0x09 or 0x0A or 0x0D;
        if (text)
            return file.TrimStart(" \t\r\n"u8).StartsWith("<"u8) ? "it is a web page or XML" : "it is text";
        return $"its first bytes are {Convert.ToHexString(start[..Math.Min(4, start.Length)])}";
    }
}
