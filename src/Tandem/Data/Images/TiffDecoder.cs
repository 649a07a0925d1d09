using System.Buffers.Binary;
using System.IO.Compression;

namespace Tandem.Data.Images;

/// <summary>
/// The first page of plain TIFF files (TIFF 6.0): strips of 1, 4, 8 or 16 bits, grey, RGB, with alpha, palette; uncompressed, PackBits, LZW or Deflate, with
/// or without the horizontal predictor. Anything else is named and refused.
/// </summary>
static class TiffDecoder
{
    const int Width = 256, Height = 257, Bits = 258, Compression = 259, Photometric = 262, StripOffsets = 273, Orientation = 274, Samples = 277,
        RowsPerStrip = 278, StripCounts = 279, Planar = 284, Predictor = 317, ColourMap = 320, TileWidth = 322;

    public static FilePicture Decode(ReadOnlySpan<byte> file, string name)
    {
        var little = file[0] == 'I';
        var tags = Directory(file, little);
        long width = One(tags, Width, 0), height = One(tags, Height, 0);
        PictureDecoder.CheckSize(name, width, height, file.Length);
        int samples = (int)One(tags, Samples, 1), bits = (int)One(tags, Bits, 1), photometric = (int)One(tags, Photometric, 1);
        if (tags.ContainsKey(TileWidth) || One(tags, Planar, 1) != 1 && samples > 1 || bits is not (1 or 4 or 8 or 16) || samples is < 1 or > 4
            || photometric is < 0 or > 3 || (bits < 8 && samples > 1) || (photometric == 3 && bits == 16))
        {
            throw PictureDecoder.Unsupported(name, $"this kind of TIFF ({samples} samples of {bits} bits, photometric {photometric}{(tags.ContainsKey(TileWidth) ? ", tiled" : "")}) is not read");
        }
        var pitch = checked((int)(((width * samples * bits) + 7) / 8));
        var rows = Strips(file, name, tags, pitch, (int)height);
        if (One(tags, Predictor, 1) == 2)
            Accumulate(rows, pitch, samples, bits, little);
        return Interpret(rows, tags, (int)width, (int)height, samples, bits, photometric, pitch, little);
    }

    static byte[] Strips(ReadOnlySpan<byte> file, string name, Dictionary<int, long[]> tags, int pitch, int height)
    {
        if (!tags.TryGetValue(StripOffsets, out var offsets) || !tags.TryGetValue(StripCounts, out var counts) || offsets.Length != counts.Length)
            throw PictureDecoder.Bad(name, "the TIFF says not where its rows are");
        var compression = One(tags, Compression, 1);
        var perStrip = (int)Math.Clamp(One(tags, RowsPerStrip, height), 1, height);
        long announced = (long)pitch * height, there = 0;
        foreach (var count in counts)
            there += count;
        if (announced / 1100 > file.Length || (compression == 1 && announced > there))
            throw PictureDecoder.Bad(name, $"the TIFF ends early: its rows need {announced} bytes, the file has {file.Length}");
        var rows = new byte[announced];
        for (var i = 0; i < offsets.Length && (long)i * perStrip < height; i++)
        {
            if (offsets[i] < 0 || counts[i] < 0 || offsets[i] > file.Length || counts[i] > file.Length - offsets[i])
                throw PictureDecoder.Bad(name, $"strip {i} of the TIFF lies outside the file");
            var packed = file.Slice((int)offsets[i], (int)counts[i]);
            var to = rows.AsSpan(i * perStrip * pitch, Math.Min(perStrip, height - (i * perStrip)) * pitch);
            var written = compression switch
            {
                1 => Copy(packed, to),
                5 => new Lzw(256, 9, early: true, mostFirst: true).Unpack(packed, to),
                8 or 32946 => Inflate(packed, to),
                32773 => PackBits(packed, to),
                _ => throw PictureDecoder.Unsupported(name, $"TIFF compression {compression} is not read"),
            };
            if (written < to.Length)
                throw PictureDecoder.Bad(name, $"strip {i} of the TIFF ends early");
        }
        return rows;
    }

    static int Copy(ReadOnlySpan<byte> packed, Span<byte> to)
    {
        packed[..Math.Min(packed.Length, to.Length)].CopyTo(to);
        return Math.Min(packed.Length, to.Length);
    }

    static int Inflate(ReadOnlySpan<byte> packed, Span<byte> to)
    {
        using var inflater = new ZLibStream(new MemoryStream(packed.ToArray()), CompressionMode.Decompress);
        return inflater.ReadAtLeast(to, to.Length, throwOnEndOfStream: false);
    }

    static int PackBits(ReadOnlySpan<byte> packed, Span<byte> to)
    {
        int at = 0, written = 0;
        while (at < packed.Length && written < to.Length)
        {
            var count = (sbyte)packed[at++];
            if (count == -128)
                continue;
            var length = Math.Min(count >= 0 ? count + 1 : 1 - count, to.Length - written);
            if (count >= 0)
                packed.Slice(at, length).CopyTo(to[written..]);
            else
                to.Slice(written, length).Fill(packed[at]);
            at += count >= 0 ? count + 1 : 1;
            written += length;
        }
        return written;
    }

