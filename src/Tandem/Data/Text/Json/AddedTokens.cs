using System.Buffers;
using System.Globalization;
using System.Text;

namespace Tandem.Data.Text.Json;

/// <summary>A token that stands beside the model's vocabulary and is cut out of texts as a whole.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Content">Its text.</param>
/// <param name="Special">Whether decoding may skip it.</param>
/// <param name="Normalized">Whether it is looked for in the normalized text.</param>
/// <param name="SingleWord">Whether no word character may stand beside it.</param>
/// <param name="LeftStrip">Whether it takes the white space before it.</param>
/// <param name="RightStrip">Whether it takes the white space behind it.</param>
sealed record AddedToken(int Id, string Content, bool Special, bool Normalized, bool SingleWord, bool LeftStrip, bool RightStrip)
{
    /// <summary>Reads an entry of <c>added_tokens</c>.</summary>
    public static AddedToken Of(JsonPart part) => new(part.Number("id"), part.Text("content"), part.Flag("special", false), part.Flag("normalized", true),
        part.Flag("single_word", false), part.Flag("lstrip", false), part.Flag("rstrip", false));
}

/// <summary>Finds added tokens in a text: the leftmost, of those that begin there the longest.</summary>
sealed class AddedTokens
{
    readonly Dictionary<char, (string Text, AddedToken Token)[]> byFirst;
    readonly SearchValues<char> firsts;

    /// <summary>Looks for tokens by these texts.</summary>
    public AddedTokens(IEnumerable<(string Text, AddedToken Token)> tokens)
    {
        byFirst = tokens.Where(one => one.Text.Length > 0).GroupBy(one => one.Text[0]).ToDictionary(group => group.Key, group => group.OrderByDescending(one => one.Text.Length).ToArray());
        firsts = SearchValues.Create([.. byFirst.Keys]);
        FirstBytes = SearchValues.Create([.. byFirst.Keys.Select(first => Encoding.UTF8.GetBytes([first]) is [var b, ..] && !char.IsSurrogate(first) ? b : (byte)0xF0).Distinct()]);
    }

    /// <summary>What a token's first byte can be: a text without any of them holds no token.</summary>
    public SearchValues<byte> FirstBytes { get; }

    /// <summary>The parts of a text: tokens, and what stands between.</summary>
    public IEnumerable<(AddedToken? Token, string Text)> Split(string text)
    {
        int done = 0, at = 0;
        while (at < text.Length)
        {
            var found = text.AsSpan(at).IndexOfAny(firsts);
            if (found < 0)
                break;
            at += found;
            if (At(text, at) is not { } match)
            {
                at++;
                continue;
            }
            int start = at, end = at + match.Text.Length;
            at = end;
            var token = match.Token;
            if (token.SingleWord && (IsWordBefore(text, start) || IsWordAt(text, end)))
                continue;
            if (token.LeftStrip)
            {
                while (start > done && Characters.IsSpace(text[start - 1]))
                    start--;
            }
            if (token.RightStrip)
            {
                while (end < text.Length && Characters.IsSpace(text[end]))
                    end++;
            }
            if (start > done)
                yield return (null, text[done..start]);
            yield return (token, text[start..end]);
            done = end;
            at = Math.Max(at, end);
        }
        if (done < text.Length)
            yield return (null, text[done..]);
    }

    (string Text, AddedToken Token)? At(string text, int at)
    {
        foreach (var one in byFirst[text[at]])
        {
            if (string.CompareOrdinal(text, at, one.Text, 0, one.Text.Length) == 0)
                return one;
        }
        return null;
    }

    static bool IsWordBefore(string text, int at) => at > 0 && Rune.DecodeLastFromUtf16(text.AsSpan(0, at), out var rune, out _) == OperationStatus.Done && IsWord(rune.Value);

    static bool IsWordAt(string text, int at) => at < text.Length && Rune.DecodeFromUtf16(text.AsSpan(at), out var rune, out _) == OperationStatus.Done && IsWord(rune.Value);

    /// <summary>A word character as Unicode's recommendation for expressions has it: letters, marks, digits, connectors, joiners.</summary>
    public static bool IsWord(int code) => Characters.CategoryOf(code) is <= UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.ConnectorPunctuation
        || code is 0x200C or 0x200D or (>= 0x24B6 and <= 0x24E9) or (>= 0x1F130 and <= 0x1F149) or (>= 0x1F150 and <= 0x1F169) or (>= 0x1F170 and <= 0x1F189);
}
