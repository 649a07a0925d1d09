namespace Tandem.Data.Text.Json;

/// <summary>One or two texts as a model takes them.</summary>
/// <param name="Ids">Token ids.</param>
/// <param name="Tokens">Their texts; an added token shows what it took.</param>
/// <param name="TypeIds">Which text a token belongs to, where the model wants to know.</param>
/// <param name="AttentionMask">0 where padding stands.</param>
/// <param name="SpecialTokensMask">1 where the framing or padding put the token.</param>
public sealed record JsonSample(int[] Ids, string[] Tokens, int[] TypeIds, int[] AttentionMask, int[] SpecialTokensMask);

/// <summary>Tokens of one text, or of a framed sample, under way.</summary>
sealed record TokenRow(int Id, string Text, int Type, bool Framing = false, bool Padding = false);

/// <summary>How texts are framed: the post-processor of a tokenizer.json.</summary>
abstract class JsonFraming
{
    /// <summary>Tokens that framing adds to one text, or to two.</summary>
    public abstract int Added(bool pair);

    /// <summary>Puts texts together.</summary>
    public abstract List<TokenRow> Frame(List<TokenRow> first, List<TokenRow>? second, bool special);

    /// <summary>Builds one; null stands for texts as they are.</summary>
    public static JsonFraming Of(JsonPart? part)
    {
        switch (part?.Type)
        {
            case null or "ByteLevel":
                return new Plain();
            case "RobertaProcessing":
                return new Classic(part.TokenAndId("cls"), part.TokenAndId("sep"), roberta: true);
            case "BertProcessing":
                return new Classic(part.TokenAndId("cls"), part.TokenAndId("sep"), roberta: false);
            case "TemplateProcessing":
                return new Template(part);
            case "Sequence":
                // Only one of a sequence frames; the others are about offsets.
                JsonFraming[] all = [.. part.Objects("processors").Select(Of).Where(framing => framing is not Plain)];
                return all.Length switch
                {
                    0 => new Plain(),
                    1 => all[0],
                    _ => throw part.Unsupported("several post-processors that frame"),
                };
            default:
                throw part.Unsupported($"a post-processor of type {part.Type}");
        }
    }

    sealed class Plain : JsonFraming
    {
        public override int Added(bool pair) => 0;

        public override List<TokenRow> Frame(List<TokenRow> first, List<TokenRow>? second, bool special) => [.. first, .. (second ?? []).Select(row => row with { Type = 1 })];
    }

    sealed class Classic((string Text, int Id) begin, (string Text, int Id) end, bool roberta) : JsonFraming
    {
        public override int Added(bool pair) => !pair ? 2 : roberta ? 4 : 3;

        public override List<TokenRow> Frame(List<TokenRow> first, List<TokenRow>? second, bool special)
        {
            var type = roberta ? 0 : 1;
            TokenRow Mark((string Text, int Id) token, int of) => new(token.Id, token.Text, of, Framing: true);
            var later = (second ?? []).Select(row => row with { Type = type });
            if (!special)
                return [.. first, .. later];
            List<TokenRow> framed = [Mark(begin, 0), .. first, Mark(end, 0)];
            if (second is null)
                return framed;
            if (roberta)
                framed.Add(Mark(end, 0));
            return [.. framed, .. later, Mark(end, type)];
        }
    }

    sealed class Template : JsonFraming
    {
        readonly List<(bool Second, TokenRow? Special, int Type)> single, pair;

        public Template(JsonPart part)
        {
            var tokens = part.Object("special_tokens") ?? throw part.Wrong("special_tokens", "an object");
            single = Read(part, "single", tokens);
            pair = Read(part, "pair", tokens);
        }

        static List<(bool Second, TokenRow? Special, int Type)> Read(JsonPart part, string name, JsonPart tokens)
        {
            List<(bool, TokenRow?, int)> pieces = [];
            foreach (var piece in part.Objects(name))
            {
                if (piece.Object("Sequence") is { } sequence)
                {
                    pieces.Add((sequence.Text("id") == "B", null, sequence.Number("type_id", 0)));
                    continue;
                }
                var special = piece.Object("SpecialToken") ?? throw part.Wrong(name, "sequences and special tokens");
                var token = tokens.Object(special.Text("id")) ?? throw part.Wrong($"special_tokens.{special.Text("id")}", "ids and tokens");
                var type = special.Number("type_id", 0);
                if (token.Field("ids") is not { ValueKind: System.Text.Json.JsonValueKind.Array } ids || token.Field("tokens") is not { ValueKind: System.Text.Json.JsonValueKind.Array } texts || ids.GetArrayLength() != texts.GetArrayLength())
                    throw part.Wrong($"special_tokens.{special.Text("id")}", "as many ids as tokens");
                foreach (var (id, text) in ids.EnumerateArray().Zip(texts.EnumerateArray()))
                    pieces.Add((false, new(id.TryGetInt32(out var number) ? number : throw part.Wrong(name, "ids"), text.ToString(), type, Framing: true), type));
            }
            return pieces;
        }

