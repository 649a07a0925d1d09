using System.Runtime.CompilerServices;

namespace Tandem.Data.Text;

/// <summary>
/// GPT-2's split of a text into pieces, as a scanner over UTF-8: contractions; an optional blank with a run of letters, of numbers or of neither;
/// white space, of which the last character before a word stays for the next piece. Pieces put together are the text again.
/// </summary>
public static class WordSplit
{
    /// <summary>Where the piece that begins at <paramref name="at"/> ends.</summary>
    /// <param name="utf8">Valid UTF-8.</param>
    /// <param name="at">Inside the text.</param>
    public static int End(ReadOnlySpan<byte> utf8, int at)
    {
        var first = utf8[at];
        if (first == (byte)'\'' && Contraction(utf8[(at + 1)..]) is > 0 and var letters)
            return at + 1 + letters;
        // Only U+0020 joins the word behind it.
        var word = first == (byte)' ' && at + 1 < utf8.Length ? at + 1 : at;
        var kind = Characters.ClassAt(utf8, word, out var length);
        return kind == CharacterClass.Space ? SpaceEnd(utf8, at) : RunEnd(utf8, word + length, kind);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static int RunEnd(ReadOnlySpan<byte> utf8, int at, CharacterClass kind)
    {
        while (at < utf8.Length && Characters.ClassAt(utf8, at, out var length) == kind)
            at += length;
        return at;
    }

    static int SpaceEnd(ReadOnlySpan<byte> utf8, int begin)
    {
        int at = begin, last = begin;
        while (at < utf8.Length && Characters.ClassAt(utf8, at, out var length) == CharacterClass.Space)
        {
            last = at;
            at += length;
        }
        return at < utf8.Length && last > begin ? last : at;
    }

    // 's 't 're 've 'm 'll 'd: lower case only, without looking at what follows.
    static int Contraction(ReadOnlySpan<byte> behind) => behind switch
    {
        [(byte)'s' or (byte)'t' or (byte)'m' or (byte)'d', ..] => 1,
        [(byte)'r' or (byte)'v', (byte)'e', ..] or [(byte)'l', (byte)'l', ..] => 2,
        _ => 0,
    };

    /// <summary>All pieces, as places in the text.</summary>
    public static List<Range> Pieces(ReadOnlySpan<byte> utf8)
    {
        var pieces = new List<Range>();
        for (var at = 0; at < utf8.Length;)
        {
            var end = End(utf8, at);
            pieces.Add(at..end);
            at = end;
        }
        return pieces;
    }
}
