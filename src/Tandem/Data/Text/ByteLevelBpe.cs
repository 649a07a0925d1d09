using System.Collections.Concurrent;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace Tandem.Data.Text;

/// <summary>How a byte-level encoding departs from GPT-2's.</summary>
sealed record ByteLevelOptions
{
    /// <summary>Joins one pair after another, as Hugging Face's library does, not all occurrences at once.</summary>
    public bool OneAtATime { get; init; }

    /// <summary>A piece that is a token as a whole is taken as it is.</summary>
    public bool WholeFirst { get; init; }

    /// <summary>The id that each symbol is written as; itself when null.</summary>
    public int[]? Ids { get; init; }
}

/// <summary>
/// GPT-2's byte-level byte-pair encoding (openai/gpt-2, <c>encoder.py</c>): a text is split into pieces, a piece's bytes are joined by the merges.
/// Every text has ids, and they give it back exactly.
/// </summary>
public sealed class ByteLevelBpe : Tokenizer
{
    readonly string?[] texts;
    readonly (string Left, string Right)[] merges;
    readonly byte[]?[] bytes;
    readonly int[] ofByte = new int[256];
    readonly MergeTable table;
    readonly ByteLevelOptions options;
    readonly Dictionary<string, int>? whole;
    readonly ConcurrentBag<Session> spare = [];

    /// <summary>Builds an encoding.</summary>
    /// <param name="vocabulary">Token text, in the alphabet's characters, to id.</param>
    /// <param name="merges">Pairs of token texts, in order of rank.</param>
    /// <exception cref="TandemException"><see cref="ErrorKind.Input"/>: the two do not fit each other, or bytes are missing.</exception>
    public ByteLevelBpe(IReadOnlyDictionary<string, int> vocabulary, IReadOnlyList<(string Left, string Right)> merges)
        : this(vocabulary, merges, new())
    {
    }

    internal ByteLevelBpe(IReadOnlyDictionary<string, int> vocabulary, IReadOnlyList<(string Left, string Right)> merges, ByteLevelOptions options)
    {
        this.merges = [.. merges];
        this.options = options;
        texts = TokenTexts.ById(vocabulary);
        bytes = [.. texts.Select(text => text is null ? null : ByteAlphabet.Read(text) ?? Encoding.UTF8.GetBytes(text))];
        for (var b = 0; b < 256; b++)
            ofByte[b] = Find(vocabulary, ByteAlphabet.SymbolOf((byte)b).ToString(), "the byte " + b.ToString(CultureInfo.InvariantCulture));
        table = new([.. merges.Select(merge => (Find(vocabulary, merge.Left, "a merge's left side"), Find(vocabulary, merge.Right, "a merge's right side"), Find(vocabulary, merge.Left + merge.Right, "what a merge makes")))]);
        if (options.WholeFirst)
            whole = new(vocabulary, StringComparer.Ordinal);
        Special = TokenTexts.Roles(text => vocabulary.TryGetValue(text, out var id) ? id : null);
    }

    static int Find(IReadOnlyDictionary<string, int> vocabulary, string text, string what) => vocabulary.TryGetValue(text, out var id) ? id
        : throw FileFault.Inconsistent.Error($"the vocabulary has no token '{text}', which is {what}", "the tokenizer's vocabulary", "an entry for each byte, for each merge's sides and for what they make");

