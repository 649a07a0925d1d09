using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace Tandem.Data.Sources;

/// <summary>What a tar member is.</summary>
public enum TarType
{
    /// <summary>A file with data.</summary>
    File,
    /// <summary>A folder.</summary>
    Folder,
    /// <summary>A second name of an earlier member; no data.</summary>
    HardLink,
    /// <summary>A symbolic link; no data.</summary>
    SymbolicLink,
    /// <summary>A device or pipe.</summary>
    Special,
}

/// <summary>One member of a tar file.</summary>
/// <param name="Name">Its name as the archive says it; only a label, never a path to write to.</param>
/// <param name="Type">What it is.</param>
/// <param name="Offset">Where its data begins, counted in the uncompressed archive.</param>
/// <param name="Size">Bytes of data.</param>
/// <param name="Link">What a link points to.</param>
public readonly record struct TarMember(string Name, TarType Type, long Offset, long Size, string? Link);

/// <summary>
/// Reads tar archives in one pass: ustar, GNU long names, pax headers (POSIX.1-2001), base-256 numbers, archives one after another. Nothing is
/// ever unpacked to disk.
/// </summary>
/// <param name="stream">The archive, already uncompressed. If it can seek, data that nobody reads is skipped without reading.</param>
/// <param name="name">The file's name, for errors.</param>
public sealed class TarReader(Stream stream, string name)
{
    const int Block = 512;
    const int LongestExtension = 1 << 20;
    readonly Dictionary<string, string> common = new(StringComparer.Ordinal);
    long position;
    long next;
    TarMember current;

    /// <summary>The next member, or null at the end of the archive.</summary>
    /// <exception cref="TandemException"><see cref="ErrorKind.Input"/>: the archive is truncated, inconsistent, too large in a header, or of an unsupported kind.</exception>
    public TarMember? Next()
    {
        Dictionary<string, string> own = new(StringComparer.Ordinal);
        string? longName = null, longLink = null;
        var header = new byte[Block];
        while (true)
        {
            Skip(next);
            var at = position;
            var read = stream.ReadAtLeast(header, Block, throwOnEndOfStream: false);
            position += read;
            if (read == 0)
                return longName is null && longLink is null && own.Count == 0 ? null : throw FileFault.Truncated.Error("the archive ends between an extended header and its member", name);
            if (read < Block)
            {
                if (header.AsSpan(0, read).ContainsAnyExcept((byte)0))
                    throw FileFault.Truncated.Error($"the archive ends inside a header at byte {at}", name);
                return null;
            }
            next = position;
            if (!header.AsSpan().ContainsAnyExcept((byte)0))
                continue;
            CheckSum(header, at);
            var size = Number(header.AsSpan(124, 12), "size", at);
            var type = (char)header[156];
            if (type is 'x' or 'g' or 'L' or 'K')
            {
                var body = Extension(size, at);
                if (type is 'x' or 'g')
                    Records(body, type == 'x' ? own : common, at);
                else if (type == 'L')
                    longName = Text(body);
                else
                    longLink = Text(body);
                continue;
            }
            current = Member(header, at, size, own, longName, longLink);
            next = checked(position + ((current.Size + Block - 1) / Block * Block));
            return current;
        }
    }

    /// <summary>The data of the member that <see cref="Next"/> gave last; once a member.</summary>
    /// <exception cref="TandemException">The archive ends before the member does.</exception>
    public byte[] Read()
    {
        if (current.Size > Array.MaxLength)
            throw FileFault.TooLarge.Error($"'{current.Name}' has {current.Size} bytes", name);
        Skip(current.Offset);
        // Only what is there is allocated: a size that lies must not take memory.
        using var data = new MemoryStream((int)Math.Min(current.Size, stream.CanSeek ? Math.Max(0, stream.Length - stream.Position) : 1 << 20));
        var buffer = new byte[1 << 16];
        while (data.Length < current.Size)
        {
            var read = stream.Read(buffer, 0, (int)Math.Min(buffer.Length, current.Size - data.Length));
            if (read == 0)
                throw FileFault.Truncated.Error($"the archive ends inside '{current.Name}': {data.Length} of {current.Size} bytes are there", name);
            position += read;
            data.Write(buffer, 0, read);
        }
        return data.Capacity == data.Length ? data.GetBuffer() : data.ToArray();
    }

    TarMember Member(ReadOnlySpan<byte> header, long at, long size, Dictionary<string, string> own, string? longName, string? longLink)
    {
        string? Pax(string key) => own.GetValueOrDefault(key) ?? common.GetValueOrDefault(key);
        if (own.Keys.Concat(common.Keys).Any(key => key.StartsWith("GNU.sparse.", StringComparison.Ordinal)))
            throw FileFault.Unsupported.Error($"the member at byte {at} is a sparse file", name);
        if (Pax("size") is { } told && (!long.TryParse(told, NumberStyles.None, CultureInfo.InvariantCulture, out size) || size < 0))
            throw FileFault.Inconsistent.Error($"the pax size '{told}' before byte {at} is no number", name);
        var label = Text(header[..100]);
        if (header.Slice(257, 6).SequenceEqual("ustar\0"u8) && header[345] != 0)
            label = $"{Text(header.Slice(345, 155))}/{label}";
        label = Pax("path") ?? longName ?? label;
        var type = (char)header[156] switch
        {
            '0' or '\0' or '7' => label.EndsWith('/') ? TarType.Folder : TarType.File,
            '1' => TarType.HardLink,
            '2' => TarType.SymbolicLink,
            '5' => TarType.Folder,
            '3' or '4' or '6' => TarType.Special,
            'S' => throw FileFault.Unsupported.Error($"'{label}' is a sparse file", name),
            var other => throw FileFault.Unsupported.Error($"'{label}' is of type '{other}' (byte {at})", name),
        };
        var link = type is TarType.HardLink or TarType.SymbolicLink ? Pax("linkpath") ?? longLink ?? Text(header.Slice(157, 100)) : null;
        if (type != TarType.File)
            size = 0;
        if (stream.CanSeek && size > stream.Length - position)
            throw FileFault.Truncated.Error($"'{label}' has {size} bytes, but only {stream.Length - position} are left", name);
        return new(label, type, position, size, link);
    }

