using System.Buffers.Binary;
using System.Numerics;

namespace Tandem.Data.Images;

/// <summary>Windows bitmaps: 1, 4, 8 bits with a palette, 16, 24 and 32 bits, uncompressed or with channel masks.</summary>
static class BmpDecoder
{
    const int Plain = 0, Masks = 3, AlphaMasks = 6;

    public static FilePicture Decode(ReadOnlySpan<byte> file, string name)
    {
        var start = BinaryPrimitives.ReadUInt32LittleEndian(file[10..]);
        var info = file[14..];
        var infoLength = BinaryPrimitives.ReadUInt32LittleEndian(info);
        var old = infoLength == 12;
        if (!old && infoLength < 40)
            throw PictureDecoder.Bad(name, $"the BMP's header has {infoLength} bytes");
        int width = old ? BinaryPrimitives.ReadUInt16LittleEndian(info[4..]) : BinaryPrimitives.ReadInt32LittleEndian(info[4..]);
        long height = old ? BinaryPrimitives.ReadUInt16LittleEndian(info[6..]) : BinaryPrimitives.ReadInt32LittleEndian(info[8..]);
        int depth = BinaryPrimitives.ReadUInt16LittleEndian(info[(old ? 10 : 14)..]);
        var compression = old ? Plain : (int)BinaryPrimitives.ReadUInt32LittleEndian(info[16..]);
        var topDown = height < 0;
        height = Math.Abs(height);
        PictureDecoder.CheckSize(name, width, height, file.Length);
        if (compression is not (Plain or Masks or AlphaMasks) || depth is not (1 or 4 or 8 or 16 or 24 or 32))
            throw PictureDecoder.Unsupported(name, $"a BMP of {depth} bits with compression {compression} is not read");
        var pitch = (((long)width * depth) + 31) / 32 * 4;
        if (start > file.Length || pitch * height > file.Length - start)
            throw PictureDecoder.Bad(name, $"the BMP ends early: {width} x {height} pixels of {depth} bits need {pitch * height} bytes, {Math.Max(0, file.Length - start)} are there");
        var rows = file[(int)start..];
        var palette = depth <= 8 ? Palette(file, info, infoLength, depth, old) : null;
        var masks = compression == Plain ? (depth == 16 ? [0x7C00, 0x03E0, 0x001F] : [0xFF0000, 0xFF00, 0xFF]) : ReadMasks(info);
        var samples = new byte[width * height * (palette is null ? 3 : 1)];
        for (var y = 0; y < height; y++)
        {
            var row = rows.Slice((int)(pitch * (topDown ? y : height - 1 - y)), (int)pitch);
            if (palette is null)
                Colours(row, samples.AsSpan(3 * y * width, 3 * width), depth, masks);
            else
                Indices(row, samples.AsSpan(y * width, width), depth);
        }
        return new FilePicture { Width = width, Height = (int)height, Mode = palette is null ? PixelMode.Rgb : PixelMode.Palette, Samples = samples, Palette = palette };
    }

    static uint[] ReadMasks(ReadOnlySpan<byte> info) =>
        [BinaryPrimitives.ReadUInt32LittleEndian(info[40..]), BinaryPrimitives.ReadUInt32LittleEndian(info[44..]), BinaryPrimitives.ReadUInt32LittleEndian(info[48..])];

    static byte[] Palette(ReadOnlySpan<byte> file, ReadOnlySpan<byte> info, uint infoLength, int depth, bool old)
    {
        var used = old ? 0 : (int)Math.Min(256, BinaryPrimitives.ReadUInt32LittleEndian(info[32..]));
        var count = used == 0 ? 1 << depth : used;
        var size = old ? 3 : 4;
        var entries = file[checked((int)(14 + infoLength))..];
        var palette = new byte[256 * 4];
        for (var i = 0; i < 256; i++)
        {
            if (i < count && entries.Length >= (i + 1) * size)
                (palette[4 * i], palette[(4 * i) + 1], palette[(4 * i) + 2]) = (entries[(i * size) + 2], entries[(i * size) + 1], entries[i * size]);
            palette[(4 * i) + 3] = 255;
        }
        return palette;
    }

    static void Indices(ReadOnlySpan<byte> row, Span<byte> to, int depth)
    {
        var mask = (1 << depth) - 1;
        for (var x = 0; x < to.Length; x++)
        {
            var bit = x * depth;
            to[x] = (byte)((row[bit >> 3] >> (8 - depth - (bit & 7))) & mask);
        }
    }

    static void Colours(ReadOnlySpan<byte> row, Span<byte> to, int depth, uint[] masks)
    {
        var size = depth / 8;
        for (var x = 0; x < to.Length / 3; x++)
        {
            var at = row.Slice(x * size, size);
            uint value = size switch
            {
                2 => BinaryPrimitives.ReadUInt16LittleEndian(at),
                3 => at[0] | ((uint)at[1] << 8) | ((uint)at[2] << 16),
                _ => BinaryPrimitives.ReadUInt32LittleEndian(at),
            };
            for (var c = 0; c < 3; c++)
                to[(3 * x) + c] = Part(value, masks[c]);
        }
    }

    static byte Part(uint value, uint mask)
    {
        if (mask == 0)
            return 0;
        var shift = BitOperations.TrailingZeroCount(mask);
        var largest = mask >> shift;
        return (byte)((ulong)((value & mask) >> shift) * 255 / largest);
    }
}
