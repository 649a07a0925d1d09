using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Tandem.Data.Text.Json;

/// <summary>
/// Finds a pattern in a text by code points. .NET's expressions see UTF-16 units, so they run over a shadow of the text, in which each code point
/// beyond the basic plane is replaced by a character of it that has the same category.
/// </summary>
sealed class TextPattern
{
    readonly string? literal;
    readonly Regex? expression;

    TextPattern(string? literal, Regex? expression) => (this.literal, this.expression) = (literal, expression);

    /// <summary>A text to be found as it is.</summary>
    public static TextPattern Literal(string text) => new(text, null);

    /// <summary>A regular expression.</summary>
    /// <exception cref="TandemException">It has something that .NET's do not know.</exception>
    public static TextPattern Expression(string pattern, string where)
    {
        if (pattern.AsSpan().IndexOfAnyInRange('\uD800', '\uDFFF') >= 0)
            throw FileFault.Unsupported.Error("a regular expression with characters beyond U+FFFF", where);
        try
        {
            return new(null, new Regex(pattern, RegexOptions.CultureInvariant, TimeSpan.FromMinutes(10)));
        }
        catch (ArgumentException cause)
        {
            throw FileFault.Unsupported.Error($"the regular expression is not understood: {cause.Message}", where, inner: cause);
        }
    }

    /// <summary>The occurrences, from left to right, as places in UTF-16 units.</summary>
    public IEnumerable<(int Start, int End)> Find(string text)
    {
        if (literal is not null)
        {
            for (var at = 0; literal.Length > 0 && (at = text.IndexOf(literal, at, StringComparison.Ordinal)) >= 0; at += literal.Length)
                yield return (at, at + literal.Length);
            yield break;
        }
        if (text.AsSpan().IndexOfAnyInRange('\uD800', '\uDFFF') < 0)
        {
            for (var match = expression!.Match(text); match.Success; match = match.NextMatch())
                yield return (match.Index, match.Index + match.Length);
            yield break;
        }
        var shadow = new StringBuilder(text.Length);
        var places = new List<int>();
        var unit = 0;
        foreach (var rune in text.EnumerateRunes())
        {
            places.Add(unit);
            shadow.Append(rune.IsBmp ? (char)rune.Value : Standin(rune.Value));
            unit += rune.Utf16SequenceLength;
        }
        places.Add(unit);
        for (var match = expression!.Match(shadow.ToString()); match.Success; match = match.NextMatch())
            yield return (places[match.Index], places[match.Index + match.Length]);
    }

    /// <summary>Replaces all occurrences.</summary>
    public string Replace(string text, string by)
    {
        if (literal is not null)
            return literal.Length == 0 ? text : text.Replace(literal, by, StringComparison.Ordinal);
        var replaced = new StringBuilder();
        var at = 0;
        foreach (var (start, end) in Find(text))
        {
            replaced.Append(text.AsSpan(at, start - at)).Append(by);
            at = end;
        }
        return replaced.Append(text.AsSpan(at)).ToString();
    }

    // Characters that no pattern is likely to name; letters without a partner of the other case.
    static char Standin(int code) => Characters.CategoryOf(code) switch
    {
        UnicodeCategory.UppercaseLetter => '\u03D2',
        UnicodeCategory.LowercaseLetter => '\u0138',
        UnicodeCategory.TitlecaseLetter => '\u1F88',
        UnicodeCategory.ModifierLetter => '\uA788',
        UnicodeCategory.OtherLetter => '\uA015',
        UnicodeCategory.NonSpacingMark => '\uA806',
        UnicodeCategory.SpacingCombiningMark => '\uA823',
        UnicodeCategory.EnclosingMark => '\uA670',
        UnicodeCategory.DecimalDigitNumber => '\uA8D0',
        UnicodeCategory.LetterNumber => '\uA6E6',
        UnicodeCategory.OtherNumber => '\uA830',
        UnicodeCategory.Format => '\u061C',
        UnicodeCategory.PrivateUse => '\uF8F0',
        UnicodeCategory.ConnectorPunctuation => '\uFE4D',
        UnicodeCategory.DashPunctuation => '\u2E3A',
        UnicodeCategory.OpenPunctuation => '\u2E26',
        UnicodeCategory.ClosePunctuation => '\u2E27',
        UnicodeCategory.InitialQuotePunctuation => '\u2E0C',
        UnicodeCategory.FinalQuotePunctuation => '\u2E0D',
        UnicodeCategory.OtherPunctuation => '\uA4FE',
        UnicodeCategory.MathSymbol => '\u2A00',
        UnicodeCategory.CurrencySymbol => '\uA838',
        UnicodeCategory.ModifierSymbol => '\uA700',
        UnicodeCategory.OtherSymbol => '\uA490',
        _ => '\uFDD0', // unassigned, like all that is left
    };
}
