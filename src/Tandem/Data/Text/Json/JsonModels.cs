using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Tandem.Data.Text.Json;

/// <summary>The model of a tokenizer.json: pieces to ids.</summary>
abstract class JsonModel
{
    /// <summary>The vocabulary.</summary>
    public required Dictionary<string, int> Vocabulary { get; init; }

    /// <summary>Appends the ids of a piece. For many threads.</summary>
    public abstract void Encode(string piece, List<int> ids);

    /// <summary>What decides its ids, for the fingerprint.</summary>
    public abstract IEnumerable<string> Identity();

    /// <summary>Builds the model.</summary>
    public static JsonModel Of(JsonPart part)
    {
        var vocabulary = ReadVocabulary(part);
        // Files of the first years name no type.
        var type = part.TextOrNull("type") ?? (part.Field("merges") is null ? "WordPiece" : "BPE");
        return type switch
        {
            "BPE" => new BpeModel(part, vocabulary) { Vocabulary = vocabulary },
            "WordPiece" => new WordPieceJsonModel(part, vocabulary) { Vocabulary = vocabulary },
            _ => throw part.Unsupported($"a model of type {type}"),
        };
    }

    static Dictionary<string, int> ReadVocabulary(JsonPart part)
    {
        if (part.Field("vocab") is not { ValueKind: JsonValueKind.Object } vocab)
            throw part.Wrong("vocab", "an object of tokens with their ids");
        var vocabulary = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var entry in vocab.EnumerateObject())
            vocabulary[entry.Name] = entry.Value.ValueKind == JsonValueKind.Number && entry.Value.TryGetInt32(out var id) ? id : throw part.Wrong($"vocab.{entry.Name}", "a whole number");
        return vocabulary;
    }
}

/// <summary>Byte-pair encoding over characters, with all that Hugging Face's library knows of it.</summary>
sealed class BpeModel : JsonModel
{
    readonly List<(string Left, string Right)> merges;
    readonly MergeTable table;
    readonly string? suffix, prefix;
    readonly int? unknown;
    readonly bool fuseUnknown, byteFallback, wholeFirst;

    public BpeModel(JsonPart part, Dictionary<string, int> vocabulary)
    {
        if (part.Field("dropout") is { } dropout && !(dropout.ValueKind == JsonValueKind.Number && dropout.GetDouble() == 0))
            throw part.Unsupported("merges that are left out at random (dropout)");
        suffix = NotEmpty(part.TextOrNull("end_of_word_suffix"));
        prefix = NotEmpty(part.TextOrNull("continuing_subword_prefix"));
        fuseUnknown = part.Flag("fuse_unk", false);
        byteFallback = part.Flag("byte_fallback", false);
        wholeFirst = part.Flag("ignore_merges", false);
        if (part.TextOrNull("unk_token") is { } text)
            unknown = vocabulary.TryGetValue(text, out var id) ? id : throw part.Wrong("unk_token", "a token of the vocabulary");
        merges = ReadMerges(part);
        table = new([.. merges.Select(merge => (Find(merge.Left), Find(merge.Right), Find(Join(merge.Left, merge.Right))))]);

        int Find(string token) => vocabulary.TryGetValue(token, out var found) ? found : throw part.Wrong("merges", $"merges of tokens in the vocabulary; '{token}' is none");
    }

    static string? NotEmpty(string? text) => string.IsNullOrEmpty(text) ? null : text;

    string Join(string left, string right) => left + (prefix is not null && right.StartsWith(prefix, StringComparison.Ordinal) ? right[prefix.Length..] : right);

    /// <summary>Whether every piece in the byte alphabet can be encoded by <see cref="ByteLevelBpe"/>, which is faster.</summary>
    public ByteLevelBpe? AsByteLevel()
    {
        var whole = Enumerable.Range(0, 256).All(b => Vocabulary.ContainsKey(ByteAlphabet.SymbolOf((byte)b).ToString()));
        return whole && suffix is null && prefix is null ? new(Vocabulary, merges, new() { OneAtATime = true, WholeFirst = wholeFirst }) : null;
    }

