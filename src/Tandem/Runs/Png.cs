using System.Buffers.Binary;
using System.IO.Compression;

namespace Tandem.Runs;

/// <summary>Writes small pictures as PNG (ISO/IEC 15948): 8 bits a channel, no interlacing, each row filtered by what is above it.</summary>
public static class Png
{
    static readonly uint[] Table = [.. Enumerable.Range(0, 256).Select(Entry)];

    /// <summary>Encodes a picture.</summary>
    /// <param name="pixels">Row by row, from the top; channels side by side: <c>height · width · channels</c> bytes.</param>
    /// <param name="width">Columns.</param>
    /// <param name="height">Rows.</param>
    /// <param name="channels">1 grey, 3 RGB, 4 RGBA.</param>
    /// <exception cref="ArgumentException">The sizes do not fit, or there are other channels.</exception>
    public static byte[] Encode(ReadOnlySpan<byte> pixels, int width, int height, int channels)
    {
        if (channels is not (1 or 3 or 4) || width < 1 || height < 1 || pixels.Length != (long)width * height * channels)
            throw new ArgumentException($"{pixels.Length} bytes are no picture of {width} × {height} × {channels}", nameof(pixels));
        const byte grey = 0, colour = 2, colourAndAlpha = 6;
        Span<byte> header = stackalloc byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header[4..], height);
        header[8] = 8;
        header[9] = channels switch { 1 => grey, 3 => colour, _ => colourAndAlpha };
        header[10..].Clear();

        using var packed = new MemoryStream();
        using (var zlib = new ZLibStream(packed, CompressionLevel.Optimal, leaveOpen: true))
        {
            const byte up = 2;
            var stride = width * channels;
            var row = new byte[stride + 1];
            for (var y = 0; y < height; y++)
            {
                row[0] = up;
                for (var x = 0; x < stride; x++)
                    row[x + 1] = (byte)(pixels[(y * stride) + x] - (y == 0 ? 0 : pixels[((y - 1) * stride) + x]));
                zlib.Write(row);
            }
        }
        using var png = new MemoryStream();
        png.Write([0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A]);
        Chunk(png, "IHDR"u8, header);
        Chunk(png, "IDAT"u8, packed.GetBuffer().AsSpan(0, (int)packed.Length));
        Chunk(png, "IEND"u8, []);
        return png.ToArray();
    }

    static void Chunk(MemoryStream png, ReadOnlySpan<byte> type, ReadOnlySpan<byte> data)
    {
        Span<byte> number = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(number, data.Length);
        png.Write(number);
        png.Write(type);
        png.Write(data);
        BinaryPrimitives.WriteUInt32BigEndian(number, ~Crc(Crc(uint.MaxValue, type), data));
        png.Write(number);
    }

    static uint Crc(uint crc, ReadOnlySpan<byte> data)
    {
        foreach (var value in data)
            crc = Table[(crc ^ value) & 0xFF] ^ (crc >> 8);
        return crc;
    }

    static uint Entry(int value)
    {
        var crc = (uint)value;
        for (var bit = 0; bit < 8; bit++)
            crc = (crc & 1) == 0 ? crc >> 1 : 0xEDB88320 ^ (crc >> 1);
        return crc;
    }
}
