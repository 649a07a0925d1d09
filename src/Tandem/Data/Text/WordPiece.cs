using System.Collections.Concurrent;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace Tandem.Data.Text;

/// <summary>Greedy longest match against a vocabulary, within one word (google-research/bert, <c>tokenization.py</c>).</summary>
/// <param name="vocabulary">Token to id.</param>
/// <param name="unknown">The token of a word that cannot be cut.</param>
/// <param name="prefix">What pieces after a word's first begin with in the vocabulary.</param>
/// <param name="longestWord">Code points beyond which a word is unknown.</param>
sealed class WordPieceModel(IReadOnlyDictionary<string, int> vocabulary, string unknown, string prefix, int longestWord)
{
    readonly Dictionary<string, int> begins = new(vocabulary, StringComparer.Ordinal);
    readonly Dictionary<string, int> continues = vocabulary.Where(entry => entry.Key.StartsWith(prefix, StringComparison.Ordinal)).ToDictionary(entry => entry.Key[prefix.Length..], entry => entry.Value, StringComparer.Ordinal);
    readonly int longest = vocabulary.Keys.Max(key => key.Length);

    /// <summary>The id of the unknown token, or null when the vocabulary lacks it.</summary>
    public int? Unknown { get; } = vocabulary.TryGetValue(unknown, out var id) ? id : null;

    /// <summary>Appends the pieces of a word.</summary>
    public void Encode(ReadOnlySpan<char> word, List<int> ids)
    {
        var first = ids.Count;
        var isUnknown = CodePoints(word) > longestWord;
        var begin = begins.GetAlternateLookup<ReadOnlySpan<char>>();
        var inside = continues.GetAlternateLookup<ReadOnlySpan<char>>();
        for (var at = 0; at < word.Length && !isUnknown;)
        {
            var lookup = at == 0 ? begin : inside;
            var end = Math.Min(word.Length, at + longest);
            int id;
            while (!lookup.TryGetValue(word[at..end], out id) && end > at)
                end--;
            if (end == at)
            {
                isUnknown = true;
                break;
            }
            ids.Add(id);
            at = end;
        }
        if (!isUnknown)
            return;
        CollectionsMarshal.SetCount(ids, first);
        ids.Add(Unknown ?? throw new TandemException(ErrorKind.Input, $"the word '{word}' is not in the vocabulary, which has no token '{unknown}' for such words"));
    }

    static int CodePoints(ReadOnlySpan<char> word)
    {
        var count = word.Length;
        foreach (var unit in word)
            count -= char.IsLowSurrogate(unit) ? 1 : 0;
        return count;
    }
}

/// <summary>How texts become words for <see cref="WordPiece"/>.</summary>
public sealed record WordPieceOptions
{
    /// <summary>Lower case, without accents.</summary>
    public bool LowerCase { get; init; } = true;

    /// <summary>The token of a word that cannot be cut.</summary>
    public string Unknown { get; init; } = "[UNK]";

    /// <summary>Code points beyond which a word is unknown: 200 in Google's program, 100 in Hugging Face's files.</summary>
    public int LongestWord { get; init; } = 200;
}

/// <summary>
/// BERT's tokenizer (google-research/bert, <c>tokenization.py</c>): cleaned text is split at white space, ideographs and punctuation into words, a
/// word into the longest pieces that the vocabulary has. Special tokens in a text are not recognised.
/// </summary>
public sealed class WordPiece : Tokenizer
{
    readonly string?[] texts;
    readonly WordPieceOptions options;
    readonly WordPieceModel model;
    readonly ConcurrentBag<(WordCache Cache, List<int> Ids)> spare = [];

    /// <summary>Builds the tokenizer.</summary>
    /// <param name="vocabulary">Token to id: vocab.txt.</param>
    /// <param name="options">Case and limits.</param>
    public WordPiece(IReadOnlyDictionary<string, int> vocabulary, WordPieceOptions? options = null)
    {
        this.options = options ?? new();
        texts = TokenTexts.ById(vocabulary);
        model = new(vocabulary, this.options.Unknown, "##", this.options.LongestWord);
        int? Id(string text) => vocabulary.TryGetValue(text, out var id) ? id : null;
        Special = new() { Begin = Id("[CLS]"), End = Id("[SEP]"), Pad = Id("[PAD]"), Mask = Id("[MASK]"), Unknown = model.Unknown };
    }

    /// <inheritdoc/>
    public override string Description => $"WordPiece, {texts.Length} tokens, {(options.LowerCase ? "lower case" : "cased")}";

    /// <inheritdoc/>
    public override int Size => texts.Length;

    /// <inheritdoc/>
    protected override IEnumerable<string> Identity() => ["wordpiece", options.ToString(), .. texts.Select(text => text ?? "")];

    /// <summary>The words of a text, before they are cut into pieces.</summary>
    public List<string> Words(string text)
    {
        var words = new List<string>();
        foreach (var part in Parts(Encoding.UTF8.GetBytes(text)))
            Words(Encoding.UTF8.GetString(part), words);
        return words;
    }