    // Predictor 2: each sample is stored as the difference to its left neighbour.
    static void Accumulate(byte[] rows, int pitch, int samples, int bits, bool little)
    {
        var step = samples * bits / 8;
        for (var start = 0; start + pitch <= rows.Length && step > 0; start += pitch)
        {
            var row = rows.AsSpan(start, pitch);
            for (var i = step; i < pitch; i += bits / 8)
            {
                if (bits == 8)
                    row[i] += row[i - step];
                else
                    Write(row[i..], (ushort)(Two(row[i..], little) + Two(row[(i - step)..], little)), little);
            }
        }
    }

    static FilePicture Interpret(byte[] rows, Dictionary<int, long[]> tags, int width, int height, int samples, int bits, int photometric, int pitch, bool little)
    {
        var orientation = (int)One(tags, Orientation, 1);
        var mode = photometric == 3 ? PixelMode.Palette
            : samples == 1 ? bits == 16 ? PixelMode.Grey16 : bits == 1 ? PixelMode.Bilevel : PixelMode.Grey
            : samples == 2 ? PixelMode.GreyAlpha : samples == 3 ? PixelMode.Rgb : PixelMode.Rgba;
        var result = new byte[width * height * FilePicture.BytesOf(mode)];
        for (var y = 0; y < height; y++)
        {
            var row = rows.AsSpan(y * pitch, pitch);
            for (var x = 0; x < width * samples; x++)
            {
                var to = (y * width * samples) + x;
                if (mode == PixelMode.Grey16)
                {
                    var deep = Two(row[(2 * x)..], little);
                    BinaryPrimitives.WriteUInt16LittleEndian(result.AsSpan(2 * to), photometric == 0 ? (ushort)~deep : deep);
                    continue;
                }
                var value = bits switch
                {
                    8 => row[x],
                    16 => Two(row[(2 * x)..], little) >> 8,
                    _ => (row[x * bits / 8] >> (8 - bits - (x * bits % 8))) & ((1 << bits) - 1),
                };
                if (photometric != 3 && bits < 8)
                    value *= 255 / ((1 << bits) - 1);
                result[to] = (byte)(photometric == 0 ? 255 - value : value);
            }
        }
        return new FilePicture { Width = width, Height = height, Mode = mode, Samples = result, Palette = photometric == 3 ? Palette(tags) : null, Orientation = orientation };
    }

    static byte[] Palette(Dictionary<int, long[]> tags)
    {
        var palette = new byte[256 * 4];
        var map = tags.GetValueOrDefault(ColourMap, []);
        var count = map.Length / 3;
        for (var i = 0; i < 256; i++)
        {
            for (var c = 0; c < 3 && i < count; c++)
                palette[(4 * i) + c] = (byte)(map[(c * count) + i] >> 8);
            palette[(4 * i) + 3] = 255;
        }
        return palette;
    }

    static Dictionary<int, long[]> Directory(ReadOnlySpan<byte> file, bool little)
    {
        var tags = new Dictionary<int, long[]>();
        var at = checked((int)Four(file[4..], little));
        var count = Two(file[at..], little);
        for (var i = 0; i < count; i++)
        {
            var entry = file.Slice(at + 2 + (12 * i), 12);
            var size = Two(entry[2..], little) switch { 1 => 1, 3 => 2, 4 => 4, _ => 0 };
            var values = Four(entry[4..], little);
            if (size == 0)
                continue;
            var from = size * (long)values <= 4 ? entry[8..] : file[checked((int)Four(entry[8..], little))..];
            if (size * (long)values > from.Length)
                throw new InvalidDataException("a TIFF tag reaches outside the file");
            var list = new long[values];
            for (var k = 0; k < list.Length; k++)
                list[k] = size == 1 ? from[k] : size == 2 ? Two(from[(2 * k)..], little) : Four(from[(4 * k)..], little);
            tags[Two(entry, little)] = list;
        }
        return tags;
    }

    static long One(Dictionary<int, long[]> tags, int tag, long otherwise) => tags.TryGetValue(tag, out var values) && values.Length > 0 ? values[0] : otherwise;

    static ushort Two(ReadOnlySpan<byte> at, bool little) => little ? BinaryPrimitives.ReadUInt16LittleEndian(at) : BinaryPrimitives.ReadUInt16BigEndian(at);

    static uint Four(ReadOnlySpan<byte> at, bool little) => little ? BinaryPrimitives.ReadUInt32LittleEndian(at) : BinaryPrimitives.ReadUInt32BigEndian(at);

    static void Write(Span<byte> at, ushort value, bool little)
    {
        if (little)
            BinaryPrimitives.WriteUInt16LittleEndian(at, value);
        else
            BinaryPrimitives.WriteUInt16BigEndian(at, value);
    }
}
