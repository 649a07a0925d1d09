using System.Globalization;
using System.Text;

namespace Tandem.Data.Text.Json;

/// <summary>The normalizers of a tokenizer.json, as functions of a text.</summary>
static class Normalizers
{
    /// <summary>Builds one.</summary>
    public static Func<string, string> Of(JsonPart part)
    {
        switch (part.Type)
        {
            case "Sequence":
                Func<string, string>[] all = [.. part.Objects("normalizers").Select(Of)];
                return text => all.Aggregate(text, static (so, next) => next(so));
            case "NFC": return text => UnicodeText.Normalize(text, NormalizationForm.FormC);
            case "NFD": return text => UnicodeText.Normalize(text, NormalizationForm.FormD);
            case "NFKC": return text => UnicodeText.Normalize(text, NormalizationForm.FormKC);
            case "NFKD": return text => UnicodeText.Normalize(text, NormalizationForm.FormKD);
            case "Lowercase": return UnicodeText.EachLower;
            case "StripAccents": return static text => UnicodeText.Without(text, Characters.IsMark);
            case "Strip":
                bool left = part.Flag("strip_left", true), right = part.Flag("strip_right", true);
                return text => Strip(text, left, right);
            case "Prepend":
                var prefix = part.Text("prepend");
                return text => text.Length == 0 ? text : prefix + text;
            case "Replace":
                var (pattern, content) = (part.Pattern("pattern"), part.Text("content"));
                return text => pattern.Replace(text, content);
            case "BertNormalizer":
                return Bert(part);
            default:
                throw part.Unsupported($"a normalizer of type {part.Type}");
        }
    }

    static string Strip(string text, bool left, bool right)
    {
        int start = 0, end = text.Length;
        while (left && start < end && Characters.IsSpace(text[start]))
            start++;
        while (right && end > start && Characters.IsSpace(text[end - 1]))
            end--;
        return text[start..end];
    }

    static Func<string, string> Bert(JsonPart part)
    {
        bool clean = part.Flag("clean_text", true), ideographs = part.Flag("handle_chinese_chars", true), lower = part.Flag("lowercase", true);
        var accents = part.FlagOrNull("strip_accents") ?? lower;
        return text =>
        {
            if (clean)
                text = Clean(text);
            if (ideographs)
                text = Isolate(text);
            if (accents)
                text = UnicodeText.Without(UnicodeText.Normalize(text, NormalizationForm.FormD), Characters.IsNonspacingMark);
            return lower ? UnicodeText.EachLower(text) : text;
        };
    }

    static string Clean(string text)
    {
        var kept = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            if (rune.Value is 0 or 0xFFFD || IsDropped(rune.Value))
                continue;
            if (Characters.IsSpace(rune.Value))
                kept.Append(' ');
            else
                kept.Append(rune);
        }
        return kept.ToString();
    }

    // Controls, formats and private characters (Google's program keeps the last); what is not assigned stays.
    static bool IsDropped(int code) => code is not ('\t' or '\n' or '\r')
        && Characters.CategoryOf(code) is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.PrivateUse;

    static string Isolate(string text)
    {
        var isolated = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            // Hugging Face's list begins its sixth range at 2B920, Google's at 2B820.
            if (Characters.IsIdeograph(rune.Value) && rune.Value is not (>= 0x2B820 and < 0x2B920))
                isolated.Append(' ').Append(rune).Append(' ');
            else
                isolated.Append(rune);
        }
        return isolated.ToString();
    }
}
