using System.Runtime.InteropServices;

namespace Tandem.Data.Images;

/// <summary>
/// JPEG through libturbojpeg with its defaults (accurate integer DCT, fancy upsampling): Pillow's bytes. A file that ends early is an error
/// even if only its end marker is missing; damaged entropy data is accepted, as Pillow accepts it.
/// </summary>
static unsafe class JpegDecoder
{
    const int Grey = 6, Cmyk = 11;
    const int SpaceGrey = 2, SpaceCmyk = 3, SpaceYcck = 4;

    // Progressive files of thousands of scans take minutes; 500 scans is the library's own limit and never changes a picture.
    const int LimitScans = 32768;

    public static (int Width, int Height) Measure(ReadOnlySpan<byte> file, string name)
    {
        using var decompressor = Create();
        var (width, height, _) = Header(decompressor.DangerousGetHandle(), file, name);
        return (width, height);
    }

    public static FilePicture Decode(ReadOnlySpan<byte> file, string name)
    {
        using var decompressor = Create();
        var handle = decompressor.DangerousGetHandle();
        var (width, height, space) = Header(handle, file, name);
        var (format, mode) = space switch
        {
            SpaceGrey => (Grey, PixelMode.Grey),
            SpaceCmyk or SpaceYcck => (Cmyk, PixelMode.Cmyk),
            _ => (TurboJpeg.Rgb, PixelMode.Rgb),
        };
        var pitch = width * FilePicture.BytesOf(mode);
        var pixels = new byte[checked(pitch * height)];
        int result;
        fixed (byte* from = file, to = pixels)
            result = TurboJpeg.Decompress(handle, from, (nuint)file.Length, to, width, pitch, height, format, LimitScans);
        if (result != 0)
            CheckFault(handle, file, name);
        if (mode == PixelMode.Cmyk)
        {
            for (var i = 0; i < pixels.Length; i++)
                pixels[i] = (byte)~pixels[i];
        }
        return new FilePicture { Width = width, Height = height, Mode = mode, Samples = pixels, Orientation = Exif.OfJpeg(file) };
    }

    static (int Width, int Height, int Space) Header(nint handle, ReadOnlySpan<byte> file, string name)
    {
        int width, height, subsampling, space, result;
        fixed (byte* from = file)
            result = TurboJpeg.Header(handle, from, (nuint)file.Length, &width, &height, &subsampling, &space);
        if (result != 0 && (TurboJpeg.ErrorCode(handle) != 0 || width <= 0))
            throw PictureDecoder.Bad(name, $"the JPEG cannot be read: {Message(handle)}");
        PictureDecoder.CheckSize(name, width, height, file.Length);
        // Even an empty picture costs a bit for every few blocks: a header that promises this much for so few bytes lies.
        if ((long)width * height / 10_000 > file.Length)
            throw PictureDecoder.Bad(name, $"the JPEG's header says {width} x {height} pixels, but the file has only {file.Length} bytes");
        return (width, height, space);
    }

    // The library goes on after a warning and keeps only the first one's text, so the end marker is looked for as well.
    static void CheckFault(nint handle, ReadOnlySpan<byte> file, string name)
    {
        var message = Message(handle);
        if (TurboJpeg.ErrorCode(handle) != 0)
            throw PictureDecoder.Bad(name, $"the JPEG cannot be decoded: {message}");
        if (message.Contains("Premature end", StringComparison.Ordinal) || file.LastIndexOf((ReadOnlySpan<byte>)[0xFF, 0xD9]) < 0)
            throw PictureDecoder.Bad(name, $"the JPEG ends early ({file.Length} bytes)");
    }

    static string Message(nint handle) => Marshal.PtrToStringUTF8(TurboJpeg.ErrorText(handle)) ?? "unknown fault";

    // Each call has a decompressor of its own: libjpeg keeps tables from one file to the next, so what a damaged file leaves behind would change,
    // or refuse, a sound one. Making one takes microseconds.
    static Decompressor Create()
    {
        NativeLibraries.Require(NativeLibraries.TurboJpeg, "libturbojpeg0 (Ubuntu: libturbojpeg)", "JPEG pictures");
        return new Decompressor();
    }

    sealed class Decompressor : SafeHandle
    {
        public Decompressor() : base(0, ownsHandle: true)
        {
            SetHandle(TurboJpeg.CreateDecompressor());
            if (IsInvalid)
                throw new TandemException(ErrorKind.Machine, "libturbojpeg could not make a decompressor: out of memory");
        }

        public override bool IsInvalid => handle == 0;

        protected override bool ReleaseHandle() => TurboJpeg.Destroy(handle) == 0;
    }
}
