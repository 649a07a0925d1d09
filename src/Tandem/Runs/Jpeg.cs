using System.Buffers.Binary;

namespace Tandem.Runs;

/// <summary>
/// Writes pictures as JPEG (ITU-T T.81, baseline, with the tables of its annex K, colours at half the resolution). Photographs take a fifth
/// of what they take as <see cref="Png"/>, which is what keeps a report with hundreds of thumbnails small.
/// </summary>
public static class Jpeg
{
    static readonly byte[] ZigZag =
    [
        0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
        35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
    ];

    // Row by row; how coarsely each frequency is kept at quality 50.
    static readonly byte[] LightSteps =
    [
        16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62,
        18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
    ];

    static readonly byte[] ColourSteps =
    [
        17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99, 99, 99, 99,
        99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
    ];

    // How many codes there are of each length, then what they stand for.
    static readonly byte[] LightMeans = Convert.FromHexString("00010501010101010100000000000000" + "000102030405060708090A0B");
    static readonly byte[] ColourMeans = Convert.FromHexString("00030101010101010101010000000000" + "000102030405060708090A0B");
    static readonly byte[] LightDetails = Convert.FromHexString("0002010303020403050504040000017D" +
        "01020300041105122131410613516107227114328191A1082342B1C11552D1F02433627282090A161718191A25262728292A3435363738393A434445464748494A535455565758595A" +
        "636465666768696A737475767778797A838485868788898A92939495969798999AA2A3A4A5A6A7A8A9AAB2B3B4B5B6B7B8B9BAC2C3C4C5C6C7C8C9CAD2D3D4D5D6D7D8D9DAE1E2E3E4E5E6E7E8E9EA" +
        "F1F2F3F4F5F6F7F8F9FA");
    static readonly byte[] ColourDetails = Convert.FromHexString("00020102040403040705040400010277" +
        "0001020311040521310612415107617113223281081442" + "91A1B1C109233352F0156272D10A162434E125F11718191A262728292A35363738393A434445464748494A535455565758595A" +
        "636465666768696A737475767778797A82838485868788898A92939495969798999AA2A3A4A5A6A7A8A9AAB2B3B4B5B6B7B8B9BAC2C3C4C5C6C7C8C9CAD2D3D4D5D6D7D8D9DAE2E3E4E5E6E7E8E9EA" +
        "F2F3F4F5F6F7F8F9FA");

    // The discrete cosine transform of 8 values, as a matrix [frequency, place].
    static readonly float[] Cosines = [.. Enumerable.Range(0, 64).Select(i => (float)((i < 8 ? Math.Sqrt(0.125) : 0.5) * Math.Cos(((2 * (i % 8)) + 1) * (i / 8) * Math.PI / 16)))];

    /// <summary>Encodes a picture.</summary>
    /// <param name="pixels">Row by row, from the top; red, green, blue side by side: <c>height · width · 3</c> bytes.</param>
    /// <param name="width">Columns.</param>
    /// <param name="height">Rows.</param>
    /// <param name="quality">1 to 100, as usual for JPEG.</param>
    /// <exception cref="ArgumentException">The sizes do not fit.</exception>
    public static byte[] Encode(ReadOnlySpan<byte> pixels, int width, int height, int quality = 80)
    {
        if (width is < 1 or > ushort.MaxValue || height is < 1 or > ushort.MaxValue || pixels.Length != (long)width * height * 3)
            throw new ArgumentException($"{pixels.Length} bytes are no picture of {width} × {height} × 3", nameof(pixels));
        using var file = new MemoryStream();
        var (light, colour) = (Steps(LightSteps, quality), Steps(ColourSteps, quality));
        file.Write([0xFF, 0xD8]);
        Segment(file, 0xE0, [(byte)'J', (byte)'F', (byte)'I', (byte)'F', 0, 1, 1, 0, 0, 1, 0, 1, 0, 0]);
        Segment(file, 0xDB, [0, .. ZigZag.Select(place => light[place]), 1, .. ZigZag.Select(place => colour[place])]);
        Segment(file, 0xC0, [8, (byte)(height >> 8), (byte)height, (byte)(width >> 8), (byte)width, 3, 1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1]);
        Segment(file, 0xC4, [0x00, .. LightMeans, 0x10, .. LightDetails, 0x01, .. ColourMeans, 0x11, .. ColourDetails]);
        Segment(file, 0xDA, [3, 1, 0x00, 2, 0x11, 3, 0x11, 0, 63, 0]);
        Units(new Bits(file), pixels, width, height, light, colour);
        file.Write([0xFF, 0xD9]);
        return file.ToArray();
    }

    static byte[] Steps(byte[] table, int quality)
    {
        var scale = quality < 50 ? 5000 / Math.Max(quality, 1) : 200 - (2 * Math.Min(quality, 100));
        return [.. table.Select(step => (byte)Math.Clamp(((step * scale) + 50) / 100, 1, 255))];
    }

