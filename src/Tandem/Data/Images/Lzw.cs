namespace Tandem.Data.Images;

/// <summary>The LZW of GIF (low bits first) and TIFF (high bits first, code width grown one code early).</summary>
sealed class Lzw(int clear, int firstWidth, bool early, bool mostFirst)
{
    const int Codes = 4096;
    readonly ushort[] prefix = new ushort[Codes];
    readonly byte[] suffix = new byte[Codes];
    readonly byte[] stack = new byte[Codes + 1];

    /// <summary>Unpacks into <paramref name="to"/>; gives the number of bytes written, fewer if the data ends first.</summary>
    public int Unpack(ReadOnlySpan<byte> from, Span<byte> to)
    {
        int written = 0, width = firstWidth, next = clear + 2, previous = -1, bits = 0, at = 0;
        uint pool = 0;
        byte first = 0;
        while (written < to.Length)
        {
            while (bits < width)
            {
                if (at >= from.Length)
                    return written;
                pool = mostFirst ? (pool << 8) | from[at++] : pool | ((uint)from[at++] << bits);
                bits += 8;
            }
            var code = (int)((mostFirst ? pool >> (bits - width) : pool) & ((1u << width) - 1));
            if (!mostFirst)
                pool >>= width;
            bits -= width;
            if (code == clear)
            {
                (width, next, previous) = (firstWidth, clear + 2, -1);
                continue;
            }
            if (code == clear + 1)
                return written;
            if (code > next || (previous < 0 && code >= clear))
                throw new InvalidDataException("an LZW code that was not defined");
            var depth = 0;
            var walk = code;
            if (code == next)
            {
                stack[depth++] = first;
                walk = previous;
            }
            while (walk >= clear)
            {
                stack[depth++] = suffix[walk];
                walk = prefix[walk];
            }
            first = (byte)walk;
            stack[depth++] = first;
            while (depth > 0 && written < to.Length)
                to[written++] = stack[--depth];
            if (previous >= 0 && next < Codes)
            {
                prefix[next] = (ushort)previous;
                suffix[next++] = first;
                if (next + (early ? 1 : 0) == 1 << width && width < 12)
                    width++;
            }
            previous = code;
        }
        return written;
    }
}