        public override int Added(bool two) => (two ? pair : single).Count(piece => piece.Special is not null);

        public override List<TokenRow> Frame(List<TokenRow> first, List<TokenRow>? second, bool special)
        {
            var framed = new List<TokenRow>();
            foreach (var (isSecond, token, type) in second is null ? single : pair)
            {
                if (token is null)
                    framed.AddRange((isSecond ? second ?? [] : first).Select(row => row with { Type = type }));
                else if (special)
                    framed.Add(token);
            }
            return framed;
        }
    }
}

/// <summary>How long samples may be, and to which length they are filled.</summary>
sealed class JsonLengths
{
    readonly int? longest;
    readonly string strategy = "";
    readonly bool cutLeft, padLeft, pads;
    readonly int? padTo;
    readonly int multiple, padId, padType;
    readonly string padToken = "";

    /// <summary>Reads <c>truncation</c> and <c>padding</c>; either may be missing.</summary>
    public JsonLengths(JsonPart? truncation, JsonPart? padding)
    {
        if (truncation is not null)
        {
            longest = truncation.Number("max_length");
            strategy = truncation.TextOrNull("strategy") ?? "LongestFirst";
            cutLeft = truncation.TextOrNull("direction") == "Left";
        }
        if (padding is null)
            return;
        pads = true;
        padLeft = padding.TextOrNull("direction") == "Left";
        multiple = padding.Number("pad_to_multiple_of", 0);
        padId = padding.Number("pad_id", 0);
        padType = padding.Number("pad_type_id", 0);
        padToken = padding.TextOrNull("pad_token") ?? "[PAD]";
        if (padding.Field("strategy") is { ValueKind: System.Text.Json.JsonValueKind.Object })
            padTo = padding.Object("strategy")!.Number("Fixed");
    }

    /// <summary>
    /// The tokens of a text's pieces, as far as the library looks: once a text alone has as many as a sample may have, it stops after that piece (from
    /// the end, where the left side is cut). Seen only in which text of a pair counts as the longer.
    /// </summary>
    public List<TokenRow> Enough(List<TokenRow[]> pieces)
    {
        if (longest is not { } limit)
            return [.. pieces.SelectMany(static piece => piece)];
        var (kept, count) = (0, 0);
        while (kept < pieces.Count && count < limit)
            count += pieces[cutLeft ? ^++kept : kept++].Length;
        return [.. (cutLeft ? pieces[^kept..] : pieces[..kept]).SelectMany(static piece => piece)];
    }

    /// <summary>Cuts one text or two, so that with <paramref name="added"/> tokens they are not too long.</summary>
    /// <exception cref="TandemException">The strategy cuts a text that is not there or too short.</exception>
    public void Truncate(ref List<TokenRow> first, ref List<TokenRow>? second, int added)
    {
        if (longest is not { } limit)
            return;
        limit = Math.Max(0, limit - added);
        int n1 = first.Count, n2 = second?.Count ?? 0;
        if (n1 + n2 <= limit)
            return;
        var over = n1 + n2 - limit;
        switch (strategy)
        {
            case "OnlyFirst":
                n1 -= n1 > over || limit == 0 ? over : throw TooShort();
                break;
            case "OnlySecond":
                n2 -= n2 > over || limit == 0 ? over : throw TooShort();
                break;
            default:
                if (second is null)
                    n1 = limit;
                else
                    (n1, n2) = LongestFirst(n1, n2, limit);
                break;
        }
        first = Cut(first, Math.Max(0, n1));
        second = second is null ? null : Cut(second, Math.Max(0, n2));
    }

    static (int, int) LongestFirst(int n1, int n2, int limit)
    {
        var swapped = n1 > n2;
        if (swapped)
            (n1, n2) = (n2, n1);
        n2 = n1 > limit ? n1 : Math.Max(n1, limit - n1);
        if (n1 + n2 > limit)
        {
            n1 = limit / 2;
            n2 = n1 + (limit % 2);
        }
        return swapped ? (n2, n1) : (n1, n2);
    }

    TandemException TooShort() => new(ErrorKind.Input, $"the text that may be cut ({strategy}) is too short for it", expected: $"at most {longest} tokens in all");

    List<TokenRow> Cut(List<TokenRow> rows, int count) => count >= rows.Count ? rows : cutLeft ? rows[^count..] : rows[..count];

    /// <summary>Fills a sample.</summary>
    public List<TokenRow> Pad(List<TokenRow> rows)
    {
        if (!pads)
            return rows;
        var length = padTo ?? rows.Count;
        if (multiple > 0 && length % multiple > 0)
            length += multiple - (length % multiple);
        if (length <= rows.Count)
            return rows;
        var fill = Enumerable.Repeat(new TokenRow(padId, padToken, padType, Framing: true, Padding: true), length - rows.Count);
        return padLeft ? [.. fill, .. rows] : [.. rows, .. fill];
    }
}
