using System.Runtime.InteropServices;

namespace Tandem.Data.Images;

/// <summary>
/// PNG through libspng, which hands over the samples as the file holds them (no gamma, palette and transparency kept apart); the rules that
/// make them Pillow's bytes are here.
/// </summary>
static unsafe partial class PngDecoder
{
    const int FormatPng = 256;
    const int ColourGrey = 0, ColourRgb = 2, ColourPalette = 3, ColourGreyAlpha = 4, ColourRgba = 6;
    const nuint LargestChunk = 64 << 20;

    public static (int Width, int Height) Measure(ReadOnlySpan<byte> file, string name)
    {
        fixed (byte* from = file)
        {
            using var context = new Context(from, (nuint)file.Length, name);
            var header = context.Header();
            return ((int)header.Width, (int)header.Height);
        }
    }

    public static FilePicture Decode(ReadOnlySpan<byte> file, string name)
    {
        fixed (byte* from = file)
        {
            using var context = new Context(from, (nuint)file.Length, name);
            var header = context.Header();
            // Read before the pixels: afterwards libspng has moved on to the chunks behind them.
            var palette = header.Colour == ColourPalette ? context.Palette() : null;
            var transparent = header.Colour is ColourGrey or ColourRgb ? context.TransparentColour() : null;
            var rows = context.Pixels(header);
            var picture = Interpret(header, rows, palette, transparent);
            picture.Orientation = context.Orientation();
            return picture;
        }
    }

    static FilePicture Interpret(Ihdr header, byte[] rows, byte[]? palette, ushort[]? transparent)
    {
        int width = (int)header.Width, height = (int)header.Height;
        var channels = header.Colour switch { ColourRgb => 3, ColourGreyAlpha => 2, ColourRgba => 4, _ => 1 };
        if (header.Depth == 16)
        {
            var alpha = transparent is null ? null : KeyMask(MemoryMarshal.Cast<byte, ushort>(rows), channels, transparent);
            if (header.Colour == ColourGrey)
                return new FilePicture { Width = width, Height = height, Mode = PixelMode.Grey16, Samples = rows, Alpha = alpha };
            return Sixteen(width, height, channels, rows, alpha);
        }
        var samples = header.Depth == 8 ? rows : Unpack(rows, width, height, header.Depth);
        if (header.Colour == ColourPalette)
            return new FilePicture { Width = width, Height = height, Mode = PixelMode.Palette, Samples = samples, Palette = palette };
        var mask = transparent is null ? null : KeyMask(samples, channels, transparent);
        if (header.Depth < 8)
        {
            var step = 255 / ((1 << header.Depth) - 1);
            for (var i = 0; i < samples.Length; i++)
                samples[i] = (byte)(samples[i] * step);
        }
        var mode = header.Colour switch
        {
            ColourGrey => header.Depth == 1 ? PixelMode.Bilevel : PixelMode.Grey,
            ColourGreyAlpha => PixelMode.GreyAlpha,
            ColourRgb => PixelMode.Rgb,
            _ => PixelMode.Rgba,
        };
        return new FilePicture { Width = width, Height = height, Mode = mode, Samples = samples, Alpha = mask };
    }

    // 16 bits of colour: the high byte; grey with alpha becomes RGBA, as Pillow has it.
    static FilePicture Sixteen(int width, int height, int channels, byte[] rows, byte[]? alpha)
    {
        var wide = MemoryMarshal.Cast<byte, ushort>(rows);
        if (channels != 2)
        {
            var samples = new byte[wide.Length];
            for (var i = 0; i < samples.Length; i++)
                samples[i] = (byte)(wide[i] >> 8);
            return new FilePicture { Width = width, Height = height, Mode = channels == 3 ? PixelMode.Rgb : PixelMode.Rgba, Samples = samples, Alpha = alpha };
        }
        var spread = new byte[wide.Length * 2];
        for (var i = 0; i < wide.Length / 2; i++)
        {
            spread.AsSpan(4 * i, 3).Fill((byte)(wide[2 * i] >> 8));
            spread[(4 * i) + 3] = (byte)(wide[(2 * i) + 1] >> 8);
        }
        return new FilePicture { Width = width, Height = height, Mode = PixelMode.Rgba, Samples = spread };
    }

    static byte[] Unpack(byte[] rows, int width, int height, int depth)
    {
        var samples = new byte[width * height];
        var pitch = ((width * depth) + 7) / 8;
        var mask = (1 << depth) - 1;
        for (var y = 0; y < height; y++)
        {
            for (var x = 0; x < width; x++)
            {
                var bit = x * depth;
                samples[(y * width) + x] = (byte)((rows[(y * pitch) + (bit >> 3)] >> (8 - depth - (bit & 7))) & mask);
            }
        }
        return samples;
    }

    static byte[] KeyMask<T>(ReadOnlySpan<T> samples, int channels, ushort[] key) where T : unmanaged, IConvertible
    {
        var mask = new byte[samples.Length / channels];
        for (var i = 0; i < mask.Length; i++)
        {
            var same = true;
            for (var c = 0; c < channels; c++)
                same &= samples[(i * channels) + c].ToUInt16(null) == key[c];
            mask[i] = same ? (byte)0 : (byte)255;
        }
        return mask;
    }

    static byte[] KeyMask(byte[] samples, int channels, ushort[] key) => KeyMask<byte>(samples, channels, key);

    /// <summary>One file being read.</summary>
    sealed class Context : IDisposable
    {
        readonly nint handle;
        readonly nuint length;
        readonly string name;

