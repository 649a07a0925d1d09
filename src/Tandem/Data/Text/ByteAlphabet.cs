using System.Text;

namespace Tandem.Data.Text;

/// <summary>
/// GPT-2's alphabet: a printable character for each of the 256 bytes, in which vocabulary files are written. Bytes 33–126, 161–172 and 174–255
/// stand for themselves, the 68 others, in rising order, for U+0100 … U+0143.
/// </summary>
public static class ByteAlphabet
{
    static readonly byte[] order = [.. Plain(), .. Enumerable.Range(0, 256).Select(b => (byte)b).Except(Plain())];
    static readonly char[] symbols = BuildSymbols();
    static readonly short[] bytes = BuildBytes();

    static IEnumerable<byte> Plain() => Enumerable.Range(0, 256).Where(b => b is (>= 33 and <= 126) or (>= 161 and <= 172) or >= 174).Select(b => (byte)b);

    static char[] BuildSymbols()
    {
        var table = new char[256];
        var plain = Plain().Count();
        for (var place = 0; place < 256; place++)
            table[order[place]] = place < plain ? (char)order[place] : (char)(256 + place - plain);
        return table;
    }

    static short[] BuildBytes()
    {
        var table = new short[0x144];
        Array.Fill(table, (short)-1);
        for (var b = 0; b < 256; b++)
            table[symbols[b]] = (short)b;
        return table;
    }

    /// <summary>The bytes in GPT-2's order: their places are the first 256 ids.</summary>
    public static ReadOnlySpan<byte> Order => order;

    /// <summary>The character of a byte.</summary>
    public static char SymbolOf(byte value) => symbols[value];

    /// <summary>The byte of a character, or −1 when it is none of the alphabet's.</summary>
    public static int ByteOf(int character) => (uint)character < (uint)bytes.Length ? bytes[character] : -1;

    /// <summary>Bytes as vocabulary files write them.</summary>
    public static string Write(ReadOnlySpan<byte> utf8)
    {
        var text = new StringBuilder(utf8.Length);
        foreach (var b in utf8)
            text.Append(symbols[b]);
        return text.ToString();
    }

    /// <summary>The bytes of a token's text, or null when a character is none of the alphabet's.</summary>
    public static byte[]? Read(string text)
    {
        var read = new byte[text.Length];
        for (var i = 0; i < read.Length; i++)
        {
            if (ByteOf(text[i]) is >= 0 and var b)
                read[i] = (byte)b;
            else
                return null;
        }
        return read;
    }
}
