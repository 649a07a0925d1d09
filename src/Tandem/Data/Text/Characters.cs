using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;

namespace Tandem.Data.Text;

/// <summary>What splitting into words distinguishes.</summary>
public enum CharacterClass : byte
{
    /// <summary>Marks, punctuation, symbols, controls, unassigned.</summary>
    Other,
    /// <summary>Categories Lu, Ll, Lt, Lm, Lo.</summary>
    Letter,
    /// <summary>Categories Nd, Nl, No.</summary>
    Number,
    /// <summary>The property White_Space.</summary>
    Space,
}

/// <summary>Properties of code points, as the tokenizers' originals see them.</summary>
static class Characters
{
    const byte NotAscii = 255;

    // Classes of the basic plane by table: looked up for every character of a corpus.
    static readonly byte[] Basic = BuildBasic();

    /// <summary>The class of an ASCII byte; 255 for the bytes of longer sequences.</summary>
    static readonly byte[] Ascii = [.. Enumerable.Range(0, 256).Select(b => b < 128 ? Basic[b] : NotAscii)];

    static byte[] BuildBasic()
    {
        var table = new byte[0x10000];
        for (var c = 0; c < table.Length; c++)
            table[c] = (byte)ByCategory(c);
        return table;
    }

    /// <summary>The class of a code point.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static CharacterClass ClassOf(int codePoint) => (uint)codePoint < 0x10000 ? (CharacterClass)Basic[codePoint] : ByCategory(codePoint);

    static CharacterClass ByCategory(int codePoint) => IsSpace(codePoint) ? CharacterClass.Space : CategoryOf(codePoint) switch
    {
        <= UnicodeCategory.OtherLetter => CharacterClass.Letter,
        UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber => CharacterClass.Number,
        _ => CharacterClass.Other,
    };

    /// <summary>The class of the character that begins at <paramref name="at"/>, and its bytes. The text is valid UTF-8.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static CharacterClass ClassAt(ReadOnlySpan<byte> utf8, int at, out int length)
    {
        var known = Ascii[utf8[at]];
        if (known == NotAscii)
            return Beyond(utf8[at..], out length);
        length = 1;
        return (CharacterClass)known;
    }

    static CharacterClass Beyond(ReadOnlySpan<byte> utf8, out int length) => ClassOf(Decode(utf8, out length));

    /// <summary>The first code point of valid UTF-8.</summary>
    public static int Decode(ReadOnlySpan<byte> utf8, out int length)
    {
        Rune.DecodeFromUtf8(utf8, out var rune, out length);
        return rune.Value;
    }

    /// <summary>The category; of U+1171E as Unicode had it up to version 15, which all published tokenizers know.</summary>
    public static UnicodeCategory CategoryOf(int codePoint) => codePoint == 0x1171E ? UnicodeCategory.NonSpacingMark : CharUnicodeInfo.GetUnicodeCategory(codePoint);

    /// <summary>The property White_Space.</summary>
    public static bool IsSpace(int codePoint) => codePoint is (>= 0x09 and <= 0x0D) or 0x20 or 0x85 or 0xA0 or 0x1680 or (>= 0x2000 and <= 0x200A) or 0x2028 or 0x2029 or 0x202F or 0x205F or 0x3000;

    /// <summary>What Python's <c>str.split</c> and <c>str.strip</c> take for white space.</summary>
    public static bool IsPythonSpace(int codePoint) => IsSpace(codePoint) || codePoint is >= 0x1C and <= 0x1F;

    /// <summary>A mark that takes no place of its own: what stripping accents removes.</summary>
    public static bool IsNonspacingMark(int codePoint) => codePoint >= 0x300 && CategoryOf(codePoint) == UnicodeCategory.NonSpacingMark;

    /// <summary>Marks of all three kinds.</summary>
    public static bool IsMark(int codePoint) => codePoint >= 0x300 && CategoryOf(codePoint) is UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark;

    /// <summary>Punctuation as BERT understands it: category P, and all ASCII that is no letter, digit, blank or control.</summary>
    public static bool IsPunctuation(int codePoint) => codePoint < 0x80
        ? codePoint is (>= 33 and <= 47) or (>= 58 and <= 64) or (>= 91 and <= 96) or (>= 123 and <= 126)
        : CategoryOf(codePoint) is >= UnicodeCategory.ConnectorPunctuation and <= UnicodeCategory.OtherPunctuation;

    /// <summary>Ideographs that BERT makes words of their own (Google's ranges).</summary>
    public static bool IsIdeograph(int codePoint) => codePoint is (>= 0x4E00 and <= 0x9FFF) or (>= 0x3400 and <= 0x4DBF) or (>= 0x20000 and <= 0x2A6DF) or (>= 0x2A700 and <= 0x2B73F)
        or (>= 0x2B740 and <= 0x2B81F) or (>= 0x2B820 and <= 0x2CEAF) or (>= 0xF900 and <= 0xFAFF) or (>= 0x2F800 and <= 0x2FA1F);
}