    /// <summary>The vocabulary that merges make by themselves: bytes, then each merge's text, then <c>&lt;|endoftext|&gt;</c> (GPT-2's encoder.json).</summary>
    public static Dictionary<string, int> VocabularyOf(IReadOnlyList<(string Left, string Right)> merges)
    {
        var vocabulary = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var b in ByteAlphabet.Order)
            vocabulary.Add(ByteAlphabet.SymbolOf(b).ToString(), vocabulary.Count);
        foreach (var (left, right) in merges)
            vocabulary.TryAdd(left + right, vocabulary.Count);
        vocabulary.TryAdd("<|endoftext|>", vocabulary.Count);
        return vocabulary;
    }

    /// <inheritdoc/>
    public override string Description => $"byte-level BPE, {texts.Length} tokens, {merges.Length} merges";

    /// <inheritdoc/>
    public override int Size => options.Ids is { } ids ? ids.Max() + 1 : texts.Length;

    /// <inheritdoc/>
    protected override IEnumerable<string> Identity() =>
    [
        "byte-level", $"{options.OneAtATime} {options.WholeFirst}",
        .. texts.Select((text, id) => string.Create(CultureInfo.InvariantCulture, $"{text} {options.Ids?[id] ?? id}")),
        .. merges.Select(merge => $"{merge.Left} {merge.Right}"),
    ];

    /// <summary>The pieces that a text is split into before merging.</summary>
    public static string[] Pieces(string text)
    {
        var utf8 = Encoding.UTF8.GetBytes(text);
        return [.. WordSplit.Pieces(utf8).Select(piece => Encoding.UTF8.GetString(utf8.AsSpan(piece)))];
    }

    /// <inheritdoc/>
    public override void Encode(ReadOnlySpan<byte> utf8, List<int> ids)
    {
        if (!spare.TryTake(out var session))
            session = new(this);
        for (var at = 0; at < utf8.Length;)
        {
            var end = WordSplit.End(utf8, at);
            session.Word(utf8[at..end], ids);
            at = end;
        }
        spare.Add(session);
    }

    /// <summary>Appends the ids of one piece, which is not split.</summary>
    internal void EncodePiece(ReadOnlySpan<byte> utf8, List<int> ids)
    {
        if (utf8.IsEmpty)
            return;
        if (!spare.TryTake(out var session))
            session = new(this);
        session.Word(utf8, ids);
        spare.Add(session);
    }

    /// <inheritdoc/>
    public override string Decode(ReadOnlySpan<int> ids)
    {
        using var joined = new MemoryStream();
        foreach (var id in ids)
            joined.Write(BytesOf(id));
        return Encoding.UTF8.GetString(joined.GetBuffer().AsSpan(0, (int)joined.Length));
    }

    /// <summary>The bytes that a symbol of the vocabulary stands for.</summary>
    internal ReadOnlySpan<byte> BytesOf(int symbol) => (uint)symbol < (uint)bytes.Length && bytes[symbol] is { } found ? found : throw NoSuchId(symbol);

    /// <inheritdoc/>
    public override string Token(int id) => (uint)id < (uint)texts.Length && texts[id] is { } text ? text : throw NoSuchId(id);

    /// <summary>What encoding needs for itself: one thread's at a time.</summary>
    sealed class Session(ByteLevelBpe owner)
    {
        const int LongestKept = 1 << 16;
        readonly WordCache cache = new();
        readonly WordMerger merger = new(owner.table, owner.options.OneAtATime);
        int[] symbols = new int[256];

        public void Word(ReadOnlySpan<byte> word, List<int> ids)
        {
            if (word.Length > WordCache.LongestWord)
            {
                Append(ids, Merge(word));
            }
            else if (cache.TryGet(word, out var hash, out var known))
            {
                Append(ids, known);
            }
            else
            {
                var tokens = Merge(word);
                Append(ids, tokens);
                cache.Add(word, hash, tokens);
            }
        }

        Span<int> Merge(ReadOnlySpan<byte> word)
        {
            if (owner.whole is { } whole && whole.TryGetValue(ByteAlphabet.Write(word), out var id))
            {
                symbols[0] = id;
                return symbols.AsSpan(0, 1);
            }
            if (word.Length > symbols.Length)
                symbols = new int[word.Length];
            for (var i = 0; i < word.Length; i++)
                symbols[i] = owner.ofByte[word[i]];
            var tokens = symbols.AsSpan(0, merger.Merge(symbols.AsSpan(0, word.Length)));
            // A word as long as a book must not keep its memory for ever.
            if (symbols.Length > LongestKept)
                symbols = new int[256];
            if (owner.options.Ids is { } map)
            {
                foreach (ref var token in tokens)
                    token = map[token];
            }
            return tokens;
        }

        static void Append(List<int> ids, ReadOnlySpan<int> tokens)
        {
            var count = ids.Count;
            CollectionsMarshal.SetCount(ids, count + tokens.Length);
            tokens.CopyTo(CollectionsMarshal.AsSpan(ids)[count..]);
        }
    }
}
