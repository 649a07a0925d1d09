using System.Globalization;
using System.Text;

namespace Tandem.Data.Text;

/// <summary>
/// fairseq's ids for RoBERTa and data2vec: GPT-2's tokens in the order of <c>dict.txt</c> behind four special ones, <c>&lt;mask&gt;</c> last
/// (fairseq, <c>dictionary.py</c>, <c>gpt2_bpe.py</c>, <c>roberta/hub_interface.py</c>). Nothing is put in front of a text, nothing trimmed.
/// </summary>
public sealed class RobertaTokenizer : Tokenizer
{
    const int Begin = 0, Pad = 1, End = 2, Unknown = 3, FirstWord = 4;
    const string MaskText = "<mask>";
    static readonly string[] specials = ["<s>", "<pad>", "</s>", "<unk>"];

    readonly ByteLevelBpe bpe;
    readonly string[] words;
    readonly int[] symbols;

    /// <summary>Builds the ids.</summary>
    /// <param name="vocabulary">GPT-2's encoder.json.</param>
    /// <param name="merges">GPT-2's vocab.bpe.</param>
    /// <param name="words">The symbols of dict.txt, in order: GPT-2's ids as numbers, or fillers.</param>
    public RobertaTokenizer(IReadOnlyDictionary<string, int> vocabulary, IReadOnlyList<(string Left, string Right)> merges, IReadOnlyList<string> words)
    {
        this.words = [.. words];
        var ids = new int[vocabulary.Values.DefaultIfEmpty(0).Max() + 1];
        Array.Fill(ids, Unknown);
        symbols = new int[words.Count];
        for (var i = 0; i < words.Count; i++)
        {
            symbols[i] = int.TryParse(words[i], NumberStyles.None, CultureInfo.InvariantCulture, out var symbol) && symbol < ids.Length ? symbol : -1;
            if (symbols[i] >= 0)
                ids[symbols[i]] = FirstWord + i;
        }
        bpe = new(vocabulary, merges, new() { Ids = ids });
        Special = new() { Begin = Begin, Pad = Pad, End = End, Unknown = Unknown, Mask = Mask };
    }

    int Mask => FirstWord + words.Length;

    /// <inheritdoc/>
    public override string Description => $"byte-level BPE with fairseq's dictionary, {Size} ids";

    /// <inheritdoc/>
    public override int Size => Mask + 1;

    /// <inheritdoc/>
    protected override IEnumerable<string> Identity() => ["roberta", bpe.Fingerprint, .. words];

    /// <summary>Reads dict.txt: a symbol and its count a line, parted by the last blank.</summary>
    /// <param name="lines">The file's lines.</param>
    /// <param name="where">The file, for errors.</param>
    /// <exception cref="TandemException"><see cref="ErrorKind.Input"/>: a line has no count, or a symbol stands twice without <c>#fairseq:overwrite</c>.</exception>
    public static string[] ReadDictionary(IEnumerable<string> lines, string where)
    {
        var words = new List<string>();
        var known = new HashSet<string>(specials, StringComparer.Ordinal);
        foreach (var whole in lines)
        {
            var line = whole.TrimEnd();
            var overwrite = line.EndsWith(" #fairseq:overwrite", StringComparison.Ordinal);
            if (overwrite)
                line = line[..line.LastIndexOf(' ')];
            var blank = line.LastIndexOf(' ');
            if (blank < 0 || !long.TryParse(line.AsSpan(blank + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _))
                throw FileFault.Inconsistent.Error($"'{whole}' is no entry of a dictionary", $"{where}, line {words.Count + 1}", "a symbol, a blank and its count");
            var word = line[..blank];
            if (!known.Add(word) && !overwrite)
                throw FileFault.Inconsistent.Error($"the symbol '{word}' stands twice", $"{where}, line {words.Count + 1}", "each symbol once, or #fairseq:overwrite behind its count");
            words.Add(word);
        }
        return [.. words];
    }

    /// <inheritdoc/>
    public override void Encode(ReadOnlySpan<byte> utf8, List<int> ids) => bpe.Encode(utf8, ids);

    /// <summary>A sample of one text or more: <c>&lt;s&gt; a &lt;/s&gt;</c>, <c>&lt;s&gt; a &lt;/s&gt; &lt;/s&gt; b &lt;/s&gt;</c>.</summary>
    /// <param name="texts">At least one.</param>
    /// <param name="separator">Whether a second <c>&lt;/s&gt;</c> stands between texts.</param>
    public int[] Frame(IReadOnlyList<string> texts, bool separator = true)
    {
        List<int> ids = [Begin];
        for (var i = 0; i < texts.Count; i++)
        {
            if (i > 0 && separator)
                ids.Add(End);
            ids.AddRange(Encode(texts[i]));
            ids.Add(End);
        }
        return [.. ids];
    }

    /// <summary>A sample in which <c>&lt;mask&gt;</c> stands for what is to be predicted; white space before it belongs to the prediction.</summary>
    public int[] FillMask(string text)
    {
        List<int> ids = [Begin];
        var parts = text.Split(MaskText);
        for (var i = 0; i < parts.Length; i++)
        {
            if (i > 0)
                ids.Add(Mask);
            ids.AddRange(Encode(TrimEnd(parts[i])));
        }
        ids.Add(End);
        return [.. ids];
    }

    static string TrimEnd(string text)
    {
        var end = text.Length;
        while (end > 0 && Characters.IsPythonSpace(text[end - 1]))
            end--;
        return text[..end];
    }

    /// <inheritdoc/>
    public override string Decode(ReadOnlySpan<int> ids)
    {
        using var joined = new MemoryStream();
        foreach (var id in ids)
        {
            if (id is not (Begin or End))
                joined.Write(BytesOf(id));
        }
        return Encoding.UTF8.GetString(joined.GetBuffer().AsSpan(0, (int)joined.Length));
    }

    /// <summary>The texts of a sample: one, or several where two <c>&lt;/s&gt;</c> stand in a row.</summary>
    public string[] DecodeTexts(ReadOnlySpan<int> ids)
    {
        if (ids is [Begin, ..])
            ids = ids[1..];
        var texts = new List<string>();
        var start = 0;
        for (var i = 1; i < ids.Length; i++)
        {
            if (ids[i] != End || ids[i - 1] != End)
                continue;
            texts.Add(Decode(ids[start..i]));
            start = i;
        }
        texts.Add(Decode(ids[start..]));
        return [.. texts];
    }

    ReadOnlySpan<byte> BytesOf(int id) => id >= FirstWord && id < Mask && symbols[id - FirstWord] >= 0 ? bpe.BytesOf(symbols[id - FirstWord]) : Encoding.UTF8.GetBytes(Token(id));

    /// <inheritdoc/>
    public override string Token(int id) => id switch
    {
        >= Begin and < FirstWord => specials[id],
        _ when id == Mask => MaskText,
        >= FirstWord when id < Mask => symbols[id - FirstWord] is >= 0 and var symbol ? bpe.Token(symbol) : words[id - FirstWord],
        _ => throw NoSuchId(id),
    };

    /// <summary>Whether an id begins a word: its text begins with a blank; special ids and fillers do as well. For masking whole words.</summary>
    public bool BeginsWord(int id) => id < FirstWord || (id < Mask && (symbols[id - FirstWord] < 0 || BytesOf(id) is [(byte)' ', ..]));
}
