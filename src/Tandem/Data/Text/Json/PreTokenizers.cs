using System.Text;

namespace Tandem.Data.Text.Json;

/// <summary>The pre-tokenizers of a tokenizer.json: each cuts every piece into smaller ones.</summary>
static class PreTokenizers
{
    /// <summary>Builds one.</summary>
    public static Func<string, IEnumerable<string>> Of(JsonPart part)
    {
        switch (part.Type)
        {
            case "Sequence":
                Func<string, IEnumerable<string>>[] all = [.. part.Objects("pretokenizers").Select(Of)];
                return text => all.Aggregate<Func<string, IEnumerable<string>>, IEnumerable<string>>([text], static (pieces, next) => pieces.Where(piece => piece.Length > 0).SelectMany(next));
            case "ByteLevel":
                bool prefix = part.Flag("add_prefix_space", true), split = part.Flag("use_regex", true);
                return text => ByteLevel(text, prefix, split);
            case "BertPreTokenizer":
                return static text => SplitBy(text, Characters.IsSpace, "Removed").SelectMany(static word => SplitBy(word, Characters.IsPunctuation, "Isolated"));
            case "Whitespace":
                return static text => Words(text);
            case "WhitespaceSplit":
                return static text => SplitBy(text, Characters.IsSpace, "Removed");
            case "Digits":
                var digits = part.Flag("individual_digits", false) ? "Isolated" : "Contiguous";
                return text => SplitBy(text, static code => Characters.ClassOf(code) == CharacterClass.Number, digits);
            case "Punctuation":
                var behavior = part.TextOrNull("behavior") ?? "Isolated";
                return text => SplitBy(text, Characters.IsPunctuation, behavior);
            case "Split":
                var pattern = part.Pattern("pattern");
                var (how, invert) = (part.Text("behavior"), part.Flag("invert", false));
                return text => Cut(text, Segments(text, pattern.Find(text), invert), how);
            default:
                throw part.Unsupported($"a pre-tokenizer of type {part.Type}");
        }
    }

    static IEnumerable<string> ByteLevel(string text, bool prefix, bool split)
    {
        if (prefix && !text.StartsWith(' '))
            text = " " + text;
        var utf8 = Encoding.UTF8.GetBytes(text);
        return split ? WordSplit.Pieces(utf8).Select(piece => ByteAlphabet.Write(utf8.AsSpan(piece))) : [ByteAlphabet.Write(utf8)];
    }

    // Runs of word characters, and runs of what is neither word nor white space.
    static IEnumerable<string> Words(string text) =>
        Cut(text, Runs(text, static code => AddedTokens.IsWord(code) ? 1 : Characters.IsSpace(code) ? 0 : 2), "Removed");

    static List<(int Start, int End, bool Match)> Runs(string text, Func<int, int> kind)
    {
        var runs = new List<(int, int, bool)>();
        int start = 0, at = 0, current = -1;
        foreach (var rune in text.EnumerateRunes())
        {
            var now = kind(rune.Value);
            if (now != current && at > start)
            {
                runs.Add((start, at, current == 0));
                start = at;
            }
            current = now;
            at += rune.Utf16SequenceLength;
        }
        if (at > start)
            runs.Add((start, at, current == 0));
        return runs;
    }

    static IEnumerable<string> SplitBy(string text, Func<int, bool> isMatch, string behavior)
    {
        var matches = new List<(int, int)>();
        var at = 0;
        foreach (var rune in text.EnumerateRunes())
        {
            if (isMatch(rune.Value))
                matches.Add((at, at + rune.Utf16SequenceLength));
            at += rune.Utf16SequenceLength;
        }
        return Cut(text, Segments(text, matches, invert: false), behavior);
    }

    static List<(int Start, int End, bool Match)> Segments(string text, IEnumerable<(int Start, int End)> matches, bool invert)
    {
        var segments = new List<(int, int, bool)>();
        var at = 0;
        foreach (var (start, end) in matches)
        {
            if (start > at)
                segments.Add((at, start, invert));
            segments.Add((start, end, !invert));
            at = end;
        }
        if (at < text.Length)
            segments.Add((at, text.Length, invert));
        return segments;
    }

    // Hugging Face's five ways to treat what a pattern found.
    static IEnumerable<string> Cut(string text, List<(int Start, int End, bool Match)> segments, string behavior)
    {
        IEnumerable<(int Start, int End)> cut = behavior switch
        {
            "Removed" => segments.Where(static segment => !segment.Match).Select(static segment => (segment.Start, segment.End)),
            "Isolated" => segments.Select(static segment => (segment.Start, segment.End)),
            "Contiguous" => Contiguous(segments),
            "MergedWithPrevious" => Merged(segments),
            "MergedWithNext" => Enumerable.Reverse(Merged([.. Enumerable.Reverse(segments).Select(static segment => (-segment.End, -segment.Start, segment.Match))])).Select(static segment => (-segment.End, -segment.Start)),
            _ => throw FileFault.Unsupported.Error($"splitting with the behaviour '{behavior}'", "tokenizer.json, pre_tokenizer", "Removed, Isolated, Contiguous, MergedWithPrevious, MergedWithNext"),
        };
        return cut.Where(static piece => piece.End > piece.Start).Select(piece => text[piece.Start..piece.End]);
    }

    static List<(int Start, int End)> Contiguous(List<(int Start, int End, bool Match)> segments)
    {
        var joined = new List<(int Start, int End)>();
        bool? before = null;
        foreach (var (start, end, match) in segments)
        {
            if (match == before)
                joined[^1] = (joined[^1].Start, end);
            else
                joined.Add((start, end));
            before = match;
        }
        return joined;
    }

    static List<(int Start, int End)> Merged(List<(int Start, int End, bool Match)> segments)
    {
        var joined = new List<(int Start, int End)>();
        var before = false;
        foreach (var (start, end, match) in segments)
        {
            if (match && !before && joined.Count > 0)
                joined[^1] = (joined[^1].Start, end);
            else
                joined.Add((start, end));
            before = match;
        }
        return joined;
    }
}
