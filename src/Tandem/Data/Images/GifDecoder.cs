using System.Buffers.Binary;

namespace Tandem.Data.Images;

/// <summary>The first frame of a GIF (GIF89a specification; LZW with codes of up to 12 bits).</summary>
static class GifDecoder
{
    public static FilePicture Decode(ReadOnlySpan<byte> file, string name)
    {
        int width = BinaryPrimitives.ReadUInt16LittleEndian(file[6..]), height = BinaryPrimitives.ReadUInt16LittleEndian(file[8..]);
        PictureDecoder.CheckSize(name, width, height, file.Length);
        var at = 13;
        var palette = Palette(file, file[10], ref at);
        var background = file[11];
        var transparent = -1;
        while (true)
        {
            switch (file[at++])
            {
                case 0x21:
                    if (file[at] == 0xF9 && (file[at + 2] & 1) != 0)
                        transparent = file[at + 5];
                    at++;
                    while (file[at] != 0)
                        at += file[at] + 1;
                    at++;
                    break;
                case 0x2C:
                    return Frame(file, name, at, (width, height), palette, transparent, background);
                default:
                    throw PictureDecoder.Bad(name, $"the GIF has no picture (byte {at - 1})");
            }
        }
    }

    static FilePicture Frame(ReadOnlySpan<byte> file, string name, int at, (int Width, int Height) screen, byte[]? palette, int transparent, byte background)
    {
        int left = BinaryPrimitives.ReadUInt16LittleEndian(file[at..]), top = BinaryPrimitives.ReadUInt16LittleEndian(file[(at + 2)..]);
        int width = BinaryPrimitives.ReadUInt16LittleEndian(file[(at + 4)..]), height = BinaryPrimitives.ReadUInt16LittleEndian(file[(at + 6)..]);
        var flags = file[at + 8];
        at += 9;
        palette = Palette(file, flags, ref at) ?? palette ?? throw PictureDecoder.Bad(name, "the GIF has no palette");
        PictureDecoder.CheckSize(name, width, height, file.Length);
        if (transparent >= 0)
            palette[(4 * transparent) + 3] = 0;
        var indices = Unpack(file, at, width * height, name);
        var samples = new byte[screen.Width * screen.Height];
        samples.AsSpan().Fill(transparent >= 0 ? (byte)transparent : background);
        var row = 0;
        foreach (var y in Rows(height, interlaced: (flags & 0x40) != 0))
        {
            var from = indices.AsSpan(row++ * width, width);
            if (top + y < screen.Height && left < screen.Width)
                from[..Math.Min(width, screen.Width - left)].CopyTo(samples.AsSpan(((top + y) * screen.Width) + left));
        }
        return new FilePicture { Width = screen.Width, Height = screen.Height, Mode = PixelMode.Palette, Samples = samples, Palette = palette };
    }

    static IEnumerable<int> Rows(int height, bool interlaced)
    {
        if (!interlaced)
        {
            for (var y = 0; y < height; y++)
                yield return y;
            yield break;
        }
        foreach (var (first, step) in new[] { (0, 8), (4, 8), (2, 4), (1, 2) })
        {
            for (var y = first; y < height; y += step)
                yield return y;
        }
    }

    static byte[]? Palette(ReadOnlySpan<byte> file, byte flags, ref int at)
    {
        if ((flags & 0x80) == 0)
            return null;
        var count = 2 << (flags & 7);
        var palette = new byte[256 * 4];
        for (var i = 0; i < 256; i++)
        {
            if (i < count)
                file.Slice(at + (3 * i), 3).CopyTo(palette.AsSpan(4 * i));
            palette[(4 * i) + 3] = 255;
        }
        at += 3 * count;
        return palette;
    }

    static byte[] Unpack(ReadOnlySpan<byte> file, int at, int count, string name)
    {
        int smallest = file[at++];
        if (smallest is < 1 or > 11)
            throw PictureDecoder.Bad(name, $"the GIF's code size is {smallest}", "1 to 11");
        var packed = new List<byte>();
        while (at < file.Length && file[at] != 0)
        {
            foreach (var letter in file.Slice(at + 1, Math.Min(file[at], file.Length - at - 1)))
                packed.Add(letter);
            at += file[at] + 1;
        }
        // A code of at most 12 bits stands for at most 4096 pixels.
        if (packed.Count * 8L / (smallest + 1) * 4096 < count)
            throw PictureDecoder.Bad(name, "the GIF ends early");
        var clear = 1 << smallest;
        var lzw = new Lzw(clear, smallest + 1, early: false, mostFirst: false);
        var result = new byte[count];
        if (lzw.Unpack(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(packed), result) < count)
            throw PictureDecoder.Bad(name, "the GIF ends early");
        return result;
    }
}