    // Parts between white space; nothing that follows looks beyond them. Controls are no white space here: words join across them.
    static PartEnumerator Parts(ReadOnlySpan<byte> utf8) => new(utf8);

    ref struct PartEnumerator(ReadOnlySpan<byte> utf8)
    {
        readonly ReadOnlySpan<byte> utf8 = utf8;
        int start, end;

        public readonly PartEnumerator GetEnumerator() => this;

        public readonly ReadOnlySpan<byte> Current => utf8[start..end];

        public bool MoveNext()
        {
            start = end;
            while (start < utf8.Length && IsBreak(utf8, start, out var length))
                start += length;
            end = start;
            while (end < utf8.Length && !IsBreak(utf8, end, out var length))
                end += length;
            return end > start;
        }

        static bool IsBreak(ReadOnlySpan<byte> utf8, int at, out int length)
        {
            length = 1;
            if (utf8[at] < 0x80)
                return utf8[at] is (byte)' ' or (byte)'\t' or (byte)'\n' or (byte)'\r';
            var code = Characters.Decode(utf8[at..], out length);
            return code != 0x85 && Characters.IsSpace(code);
        }
    }

    void Words(string part, List<string> words)
    {
        var clean = new StringBuilder(part.Length);
        foreach (var rune in part.EnumerateRunes())
        {
            if (IsDropped(rune.Value))
                continue;
            if (Characters.IsIdeograph(rune.Value))
                clean.Append(' ').Append(rune).Append(' ');
            else
                clean.Append(rune);
        }
        foreach (var one in clean.ToString().Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            var word = one;
            if (options.LowerCase)
                word = UnicodeText.Without(UnicodeText.Normalize(UnicodeText.PythonLower(word), NormalizationForm.FormD), Characters.IsNonspacingMark);
            AtPunctuation(word, words);
        }
    }

    static bool IsDropped(int code) => code is 0 or 0xFFFD || (code is not ('\t' or '\n' or '\r') && Characters.CategoryOf(code) is UnicodeCategory.Control or UnicodeCategory.Format);

    static void AtPunctuation(string word, List<string> words)
    {
        // What normal forms bring in (a blank of its own kind) splits again.
        int start = 0, at = 0;
        while (at < word.Length)
        {
            Rune.DecodeFromUtf16(word.AsSpan(at), out var rune, out var length);
            var space = Characters.IsPythonSpace(rune.Value);
            if (space || Characters.IsPunctuation(rune.Value))
            {
                if (at > start)
                    words.Add(word[start..at]);
                if (!space)
                    words.Add(word.Substring(at, length));
                start = at + length;
            }
            at += length;
        }
        if (at > start)
            words.Add(word[start..]);
    }

    /// <inheritdoc/>
    public override void Encode(ReadOnlySpan<byte> utf8, List<int> ids)
    {
        if (!spare.TryTake(out var session))
            session = (new(), []);
        foreach (var part in Parts(utf8))
        {
            var hash = 0UL;
            if (part.Length <= WordCache.LongestWord && session.Cache.TryGet(part, out hash, out var known))
            {
                ids.AddRange(known);
                continue;
            }
            session.Ids.Clear();
            var words = new List<string>();
            Words(Encoding.UTF8.GetString(part), words);
            foreach (var word in words)
                model.Encode(word, session.Ids);
            ids.AddRange(session.Ids);
            if (part.Length <= WordCache.LongestWord)
                session.Cache.Add(part, hash, CollectionsMarshal.AsSpan(session.Ids));
        }
        spare.Add(session);
    }

    /// <summary>A sample: <c>[CLS] a [SEP]</c> or <c>[CLS] a [SEP] b [SEP]</c>, with types 0 up to the first <c>[SEP]</c>, then 1.</summary>
    public (int[] Ids, int[] Types) Frame(string first, string? second = null)
    {
        int begin = Special.Begin ?? throw Lacks("[CLS]"), end = Special.End ?? throw Lacks("[SEP]");
        List<int> ids = [begin, .. Encode(first), end];
        var types = Enumerable.Repeat(0, ids.Count);
        if (second is not null)
        {
            int[] more = [.. Encode(second), end];
            ids.AddRange(more);
            types = types.Concat(Enumerable.Repeat(1, more.Length));
        }
        return ([.. ids], [.. types]);
    }

    static TandemException Lacks(string token) => new(ErrorKind.Input, $"the vocabulary has no token {token}");

    /// <summary>Pieces joined, a blank before each word: the text as far as the tokenizer kept it.</summary>
    /// <inheritdoc/>
    public override string Decode(ReadOnlySpan<int> ids)
    {
        var text = new StringBuilder();
        foreach (var id in ids)
        {
            var token = Token(id);
            if (token.StartsWith("##", StringComparison.Ordinal) && text.Length > 0)
                text.Append(token.AsSpan(2));
            else
                text.Append(text.Length > 0 ? " " : "").Append(token);
        }
        return text.ToString();
    }

    /// <inheritdoc/>
    public override string Token(int id) => (uint)id < (uint)texts.Length && texts[id] is { } text ? text : throw NoSuchId(id);
}
