using System.Buffers.Binary;

namespace Tandem.Data.Images;

/// <summary>Netpbm files: P1 to P6. Values are scaled to 255 and rounded; grey above 8 bits keeps 16.</summary>
static class PnmDecoder
{
    public static FilePicture Decode(ReadOnlySpan<byte> file, string name)
    {
        var kind = file[1] - '0';
        var at = 2;
        var width = Number(file, ref at, name);
        var height = Number(file, ref at, name);
        var bilevel = kind is 1 or 4;
        var largest = bilevel ? 1 : Number(file, ref at, name);
        PictureDecoder.CheckSize(name, width, height, file.Length);
        if (largest is < 1 or > 65535)
            throw PictureDecoder.Bad(name, $"the largest value is {largest}", "1 to 65535");
        var channels = kind is 3 or 6 ? 3 : 1;
        if (kind >= 4)
            at++; // one white space ends the header of the raw kinds
        var count = checked((int)(width * height * channels));
        // Even the plain kinds need half a byte a value (bits may stand without blanks between), so a lying header is told before memory is taken.
        var least = kind == 4 ? (width + 7) / 8 * height : kind >= 4 && largest > 255 ? 2L * count : count;
        if (least > file.Length - at)
            throw PictureDecoder.Bad(name, $"the file ends early: {width} x {height} pixels need {least} bytes, {Math.Max(0, file.Length - at)} are there");
        var deep = channels == 1 && largest > 255;
        var samples = new byte[deep ? 2 * count : count];
        for (var i = 0; i < count; i++)
        {
            long value = kind switch
            {
                1 => Bit(file, ref at, name) == 0 ? 1 : 0,
                4 => 1 - ((file[at + (int)(i / width * ((width + 7) / 8)) + (int)(i % width >> 3)] >> (7 - (int)(i % width & 7))) & 1),
                <= 3 => Number(file, ref at, name),
                _ => largest > 255 ? BinaryPrimitives.ReadUInt16BigEndian(file[(at + (2 * i))..]) : file[at + i],
            };
            value = Math.Min(value, largest);
            if (deep)
                BinaryPrimitives.WriteUInt16LittleEndian(samples.AsSpan(2 * i), (ushort)Math.Round((double)value / largest * 65535));
            else
                samples[i] = largest == 255 ? (byte)value : (byte)Math.Round((double)value / largest * 255);
        }
        var mode = bilevel ? PixelMode.Bilevel : channels == 3 ? PixelMode.Rgb : deep ? PixelMode.Grey16 : PixelMode.Grey;
        return new FilePicture { Width = (int)width, Height = (int)height, Mode = mode, Samples = samples };
    }

    static void SkipBlanks(ReadOnlySpan<byte> file, ref int at)
    {
        while (at < file.Length)
        {
            if (file[at] == '#')
            {
                while (at < file.Length && file[at] is not ((byte)'\n' or (byte)'\r'))
                    at++;
            }
            else if (file[at] is (byte)' ' or (byte)'\t' or (byte)'\n' or (byte)'\r' or 0x0B or 0x0C)
            {
                at++;
            }
            else
            {
                return;
            }
        }
    }

    static int Bit(ReadOnlySpan<byte> file, ref int at, string name)
    {
        SkipBlanks(file, ref at);
        if (at >= file.Length || file[at] is not ((byte)'0' or (byte)'1'))
            throw PictureDecoder.Bad(name, $"no bit at byte {at}");
        return file[at++] - '0';
    }

    static long Number(ReadOnlySpan<byte> file, ref int at, string name)
    {
        SkipBlanks(file, ref at);
        long value = 0;
        var digits = 0;
        for (; at < file.Length && file[at] is >= (byte)'0' and <= (byte)'9'; at++, digits++)
        {
            value = (value * 10) + (file[at] - '0');
            if (digits > 9)
                throw PictureDecoder.Bad(name, $"a number of more than ten digits at byte {at}");
        }
        return digits > 0 ? value : throw PictureDecoder.Bad(name, $"no number at byte {at}");
    }
}
