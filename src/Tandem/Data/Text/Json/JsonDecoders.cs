using System.Globalization;
using System.Text;

namespace Tandem.Data.Text.Json;

/// <summary>The decoders of a tokenizer.json: lists of tokens to lists of texts, which are joined at the end.</summary>
static class JsonDecoders
{
    /// <summary>Builds one.</summary>
    public static Func<List<string>, List<string>> Of(JsonPart part)
    {
        switch (part.Type)
        {
            case "Sequence":
                Func<List<string>, List<string>>[] all = [.. part.Objects("decoders").Select(Of)];
                return tokens => all.Aggregate(tokens, static (so, next) => next(so));
            case "ByteLevel":
                return ByteLevel;
            case "WordPiece":
                var (prefix, clean) = (part.TextOrNull("prefix") ?? "##", part.Flag("cleanup", true));
                return tokens => WordPiece(tokens, prefix, clean);
            case "BPEDecoder":
                var suffix = part.TextOrNull("suffix") ?? "</w>";
                return tokens => [.. tokens.Select((token, i) => suffix.Length == 0 ? token : token.Replace(suffix, i == tokens.Count - 1 ? "" : " ", StringComparison.Ordinal))];
            case "Fuse":
                return static tokens => [string.Concat(tokens)];
            case "Replace":
                var (pattern, content) = (part.Pattern("pattern"), part.Text("content"));
                return tokens => tokens.ConvertAll(token => pattern.Replace(token, content));
            case "Strip":
                var (letter, start, stop) = (part.Text("content"), part.Number("start"), part.Number("stop"));
                return tokens => tokens.ConvertAll(token => Strip(token, letter, start, stop));
            case "ByteFallback":
                return ByteFallback;
            default:
                throw part.Unsupported($"a decoder of type {part.Type}");
        }
    }

    static List<string> ByteLevel(List<string> tokens)
    {
        using var joined = new MemoryStream();
        foreach (var token in tokens)
            joined.Write(ByteAlphabet.Read(token) ?? Encoding.UTF8.GetBytes(token));
        return [Encoding.UTF8.GetString(joined.GetBuffer().AsSpan(0, (int)joined.Length))];
    }

    static List<string> WordPiece(List<string> tokens, string prefix, bool clean) => [.. tokens.Select((token, i) =>
    {
        if (i > 0)
            token = token.StartsWith(prefix, StringComparison.Ordinal) ? token[prefix.Length..] : " " + token;
        return clean ? Clean(token) : token;
    })];

    static readonly (string From, string To)[] cleanings =
    [
        (" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't"), (" 'm", "'m"), (" do not", " don't"), (" 's", "'s"), (" 've", "'ve"), (" 're", "'re"),
    ];

    static string Clean(string token) => cleanings.Aggregate(token, static (text, one) => text.Replace(one.From, one.To, StringComparison.Ordinal));

    static string Strip(string token, string letter, int start, int stop)
    {
        for (var i = 0; i < start && token.StartsWith(letter, StringComparison.Ordinal); i++)
            token = token[letter.Length..];
        for (var i = 0; i < stop && token.EndsWith(letter, StringComparison.Ordinal); i++)
            token = token[..^letter.Length];
        return token;
    }

    // Runs of <0xNN> are bytes; what is no UTF-8 becomes U+FFFD a byte.
    static List<string> ByteFallback(List<string> tokens)
    {
        var texts = new List<string>();
        var bytes = new List<byte>();
        foreach (var token in tokens)
        {
            if (token.Length == 6 && token.StartsWith("<0x", StringComparison.Ordinal) && token[5] == '>' && byte.TryParse(token.AsSpan(3, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var b))
            {
                bytes.Add(b);
                continue;
            }
            Flush();
            texts.Add(token);
        }
        Flush();
        return texts;

        void Flush()
        {
            if (bytes.Count > 0)
                texts.Add(System.Text.Unicode.Utf8.IsValid(bytes.ToArray()) ? Encoding.UTF8.GetString([.. bytes]) : new string('\uFFFD', bytes.Count));
            bytes.Clear();
        }
    }
}
