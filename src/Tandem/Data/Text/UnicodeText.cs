using System.Globalization;
using System.Text;

namespace Tandem.Data.Text;

/// <summary>Lower case and normal forms as the tokenizers' originals have them, where .NET's own differ.</summary>
static class UnicodeText
{
    static readonly Lazy<bool> hasTables = new(static () => "\u00E9".Normalize(NormalizationForm.FormD).Length == 2);

    /// <summary>Normal forms need ICU: without it .NET leaves everything but ASCII as it is, which would go unnoticed.</summary>
    /// <exception cref="TandemException"><see cref="ErrorKind.Machine"/>: ICU is missing.</exception>
    public static void RequireTables()
    {
        if (!hasTables.Value)
        {
            throw new TandemException(ErrorKind.Machine, "Unicode's normal forms are not available: .NET runs without ICU", expected: "the library libicu",
                remedy: "Install it (`apt-get install libicu72`, or your system's version) and unset DOTNET_SYSTEM_GLOBALIZATION_INVARIANT");
        }
    }

    /// <summary>Replaces every unpaired surrogate by U+FFFD: what comes out is valid text.</summary>
    public static string Valid(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (!char.IsSurrogate(text[i]))
                continue;
            if (char.IsHighSurrogate(text[i]) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]))
                i++;
            else
                return Repaired(text);
        }
        return text;
    }

    static string Repaired(string text)
    {
        var valid = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
            valid.Append(rune); // an unpaired surrogate is enumerated as U+FFFD
        return valid.ToString();
    }

    /// <summary>A normal form of valid text.</summary>
    public static string Normalize(string text, NormalizationForm form)
    {
        if (Ascii.IsValid(text))
            return text;
        RequireTables();
        // ICU refuses U+FFFE; it is its own normal form and no neighbour's.
        if (!text.Contains('\uFFFE', StringComparison.Ordinal))
            return text.Normalize(form);
        return string.Join('\uFFFE', text.Split('\uFFFE').Select(part => part.Normalize(form)));
    }

    /// <summary>Python's <c>str.lower</c>, final sigma included.</summary>
    public static string PythonLower(string text)
    {
        if (Ascii.IsValid(text))
            return text.ToLowerInvariant();
        var lower = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length;)
        {
            Rune.DecodeFromUtf16(text.AsSpan(i), out var rune, out var length);
            if (rune.Value == 0x3A3)
                lower.Append(IsFinal(text, i) ? '\u03C2' : '\u03C3');
            else
                AppendLower(lower, rune);
            i += length;
        }
        return lower.ToString();
    }

    /// <summary>Lower case of each character alone: a final sigma stays the common one.</summary>
    public static string EachLower(string text)
    {
        if (Ascii.IsValid(text))
            return text.ToLowerInvariant();
        var lower = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
            AppendLower(lower, rune);
        return lower.ToString();
    }

    static void AppendLower(StringBuilder to, Rune rune)
    {
        if (rune.Value == 0x130)
            to.Append("i\u0307"); // .NET leaves it
        else
            to.Append(Rune.ToLowerInvariant(rune));
    }

    /// <summary>Text without the characters for which <paramref name="drop"/> holds.</summary>
    public static string Without(string text, Func<int, bool> drop)
    {
        var kept = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            if (!drop(rune.Value))
                kept.Append(rune);
        }
        return kept.Length == text.Length ? text : kept.ToString();
    }

    // Python's rule: a cased letter before, none behind, case-ignorable characters on both sides skipped.
    static bool IsFinal(string text, int at)
    {
        var before = at;
        var found = false;
        while (before > 0)
        {
            Rune.DecodeLastFromUtf16(text.AsSpan(0, before), out var rune, out var length);
            before -= length;
            if (IsCaseIgnorable(rune.Value))
                continue;
            found = IsCased(rune.Value);
            break;
        }
        if (!found)
            return false;
        for (var behind = at + 1; behind < text.Length;)
        {
            Rune.DecodeFromUtf16(text.AsSpan(behind), out var rune, out var length);
            behind += length;
            if (!IsCaseIgnorable(rune.Value))
                return !IsCased(rune.Value);
        }
        return true;
    }

    static bool IsCaseIgnorable(int c) => c is 0x27 or 0x2E or 0x3A or 0xB7 or 0x387 or 0x55F or 0x5F4 or 0x2018 or 0x2019 or 0x2024 or 0x2027 or 0xFE13 or 0xFE52 or 0xFE55 or 0xFF07 or 0xFF0E or 0xFF1A
        || Characters.CategoryOf(c) is UnicodeCategory.NonSpacingMark or UnicodeCategory.EnclosingMark or UnicodeCategory.Format or UnicodeCategory.ModifierLetter or UnicodeCategory.ModifierSymbol;

    static bool IsCased(int c) => Characters.CategoryOf(c) is UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter or UnicodeCategory.TitlecaseLetter || IsOtherCased(c);

    // Other_Uppercase and Other_Lowercase of Unicode 15: letters without a case pair that are cased all the same.
    static bool IsOtherCased(int c) => c is 0xAA or 0xBA or (>= 0x2B0 and <= 0x2B8) or 0x2C0 or 0x2C1 or (>= 0x2E0 and <= 0x2E4) or 0x345 or 0x37A or 0x10FC or (>= 0x1D2C and <= 0x1D6A) or 0x1D78
        or (>= 0x1D9B and <= 0x1DBF) or 0x2071 or 0x207F or (>= 0x2090 and <= 0x209C) or (>= 0x2160 and <= 0x217F) or (>= 0x24B6 and <= 0x24E9) or 0x2C7C or 0x2C7D or 0xA69C or 0xA69D or 0xA770
        or (>= 0xA7F2 and <= 0xA7F4) or 0xA7F8 or 0xA7F9 or (>= 0xAB5C and <= 0xAB5F) or 0xAB69 or 0x10780 or (>= 0x10783 and <= 0x10785) or (>= 0x10787 and <= 0x107B0) or (>= 0x107B2 and <= 0x107BA)
        or (>= 0x1E030 and <= 0x1E06D) or (>= 0x1F130 and <= 0x1F149) or (>= 0x1F150 and <= 0x1F169) or (>= 0x1F170 and <= 0x1F189);
}
