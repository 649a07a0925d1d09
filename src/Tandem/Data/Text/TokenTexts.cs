namespace Tandem.Data.Text;

/// <summary>Vocabularies turned round: texts by id.</summary>
static class TokenTexts
{
    const int MostIds = 16 << 20;

    /// <summary>Texts by id; null where an id has none.</summary>
    /// <exception cref="TandemException"><see cref="ErrorKind.Input"/>: ids are negative, absurdly large, or stand for two texts.</exception>
    public static string?[] ById(IReadOnlyDictionary<string, int> vocabulary, bool allowDoubles = false)
    {
        if (vocabulary.Count == 0)
            throw FileFault.Inconsistent.Error("the vocabulary is empty", "the tokenizer's vocabulary");
        var (lowest, highest) = (vocabulary.Values.Min(), vocabulary.Values.Max());
        if (lowest < 0 || highest >= MostIds)
            throw FileFault.Inconsistent.Error($"the vocabulary has the id {(lowest < 0 ? lowest : highest)}", "the tokenizer's vocabulary", $"ids from 0 to {MostIds - 1}");
        var texts = new string?[highest + 1];
        foreach (var (text, id) in vocabulary)
        {
            if (texts[id] is { } other && !allowDoubles)
                throw FileFault.Inconsistent.Error($"the id {id} stands for '{other}' and for '{text}'", "the tokenizer's vocabulary");
            texts[id] = text;
        }
        return texts;
    }

    /// <summary>Ids with a role, by the names that published vocabularies give them.</summary>
    /// <param name="find">The id of a text, or null.</param>
    public static SpecialTokens Roles(Func<string, int?> find) => new()
    {
        Begin = find("<s>") ?? find("[CLS]") ?? find("<|startoftext|>"),
        End = find("</s>") ?? find("[SEP]") ?? find("<|endoftext|>"),
        Pad = find("<pad>") ?? find("[PAD]"),
        Unknown = find("<unk>") ?? find("[UNK]"),
        Mask = find("<mask>") ?? find("[MASK]"),
    };
}