    public override IEnumerable<string> Identity() =>
        ["bpe", $"{suffix} {prefix} {unknown} {fuseUnknown} {byteFallback} {wholeFirst}", .. Vocabulary.Select(entry => $"{entry.Key} {entry.Value}"), .. merges.Select(merge => $"{merge.Left} {merge.Right}")];

    public override void Encode(string piece, List<int> ids)
    {
        if (wholeFirst && Vocabulary.TryGetValue(piece, out var whole))
        {
            ids.Add(whole);
            return;
        }
        var symbols = new List<int>(piece.Length);
        // An unknown character waits: the next may be fused with it.
        int? waiting = null;
        for (var at = 0; at < piece.Length;)
        {
            var length = char.IsHighSurrogate(piece[at]) && at + 1 < piece.Length ? 2 : 1;
            var character = piece.Substring(at, length);
            var text = (at > 0 ? prefix : null) + character + (at + length == piece.Length ? suffix : null);
            at += length;
            if (Vocabulary.TryGetValue(text, out var id))
            {
                Flush();
                symbols.Add(id);
            }
            else if (!(byteFallback && AddBytes(text, symbols)) && unknown is not null)
            {
                if (!fuseUnknown)
                    Flush();
                waiting = unknown;
            }
        }
        Flush();
        var tokens = System.Runtime.InteropServices.CollectionsMarshal.AsSpan(symbols);
        ids.AddRange(tokens[..new WordMerger(table, oneAtATime: true).Merge(tokens)]);

        void Flush()
        {
            if (waiting is { } one)
                symbols.Add(one);
            waiting = null;
        }
    }

    bool AddBytes(string text, List<int> symbols)
    {
        var found = new List<int>();
        foreach (var b in Encoding.UTF8.GetBytes(text))
        {
            if (!Vocabulary.TryGetValue(string.Create(CultureInfo.InvariantCulture, $"<0x{b:X2}>"), out var id))
                return false;
            found.Add(id);
        }
        symbols.AddRange(found);
        return true;
    }

    static List<(string Left, string Right)> ReadMerges(JsonPart part)
    {
        if (part.Field("merges") is not { ValueKind: JsonValueKind.Array } list)
            throw part.Wrong("merges", "a list");
        var merges = new List<(string, string)>(list.GetArrayLength());
        foreach (var item in list.EnumerateArray())
        {
            string[] pair = item.ValueKind switch
            {
                JsonValueKind.String => item.GetString()!.Split(' '),
                JsonValueKind.Array when item.EnumerateArray().All(side => side.ValueKind == JsonValueKind.String) => [.. item.EnumerateArray().Select(side => side.GetString()!)],
                _ => [],
            };
            merges.Add(pair is [var left, var right] ? (left, right) : throw part.Wrong($"merges[{merges.Count}]", "two tokens, as a list or parted by a blank"));
        }
        return merges;
    }
}

/// <summary>WordPiece.</summary>
sealed class WordPieceJsonModel(JsonPart part, Dictionary<string, int> vocabulary) : JsonModel
{
    readonly WordPieceModel model = new(vocabulary, part.TextOrNull("unk_token") ?? "[UNK]", part.TextOrNull("continuing_subword_prefix") ?? "##", part.Number("max_input_chars_per_word", 100));
    readonly string settings = $"{part.TextOrNull("unk_token")} {part.TextOrNull("continuing_subword_prefix")} {part.Number("max_input_chars_per_word", 100)}";

    public override IEnumerable<string> Identity() => ["wordpiece", settings, .. Vocabulary.Select(entry => $"{entry.Key} {entry.Value}")];

    public override void Encode(string piece, List<int> ids) => model.Encode(piece, ids);
}
