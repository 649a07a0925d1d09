using System.Buffers.Binary;

namespace Tandem.Data.Images;

/// <summary>Finds the orientation that a camera wrote (EXIF 2.3, tag 0x0112); damaged metadata means none.</summary>
static class Exif
{
    const ushort OrientationTag = 0x0112;

    /// <summary>Orientation of a JPEG: the first APP1 segment that begins with Exif.</summary>
    public static int OfJpeg(ReadOnlySpan<byte> file)
    {
        var at = 2;
        while (at + 4 <= file.Length && file[at] == 0xFF)
        {
            var marker = file[at + 1];
            if (marker == 0xFF)
            {
                at++;
                continue;
            }
            if (marker is 0xDA or 0xD9)
                break;
            if (marker is 0x01 or (>= 0xD0 and <= 0xD8))
            {
                at += 2;
                continue;
            }
            var length = BinaryPrimitives.ReadUInt16BigEndian(file[(at + 2)..]);
            if (length < 2 || at + 2 + length > file.Length)
                break;
            var body = file.Slice(at + 4, length - 2);
            if (marker == 0xE1 && body.StartsWith("Exif\0\0"u8))
                return OfTiff(body[6..]);
            at += 2 + length;
        }
        return 1;
    }

    /// <summary>Orientation of a WebP: its EXIF chunk.</summary>
    public static int OfWebp(ReadOnlySpan<byte> file)
    {
        long at = 12;
        while (at + 8 <= file.Length)
        {
            var chunk = file[(int)at..];
            long length = BinaryPrimitives.ReadUInt32LittleEndian(chunk[4..]);
            if (at + 8 + length > file.Length)
                break;
            if (chunk.StartsWith("EXIF"u8))
            {
                var body = chunk.Slice(8, (int)length);
                return OfTiff(body.StartsWith("Exif\0\0"u8) ? body[6..] : body);
            }
            at += 8 + length + (length & 1);
        }
        return 1;
    }

    /// <summary>Orientation in a TIFF block: the first directory's entry.</summary>
    public static int OfTiff(ReadOnlySpan<byte> block)
    {
        if (block.Length < 8)
            return 1;
        bool little;
        if (block.StartsWith("II"u8))
            little = true;
        else if (block.StartsWith("MM"u8))
            little = false;
        else
            return 1;
        var directory = Four(block[4..], little);
        if (directory > (uint)block.Length - 2)
            return 1;
        var entries = block[(int)directory..];
        var count = Two(entries, little);
        entries = entries[2..];
        for (var i = 0; i < count && entries.Length >= 12; i++, entries = entries[12..])
        {
            if (Two(entries, little) != OrientationTag)
                continue;
            var value = Two(entries[8..], little);
            return value is >= 1 and <= 8 ? value : 1;
        }
        return 1;
    }

    static ushort Two(ReadOnlySpan<byte> at, bool little) =>
        little ? BinaryPrimitives.ReadUInt16LittleEndian(at) : BinaryPrimitives.ReadUInt16BigEndian(at);

    static uint Four(ReadOnlySpan<byte> at, bool little) =>
        little ? BinaryPrimitives.ReadUInt32LittleEndian(at) : BinaryPrimitives.ReadUInt32BigEndian(at);
}
