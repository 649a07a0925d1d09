using System.Globalization;
using System.Text;
using System.Text.Json;
using Tandem.Data.Text.Json;

namespace Tandem.Data.Text;

/// <summary>
/// A tokenizer.json as Hugging Face's library reads it: added tokens, normalizer, pre-tokenizer, model (BPE or WordPiece), truncation,
/// post-processor, padding, decoder.
/// </summary>
public sealed class JsonTokenizer : Tokenizer
{
    const int MostWords = 1 << 16;
    readonly AddedToken[] added;
    readonly AddedTokens raw, normalized;
    readonly Func<string, string>? normalizer;
    readonly Func<string, IEnumerable<string>>? preTokenizer;
    readonly Func<List<string>, List<string>>? decoder;
    readonly JsonModel model;
    readonly JsonFraming framing;
    readonly JsonLengths lengths;
    readonly ByteLevelBpe? direct;
    readonly bool prefixBlank;
    readonly string?[] texts;
    readonly HashSet<int> special;
    readonly string settings;
    readonly ThreadLocal<Dictionary<string, int[]>> words = new(static () => new(StringComparer.Ordinal));

    JsonTokenizer(JsonPart root)
    {
        model = JsonModel.Of(root.Object("model") ?? throw root.Wrong("model", "an object"));
        added = [.. root.Objects("added_tokens").Select(AddedToken.Of)];
        var first = root.Object("normalizer");
        normalizer = first is null ? null : Normalizers.Of(first);
        var splitting = root.Object("pre_tokenizer");
        preTokenizer = splitting is null ? null : PreTokenizers.Of(splitting);
        framing = JsonFraming.Of(root.Object("post_processor"));
        lengths = new(root.Object("truncation"), root.Object("padding"));
        decoder = root.Object("decoder") is { } last ? JsonDecoders.Of(last) : null;
        raw = new(added.Where(token => !token.Normalized).Select(token => (token.Content, token)));
        normalized = new(added.Where(token => token.Normalized).Select(token => (normalizer?.Invoke(token.Content) ?? token.Content, token)));
        var all = new Dictionary<string, int>(model.Vocabulary, StringComparer.Ordinal);
        foreach (var token in added)
            all[token.Content] = token.Id;
        texts = TokenTexts.ById(all, allowDoubles: true);
        foreach (var token in added)
            texts[token.Id] = token.Content;
        special = [.. added.Where(token => token.Special).Select(token => token.Id)];
        Special = TokenTexts.Roles(text => all.TryGetValue(text, out var id) ? id : null);
        if (normalizer is null && splitting is { Type: "ByteLevel" } && splitting.Flag("use_regex", true) && model is BpeModel bpe)
        {
            direct = bpe.AsByteLevel();
            prefixBlank = splitting.Flag("add_prefix_space", true);
        }
        settings = $"{first?.Element.GetRawText()} {splitting?.Element.GetRawText()}";
    }

    /// <summary>Reads a tokenizer.json.</summary>
    /// <param name="file">The file; may be gzipped, with <c>.gz</c> behind its name.</param>
    /// <exception cref="TandemException"><see cref="ErrorKind.Input"/>: it is damaged, or asks for something that is not built; the message names the field.</exception>
    public static new JsonTokenizer Load(string file)
    {
        using var document = TokenizerFiles.Json(file);
        if (document.RootElement.ValueKind != JsonValueKind.Object)
            throw FileFault.Inconsistent.Error("this is no tokenizer: the document is no object", file);
        return new(new(document.RootElement, "", file));
    }

    /// <inheritdoc/>
    public override string Description => $"tokenizer.json ({(model is BpeModel ? "BPE" : "WordPiece")}), {Size} tokens";

    /// <inheritdoc/>
    public override int Size => texts.Length;

    /// <inheritdoc/>
    protected override IEnumerable<string> Identity() => ["json", settings, .. model.Identity(), .. added.Select(token => token.ToString())];