    static void Segment(MemoryStream file, byte kind, byte[] contents)
    {
        Span<byte> head = [0xFF, kind, 0, 0];
        BinaryPrimitives.WriteUInt16BigEndian(head[2..], (ushort)(contents.Length + 2));
        file.Write(head);
        file.Write(contents);
    }

    // Squares of 16 pixels: four blocks of light, one of each colour.
    static void Units(Bits bits, ReadOnlySpan<byte> pixels, int width, int height, byte[] light, byte[] colour)
    {
        var (lightCodes, lightDetails, colourCodes, colourDetails) = (Codes(LightMeans), Codes(LightDetails), Codes(ColourMeans), Codes(ColourDetails));
        Span<float> square = stackalloc float[4 * 64], blue = stackalloc float[64], red = stackalloc float[64];
        int lastLight = 0, lastBlue = 0, lastRed = 0;
        for (var top = 0; top < height; top += 16)
        {
            for (var left = 0; left < width; left += 16)
            {
                blue.Clear();
                red.Clear();
                for (var y = 0; y < 16; y++)
                {
                    for (var x = 0; x < 16; x++)
                    {
                        // What lies beyond the edge repeats it.
                        var pixel = pixels.Slice(3 * ((Math.Min(top + y, height - 1) * width) + Math.Min(left + x, width - 1)), 3);
                        float r = pixel[0], g = pixel[1], b = pixel[2];
                        square[(((y / 8 * 2) + (x / 8)) * 64) + (y % 8 * 8) + (x % 8)] = (0.299f * r) + (0.587f * g) + (0.114f * b) - 128;
                        blue[(y / 2 * 8) + (x / 2)] += ((-0.168736f * r) - (0.331264f * g) + (0.5f * b)) / 4;
                        red[(y / 2 * 8) + (x / 2)] += ((0.5f * r) - (0.418688f * g) - (0.081312f * b)) / 4;
                    }
                }
                for (var block = 0; block < 4; block++)
                    lastLight = Block(bits, square.Slice(64 * block, 64), light, lastLight, lightCodes, lightDetails);
                lastBlue = Block(bits, blue, colour, lastBlue, colourCodes, colourDetails);
                lastRed = Block(bits, red, colour, lastRed, colourCodes, colourDetails);
            }
        }
        bits.Flush();
    }

    /// <summary>Writes a block: how its mean differs from that of the block before, then its details with runs of zeros.</summary>
    /// <returns>The mean as written.</returns>
    static int Block(Bits bits, ReadOnlySpan<float> block, byte[] steps, int before, (int Code, int Length)[] means, (int Code, int Length)[] details)
    {
        Span<float> rows = stackalloc float[64];
        Span<int> kept = stackalloc int[64];
        for (var i = 0; i < 64; i++)
        {
            var sum = 0f;
            for (var j = 0; j < 8; j++)
                sum += block[(i / 8 * 8) + j] * Cosines[(i % 8 * 8) + j];
            rows[i] = sum;
        }
        for (var i = 0; i < 64; i++)
        {
            var (place, sum) = (ZigZag[i], 0f);
            for (var j = 0; j < 8; j++)
                sum += rows[(j * 8) + (place % 8)] * Cosines[(place / 8 * 8) + j];
            kept[i] = (int)MathF.Round(sum / steps[place]);
        }
        Number(kept[0] - before, 0, means);
        var last = kept.LastIndexOfAnyExcept(0);
        for (int i = 1, zeros = 0; i <= last; i++)
        {
            if (kept[i] == 0)
            {
                zeros++;
                continue;
            }
            for (; zeros > 15; zeros -= 16)
                bits.Write(details[0xF0].Code, details[0xF0].Length);
            Number(kept[i], zeros, details);
            zeros = 0;
        }
        if (last < 63)
            bits.Write(details[0].Code, details[0].Length);
        return kept[0];

        void Number(int value, int zeros, (int Code, int Length)[] codes)
        {
            var size = 32 - int.LeadingZeroCount(Math.Abs(value));
            var (code, length) = codes[(zeros << 4) | size];
            bits.Write(code, length);
            bits.Write((value < 0 ? value - 1 : value) & ((1 << size) - 1), size);
        }
    }

    static (int Code, int Length)[] Codes(byte[] table)
    {
        var codes = new (int, int)[256];
        for (int length = 1, code = 0, at = 16; length <= 16; length++, code <<= 1)
        {
            for (var i = 0; i < table[length - 1]; i++)
                codes[table[at++]] = (code++, length);
        }
        return codes;
    }

    sealed class Bits(Stream to)
    {
        uint held;
        int count;

        public void Write(int value, int length)
        {
            held = (held << length) | (uint)value;
            for (count += length; count >= 8; count -= 8)
            {
                var next = (byte)(held >> (count - 8));
                to.WriteByte(next);
                if (next == 0xFF)
                    to.WriteByte(0); // or it would begin a marker
            }
        }

        public void Flush()
        {
            var rest = (8 - count) & 7;
            Write((1 << rest) - 1, rest);
        }
    }
}
