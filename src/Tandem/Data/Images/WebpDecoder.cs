using System.Runtime.InteropServices;

namespace Tandem.Data.Images;

/// <summary>WebP through libwebp, still pictures only.</summary>
static unsafe partial class WebpDecoder
{
    // The decoder's interface version; libwebp refuses another major one.
    const int Abi = 0x0209;

    public static (int Width, int Height) Measure(ReadOnlySpan<byte> file, string name)
    {
        var features = Read(file, name);
        return (features.Width, features.Height);
    }

    public static FilePicture Decode(ReadOnlySpan<byte> file, string name)
    {
        var features = Read(file, name);
        var mode = features.HasAlpha != 0 ? PixelMode.Rgba : PixelMode.Rgb;
        var pitch = features.Width * FilePicture.BytesOf(mode);
        var pixels = new byte[checked(pitch * features.Height)];
        byte* result;
        fixed (byte* from = file, to = pixels)
        {
            result = mode == PixelMode.Rgba
                ? Native.DecodeRgba(from, (nuint)file.Length, to, (nuint)pixels.Length, pitch)
                : Native.DecodeRgb(from, (nuint)file.Length, to, (nuint)pixels.Length, pitch);
        }
        if (result == null)
            throw PictureDecoder.Bad(name, "the WebP ends early or is damaged");
        return new FilePicture { Width = features.Width, Height = features.Height, Mode = mode, Samples = pixels, Orientation = Exif.OfWebp(file) };
    }

    static Features Read(ReadOnlySpan<byte> file, string name)
    {
        NativeLibraries.Require(NativeLibraries.Webp, "libwebp7", "WebP pictures");
        var features = default(Features);
        int status;
        fixed (byte* from = file)
            status = Native.Features(from, (nuint)file.Length, &features, Abi);
        if (status != 0)
            throw PictureDecoder.Bad(name, "the WebP's header is damaged");
        if (features.HasAnimation != 0)
            throw PictureDecoder.Unsupported(name, "animated WebP is not read");
        PictureDecoder.CheckSize(name, features.Width, features.Height, file.Length);
        return features;
    }

    [StructLayout(LayoutKind.Sequential)]
    struct Features
    {
        public int Width, Height, HasAlpha, HasAnimation, Format;
        public fixed uint Padding[5];
    }

    static partial class Native
    {
        [LibraryImport(NativeLibraries.Webp, EntryPoint = "WebPGetFeaturesInternal")]
        public static partial int Features(byte* file, nuint length, Features* features, int version);

        [LibraryImport(NativeLibraries.Webp, EntryPoint = "WebPDecodeRGBInto")]
        public static partial byte* DecodeRgb(byte* file, nuint length, byte* to, nuint size, int stride);

        [LibraryImport(NativeLibraries.Webp, EntryPoint = "WebPDecodeRGBAInto")]
        public static partial byte* DecodeRgba(byte* file, nuint length, byte* to, nuint size, int stride);
    }
}
