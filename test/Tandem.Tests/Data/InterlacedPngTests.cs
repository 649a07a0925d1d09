using System.Buffers.Binary;
using System.IO.Compression;
using Tandem.Data.Images;
using Xunit;

namespace Tandem.Tests.Data;

/// <summary>Adam7 with samples below a byte, which the golden files do not hold: written here by the PNG specification, without filters.</summary>
public sealed class InterlacedPngTests
{
    static readonly (int X, int Y, int StepX, int StepY)[] Passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    public void InterlacedPicturesOfFewBitsAreRead(int depth)
    {
        foreach (var (width, height) in new[] { (1, 1), (5, 3), (13, 17), (33, 9) })
        {
            var random = new Random(width);
            var samples = new byte[height, width];
            for (var i = 0; i < width * height; i++)
                samples[i / width, i % width] = (byte)random.Next(1 << depth);
            using var picture = PictureDecoder.Decode(Png(samples, depth), "a.png", PictureReading.Published);
            var scale = 255 / ((1 << depth) - 1);
            for (var i = 0; i < width * height; i++)
                Assert.Equal(samples[i / width, i % width] * scale, picture.Pixels[3 * i]);
        }
    }

    static byte[] Png(byte[,] samples, int depth)
    {
        int height = samples.GetLength(0), width = samples.GetLength(1);
        using var rows = new MemoryStream();
        foreach (var (x0, y0, stepX, stepY) in Passes)
        {
            if (x0 >= width)
                continue;
            for (var y = y0; y < height; y += stepY)
            {
                rows.WriteByte(0);
                var count = (width - x0 + stepX - 1) / stepX;
                var packed = new byte[((count * depth) + 7) / 8];
                for (var i = 0; i < count; i++)
                    packed[i * depth / 8] |= (byte)(samples[y, x0 + (i * stepX)] << (8 - depth - (i * depth % 8)));
                rows.Write(packed);
            }
        }
        using var data = new MemoryStream();
        using (var deflate = new ZLibStream(data, CompressionLevel.Fastest, leaveOpen: true))
            deflate.Write(rows.ToArray());
        var header = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), height);
        (header[8], header[12]) = ((byte)depth, 1);
        return [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, .. Chunk("IHDR"u8, header), .. Chunk("IDAT"u8, data.ToArray()), .. Chunk("IEND"u8, [])];
    }

    static byte[] Chunk(ReadOnlySpan<byte> kind, byte[] body)
    {
        byte[] checkedPart = [.. kind, .. body];
        var length = new byte[4];
        var sum = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(length, body.Length);
        BinaryPrimitives.WriteUInt32BigEndian(sum, DecoderTests.Crc(checkedPart));
        return [.. length, .. checkedPart, .. sum];
    }
}
