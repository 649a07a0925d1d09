using Tandem.Data.Text;
using Tandem.Torch;

namespace Tandem.Verify.Text;

/// <summary>Kinds <c>tokenize</c>, <c>detokenize</c> and <c>word_begins</c> of method <c>tokenizers</c>: GPT-2, RoBERTa, BERT.</summary>
sealed class TokenizerKinds : ICaseKind
{
    public string Method => "tokenizers";

    public IReadOnlyList<string> Kinds => ["tokenize", "detokenize", "word_begins", "tokenize_batch", "tokenize_mojibake"];

    public void Check(GoldenCase golden, Comparison comparison, string device)
    {
        var name = golden.Config.GetString("tokenizer");
        if (name is "clip" or "open_clip")
            throw new SkippedException("CLIP's tokenizer is not built yet");
        if (golden.Kind is "tokenize_batch" or "tokenize_mojibake")
            throw new CaseFailedException($"kind '{golden.Kind}' is about CLIP, not about '{name}'");
        var folder = GoldenItems.Vocabulary(golden);
        switch (name)
        {
            case "gpt2":
                Gpt2(golden, comparison, TokenizerFiles.Gpt2(folder));
                break;
            case "roberta":
                Roberta(golden, comparison, TokenizerFiles.Roberta(folder));
                break;
            case "wordpiece":
                WordPieces(golden, comparison, folder);
                break;
            default:
                throw new CaseFailedException($"there is no tokenizer '{name}'");
        }
    }

    static void Gpt2(GoldenCase golden, Comparison comparison, ByteLevelBpe tokenizer)
    {
        if (golden.Kind == "detokenize")
            GoldenItems.Each(golden, comparison, item => item.Same("text", tokenizer.Decode(item.Ids("ids"))));
        else if (golden.Kind == "tokenize")
            GoldenItems.Each(golden, comparison, item => Whole(item, tokenizer));
        else
            throw new CaseFailedException($"kind '{golden.Kind}' is not about GPT-2's tokenizer");
    }

    static void Whole(ItemCheck item, ByteLevelBpe tokenizer)
    {
        var text = item.Text("text");
        item.Same("pieces", ByteLevelBpe.Pieces(text));
        item.Same("ids", tokenizer.Encode(text));
        item.Same("text", tokenizer.Decode(item.Ids("ids")));
    }

    static void Roberta(GoldenCase golden, Comparison comparison, RobertaTokenizer tokenizer)
    {
        if (golden.Config.GetIntOrNull("size") is { } size)
            comparison.Require(tokenizer.Size == size, $"the vocabulary has {tokenizer.Size} ids instead of {size}");
        if (golden.Kind == "word_begins")
        {
            comparison.Tensor("word_begins", new(ScalarType.Byte, [tokenizer.Size], [.. Enumerable.Range(0, tokenizer.Size).Select(id => (byte)(tokenizer.BeginsWord(id) ? 1 : 0))]));
            return;
        }
        if (golden.Kind == "detokenize")
        {
            GoldenItems.Each(golden, comparison, item => item.Same("text", tokenizer.Decode(item.Ids("ids"))));
            return;
        }
        GoldenItems.Each(golden, comparison, item =>
        {
            if (item.Has("fill_mask"))
            {
                item.Same("ids", tokenizer.FillMask(item.Text("fill_mask")));
                return;
            }
            item.Same("ids", tokenizer.Frame(item.Texts("texts"), !item.Flag("no_separator", false)));
            var decoded = tokenizer.DecodeTexts(item.Ids("ids"));
            item.Same("decoded", decoded.Length == 1 ? decoded[0] : decoded);
        });
    }

    static void WordPieces(GoldenCase golden, Comparison comparison, string folder)
    {
        if (golden.Kind != "tokenize")
            throw new CaseFailedException($"kind '{golden.Kind}' is not about WordPiece");
        var tokenizer = TokenizerFiles.BertWordPiece(folder, new()
        {
            LowerCase = golden.Config.GetBool("do_lower_case"),
            Unknown = golden.Config.GetString("unk_token", "[UNK]"),
            LongestWord = golden.Config.GetInt("max_input_chars_per_word", 200),
        });
        GoldenItems.Each(golden, comparison, item =>
        {
            var text = item.Text("text");
            var ids = tokenizer.Encode(text);
            item.Same("basic", tokenizer.Words(text));
            item.Same("tokens", ids.Select(tokenizer.Token));
            item.Same("ids", ids);
        });
    }
}

/// <summary>Kind <c>tokenizer_json</c> of method <c>tokenizers</c>.</summary>
sealed class TokenizerJsonKind : ICaseKind
{
    public string Method => "tokenizers";

    public IReadOnlyList<string> Kinds => ["tokenizer_json"];

    public void Check(GoldenCase golden, Comparison comparison, string device)
    {
        var tokenizer = JsonTokenizer.Load(golden.File(golden.Config.GetString("file")));
        GoldenItems.Each(golden, comparison, item =>
        {
            var sample = tokenizer.Sample(item.Text("text"), item.Has("pair") ? item.Text("pair") : null, item.Flag("special", true));
            item.Same("ids", sample.Ids);
            item.Same("tokens", sample.Tokens);
            item.Same("type_ids", sample.TypeIds);
            item.Same("attention_mask", sample.AttentionMask);
            item.Same("special_tokens_mask", sample.SpecialTokensMask);
            item.Same("decoded", tokenizer.Decode(item.Ids("ids"), skipSpecial: true));
            item.Same("decoded_with_special", tokenizer.Decode(item.Ids("ids"), skipSpecial: false));
        });
    }
}