    void Skip(long to)
    {
        if (to <= position)
            return;
        if (stream.CanSeek)
        {
            // A last member without its padding is accepted.
            position = stream.Seek(Math.Min(to, stream.Length), SeekOrigin.Begin);
            return;
        }
        var buffer = new byte[1 << 16];
        while (position < to)
        {
            var read = stream.Read(buffer, 0, (int)Math.Min(buffer.Length, to - position));
            if (read == 0)
            {
                if (position < current.Offset + current.Size)
                    throw FileFault.Truncated.Error($"the archive ends inside '{current.Name}'", name);
                return;
            }
            position += read;
        }
    }

    byte[] Extension(long size, long at)
    {
        if (size > LongestExtension)
            throw FileFault.TooLarge.Error($"the extended header at byte {at} has {size} bytes", name, $"at most {LongestExtension}");
        var body = new byte[size];
        var read = stream.ReadAtLeast(body, body.Length, throwOnEndOfStream: false);
        position += read;
        if (read < body.Length)
            throw FileFault.Truncated.Error($"the archive ends inside the extended header at byte {at}", name);
        next = position + ((Block - (size % Block)) % Block);
        return body;
    }

    void Records(ReadOnlySpan<byte> body, Dictionary<string, string> into, long at)
    {
        while (body.Length > 0 && body[0] != 0)
        {
            var blank = body.IndexOf((byte)' ');
            if (blank is < 1 or > 9 || !int.TryParse(body[..blank], NumberStyles.None, CultureInfo.InvariantCulture, out var length) || length > body.Length || length <= blank + 1)
                throw FileFault.Inconsistent.Error($"a pax record after byte {at} has no valid length", name);
            var record = body[(blank + 1)..length];
            var equals = record.IndexOf((byte)'=');
            if (equals < 1 || record[^1] != '\n')
                throw FileFault.Inconsistent.Error($"a pax record after byte {at} is not KEY=VALUE", name);
            into[Encoding.UTF8.GetString(record[..equals])] = Encoding.UTF8.GetString(record[(equals + 1)..^1]);
            body = body[length..];
        }
    }

    void CheckSum(ReadOnlySpan<byte> header, long at)
    {
        var told = Number(header.Slice(148, 8), "checksum", at);
        if (!HasValidSum(header, told))
            throw FileFault.Inconsistent.Error(at == 0 ? "this is no tar file: its first header's checksum is wrong" : $"the header at byte {at} has a wrong checksum", name);
    }

    /// <summary>Whether these 512 bytes are a tar header, by its checksum.</summary>
    public static bool IsHeader(ReadOnlySpan<byte> block)
    {
        if (block.Length < Block || block[0] == 0)
            return false;
        long sum = 0;
        foreach (var digit in block.Slice(148, 8))
        {
            if (digit is >= (byte)'0' and <= (byte)'7')
                sum = (sum * 8) + digit - '0';
            else if (digit is not ((byte)' ' or 0))
                return false;
        }
        return HasValidSum(block, sum);
    }

    static bool HasValidSum(ReadOnlySpan<byte> header, long told)
    {
        long unsigned = 8 * ' ', signed = 8 * ' ';
        for (var i = 0; i < Block; i++)
        {
            if (i is >= 148 and < 156)
                continue;
            unsigned += header[i];
            signed += (sbyte)header[i];
        }
        return told == unsigned || told == signed;
    }

    long Number(ReadOnlySpan<byte> field, string what, long at)
    {
        long value = 0;
        if ((field[0] & 0x80) != 0)
        {
            if (field[0] == 0xFF)
                throw FileFault.Inconsistent.Error($"the {what} in the header at byte {at} is negative", name);
            for (var i = 0; i < field.Length; i++)
            {
                if (value > long.MaxValue >> 9)
                    throw FileFault.TooLarge.Error($"the {what} in the header at byte {at} does not fit 64 bits", name);
                value = (value << 8) | (uint)(i == 0 ? field[i] & 0x7F : field[i]);
            }
            return value;
        }
        var text = field.Trim(" \0"u8);
        foreach (var digit in text)
        {
            if (digit is < (byte)'0' or > (byte)'7')
                throw FileFault.Inconsistent.Error(at == 0 ? "this is no tar file" : $"the {what} in the header at byte {at} is no octal number", name);
            value = (value * 8) + digit - '0';
        }
        return value;
    }

    static string Text(ReadOnlySpan<byte> field)
    {
        var end = field.IndexOf((byte)0);
        return Encoding.UTF8.GetString(end < 0 ? field : field[..end]);
    }
}