    /// <inheritdoc/>
    public override void Encode(ReadOnlySpan<byte> utf8, List<int> ids)
    {
        if (direct is not null && utf8.IndexOfAny(raw.FirstBytes) < 0 && utf8.IndexOfAny(normalized.FirstBytes) < 0)
        {
            Direct(utf8, ids);
            return;
        }
        foreach (var (token, text) in Parts(Encoding.UTF8.GetString(utf8)))
        {
            if (token is not null)
                ids.Add(token.Id);
            else
                EncodePart(text, ids);
        }
    }

    void Direct(ReadOnlySpan<byte> utf8, List<int> ids)
    {
        if (prefixBlank && utf8 is not ([] or [(byte)' ', ..]))
            direct!.Encode([(byte)' ', .. utf8], ids);
        else
            direct!.Encode(utf8, ids);
    }

    // Tokens that are looked for as they are come first, the others in what normalizing leaves.
    IEnumerable<(AddedToken? Token, string Text)> Parts(string text)
    {
        foreach (var (token, part) in raw.Split(text))
        {
            if (token is not null)
            {
                yield return (token, part);
                continue;
            }
            foreach (var inner in normalized.Split(normalizer is null ? part : normalizer(part)))
                yield return inner;
        }
    }

    void EncodePart(string text, List<int> ids)
    {
        if (direct is not null)
        {
            Direct(Encoding.UTF8.GetBytes(text), ids);
            return;
        }
        foreach (var piece in preTokenizer is null ? [text] : preTokenizer(text))
        {
            if (piece.Length > 0)
                ids.AddRange(Piece(piece));
        }
    }

    int[] Piece(string piece)
    {
        var known = words.Value!;
        if (known.TryGetValue(piece, out var ids))
            return ids;
        var found = new List<int>();
        model.Encode(piece, found);
        ids = [.. found];
        if (piece.Length > WordCache.LongestWord)
            return ids;
        if (known.Count >= MostWords)
            known.Clear();
        known[piece] = ids;
        return ids;
    }

    /// <summary>One or two texts, framed, cut and filled as the file says.</summary>
    /// <param name="text">The text.</param>
    /// <param name="pair">A second one, or null.</param>
    /// <param name="addSpecial">Whether the framing tokens are put.</param>
    public JsonSample Sample(string text, string? pair = null, bool addSpecial = true)
    {
        var first = Rows(text);
        var second = pair is null ? null : Rows(pair);
        lengths.Truncate(ref first, ref second, addSpecial ? framing.Added(second is not null) : 0);
        var rows = lengths.Pad(framing.Frame(first, second, addSpecial));
        return new([.. rows.Select(row => row.Id)], [.. rows.Select(row => row.Text)], [.. rows.Select(row => row.Type)],
            [.. rows.Select(row => row.Padding ? 0 : 1)], [.. rows.Select(row => row.Framing ? 1 : 0)]);
    }

    List<TokenRow> Rows(string text)
    {
        var pieces = new List<TokenRow[]>();
        foreach (var (token, part) in Parts(UnicodeText.Valid(text)))
        {
            if (token is not null)
            {
                pieces.Add([new(token.Id, part, 0)]);
                continue;
            }
            foreach (var piece in preTokenizer is null ? [part] : preTokenizer(part))
            {
                if (piece.Length > 0)
                    pieces.Add([.. Piece(piece).Select(id => new TokenRow(id, Token(id), 0))]);
            }
        }
        return lengths.Enough(pieces);
    }

    /// <inheritdoc/>
    public override string Decode(ReadOnlySpan<int> ids) => Decode(ids, skipSpecial: true);

    /// <summary>The text of ids. Ids without a token are left out.</summary>
    /// <param name="ids">Token ids.</param>
    /// <param name="skipSpecial">Whether special tokens are left out.</param>
    public string Decode(ReadOnlySpan<int> ids, bool skipSpecial)
    {
        var tokens = new List<string>();
        foreach (var id in ids)
        {
            if ((uint)id < (uint)texts.Length && texts[id] is { } text && !(skipSpecial && special.Contains(id)))
                tokens.Add(text);
        }
        return decoder is null ? string.Join(' ', tokens) : string.Concat(decoder(tokens));
    }

    /// <inheritdoc/>
    public override string Token(int id) => (uint)id < (uint)texts.Length && texts[id] is { } text ? text : throw NoSuchId(id);
}