        public Context(byte* file, nuint length, string name)
        {
            this.name = name;
            this.length = length;
            NativeLibraries.Require(NativeLibraries.Spng, "libspng0", "PNG pictures");
            handle = Native.Create(0);
            if (handle == 0)
                throw new TandemException(ErrorKind.Machine, "libspng could not make a decoder: out of memory");
            try
            {
                Check(Native.SetChunkLimits(handle, LargestChunk, LargestChunk));
                Check(Native.SetBuffer(handle, file, length));
            }
            catch (TandemException)
            {
                Dispose();
                throw;
            }
        }

        public Ihdr Header()
        {
            var header = default(Ihdr);
            Check(Native.GetHeader(handle, &header));
            PictureDecoder.CheckSize(name, header.Width, header.Height, (long)length);
            return header;
        }

        public byte[] Palette()
        {
            var entries = default(Plte);
            Check(Native.GetPalette(handle, &entries));
            var palette = new byte[256 * 4];
            for (var i = 0; i < 256; i++)
            {
                if (i < entries.Count)
                    new ReadOnlySpan<byte>(entries.Entries + (4 * i), 3).CopyTo(palette.AsSpan(4 * i));
                palette[(4 * i) + 3] = 255;
            }
            var transparency = default(Trns);
            if (Native.GetTransparency(handle, &transparency) == 0)
            {
                for (var i = 0; i < Math.Min(transparency.Count, 256u); i++)
                    palette[(4 * i) + 3] = transparency.Alpha[i];
            }
            return palette;
        }

        public ushort[]? TransparentColour()
        {
            var transparency = default(Trns);
            if (Native.GetTransparency(handle, &transparency) != 0)
                return null;
            return Header().Colour == ColourGrey ? [transparency.Grey] : [transparency.Red, transparency.Green, transparency.Blue];
        }

        public byte[] Pixels(Ihdr header)
        {
            nuint size;
            Check(Native.DecodedSize(handle, FormatPng, &size));
            var channels = header.Colour switch { ColourRgb => 3, ColourGreyAlpha => 2, ColourRgba => 4, _ => 1 };
            var bound = (((ulong)header.Width * header.Depth * (ulong)channels) + 7) / 8 * header.Height;
            // Deflate cannot shrink more than about 1032 : 1; a header that promises more lies, and is told before memory is taken.
            if (size > bound || bound / 1100 > length)
                throw PictureDecoder.Bad(name, $"the PNG's header says {header.Width} x {header.Height} pixels, but the file has only {length} bytes");
            var rows = new byte[(int)size];
            fixed (byte* to = rows)
                Check(Native.Decode(handle, to, size, FormatPng, 0));
            return rows;
        }

        public int Orientation()
        {
            var block = default(ExifBlock);
            return Native.GetExif(handle, &block) == 0 && block.Data != null ? Exif.OfTiff(new ReadOnlySpan<byte>(block.Data, (int)block.Length)) : 1;
        }

        public void Dispose() => Native.Free(handle);

        void Check(int status)
        {
            if (status != 0)
                throw PictureDecoder.Bad(name, $"the PNG cannot be decoded: {Marshal.PtrToStringUTF8(Native.Text(status))}");
        }
    }

    [StructLayout(LayoutKind.Sequential)]
    struct Ihdr
    {
        public uint Width, Height;
        public byte Depth, Colour, Compression, Filter, Interlace;
    }

    [StructLayout(LayoutKind.Sequential)]
    struct Plte
    {
        public uint Count;
        public fixed byte Entries[256 * 4];
    }

    [StructLayout(LayoutKind.Sequential)]
    struct Trns
    {
        public ushort Grey, Red, Green, Blue;
        public uint Count;
        public fixed byte Alpha[256];
    }

    [StructLayout(LayoutKind.Sequential)]
    struct ExifBlock
    {
        public nuint Length;
        public byte* Data;
    }

    static partial class Native
    {
        [LibraryImport(NativeLibraries.Spng, EntryPoint = "spng_ctx_new")]
        public static partial nint Create(int flags);

        [LibraryImport(NativeLibraries.Spng, EntryPoint = "spng_ctx_free")]
        public static partial void Free(nint context);

        [LibraryImport(NativeLibraries.Spng, EntryPoint = "spng_set_png_buffer")]
        public static partial int SetBuffer(nint context, byte* file, nuint length);

        [LibraryImport(NativeLibraries.Spng, EntryPoint = "spng_set_chunk_limits")]
        public static partial int SetChunkLimits(nint context, nuint chunk, nuint cache);

        [LibraryImport(NativeLibraries.Spng, EntryPoint = "spng_get_ihdr")]
        public static partial int GetHeader(nint context, Ihdr* header);

        [LibraryImport(NativeLibraries.Spng, EntryPoint = "spng_get_plte")]
        public static partial int GetPalette(nint context, Plte* palette);

        [LibraryImport(NativeLibraries.Spng, EntryPoint = "spng_get_trns")]
        public static partial int GetTransparency(nint context, Trns* transparency);

        [LibraryImport(NativeLibraries.Spng, EntryPoint = "spng_get_exif")]
        public static partial int GetExif(nint context, ExifBlock* exif);

        [LibraryImport(NativeLibraries.Spng, EntryPoint = "spng_decoded_image_size")]
        public static partial int DecodedSize(nint context, int format, nuint* size);

        [LibraryImport(NativeLibraries.Spng, EntryPoint = "spng_decode_image")]
        public static partial int Decode(nint context, byte* to, nuint size, int format, int flags);

        [LibraryImport(NativeLibraries.Spng, EntryPoint = "spng_strerror")]
        public static partial nint Text(int status);
    }
}
