using System.Text;
using Tandem.Data.Text;
using Tandem.Torch;
using Xunit;

namespace Tandem.Tests.Data.Text;

public sealed class TokenizerTests : IDisposable
{
    static readonly Lazy<ByteLevelBpe> gpt2 = new(static () => TokenizerFiles.Gpt2(Vocabulary("gpt2")));
    static readonly Lazy<RobertaTokenizer> roberta = new(static () => TokenizerFiles.Roberta(Vocabulary("gpt2")));
    static readonly Lazy<WordPiece> bert = new(static () => TokenizerFiles.BertWordPiece(Vocabulary("bert-base-uncased")));

    readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    internal static string Vocabulary(string name) => Path.Combine(GoldenFolder.Path, "..", "data", "vocab", name);

    /// <summary>Texts of all kinds of characters: what people write, and what they do not.</summary>
    internal static string RandomText(int seed, int length)
    {
        int[] starts = [0x20, 0x41, 0x61, 0x30, 0x09, 0xA0, 0xC0, 0x300, 0x391, 0x430, 0x5D0, 0x900, 0xE01, 0x1100, 0x2000, 0x2460, 0x3040, 0x4E00, 0xAC00, 0xFB00, 0xFF00, 0x10400, 0x1D400, 0x1F600, 0x20000, 0xE0000];
        var draw = Randomness.Of(seed, "text");
        var text = new StringBuilder();
        for (var i = 0; i < length; i++)
        {
            var code = draw.Next(3) == 0 ? ' ' + (int)draw.Next(0x5F) : draw.Next(8) == 0 ? (int)draw.Next(0x110000) : starts[draw.Next(starts.Length)] + (int)draw.Next(0x30);
            if (Rune.IsValid(code))
                text.Append(new Rune(code).ToString());
        }
        return text.ToString();
    }

    [Fact]
    public void EveryTextComesBackFromItsIds()
    {
        for (var seed = 0; seed < 300; seed++)
        {
            var text = RandomText(seed, seed);
            Assert.Equal(text, gpt2.Value.Decode(gpt2.Value.Encode(text)));
            Assert.Equal(text, roberta.Value.Decode(roberta.Value.Encode(text)));
            Assert.Equal(text, string.Concat(ByteLevelBpe.Pieces(text)));
        }
    }

    [Fact]
    public void UnpairedSurrogatesCountAsReplacementCharacters() =>
        Assert.Equal(gpt2.Value.Encode("a\uFFFDb\uFFFD"), gpt2.Value.Encode("a\uD800b\uDC00"));

    [Fact]
    public void LongWordsWithoutABlankAreMergedLikeShortOnes()
    {
        // The scan and the heap must agree: the same word once below and once beyond the length at which the method changes.
        for (var seed = 0; seed < 50; seed++)
        {
            var word = string.Concat(Enumerable.Range(0, 60).Select(i => (char)('a' + Randomness.Of(seed, "word", i).Next(seed % 5 + 1))));
            var table = MergesOf(gpt2.Value);
            foreach (var oneAtATime in new[] { false, true })
            {
                var merger = new WordMerger(table, oneAtATime);
                int[] symbols = [.. word.Select(c => gpt2.Value.Encode(c.ToString())[0])];
                int[] padded = [.. symbols, .. Enumerable.Repeat(-2, 20)]; // symbols without any merge make the row long
                var shorter = symbols.AsSpan(0, merger.Merge(symbols)).ToArray();
                var longer = padded.AsSpan(0, merger.Merge(padded)).ToArray();
                Assert.Equal(shorter, longer.Where(symbol => symbol >= 0));
            }
        }
    }

    static MergeTable MergesOf(ByteLevelBpe tokenizer)
    {
        var merges = TokenizerFiles.Merges(Path.Combine(Vocabulary("gpt2"), "vocab.bpe.gz"));
        var vocabulary = ByteLevelBpe.VocabularyOf(merges);
        Assert.Equal(tokenizer.Size, vocabulary.Count);
        return new([.. merges.Select(merge => (vocabulary[merge.Left], vocabulary[merge.Right], vocabulary[merge.Left + merge.Right]))]);
    }

    [Fact]
    public void ATextThatArisesInTwoWaysIsMergedAsTheOriginalsDo()
    {
        // abc from a+bc is best; ab+c is worse; b+c comes after a+b.
        var merges = new List<(string, string)> { ("a", "bc"), ("a", "b"), ("b", "c"), ("ab", "c") };
        var vocabulary = ByteLevelBpe.VocabularyOf(merges);
        var tokenizer = new ByteLevelBpe(vocabulary, merges);
        Assert.Equal(["abc"], tokenizer.Encode("abc").Select(tokenizer.Token));
        Assert.Equal(["bc"], tokenizer.Encode("bc").Select(tokenizer.Token));
    }

    [Fact]
    public void ManyThreadsSeeTheSameIds()
    {
        string[] texts = [.. Enumerable.Range(0, 200).Select(seed => RandomText(seed, 80))];
        int[][] alone = [.. texts.Select(roberta.Value.Encode)];
        var together = new int[texts.Length][];
        Parallel.For(0, texts.Length * 5, i => together[i % texts.Length] = roberta.Value.Encode(texts[i % texts.Length]));
        Assert.Equal(alone, together);
        int[][] pieces = [.. texts.Select(bert.Value.Encode)];
        Parallel.For(0, texts.Length * 5, i => Assert.Equal(pieces[i % texts.Length], bert.Value.Encode(texts[i % texts.Length])));
    }

    [Fact]
    public void WordPieceIsWhatItsWordsAre()
    {
        for (var seed = 0; seed < 100; seed++)
        {
            var text = RandomText(seed, 60);
            var words = bert.Value.Words(text);
            Assert.Equal(words.SelectMany(word => bert.Value.Encode(word)), bert.Value.Encode(text));
            Assert.DoesNotContain(words, word => word.Length == 0 || word.Any(char.IsWhiteSpace));
        }
    }

    [Theory]
    [InlineData("\u039F\u0394\u039F\u03A3", "\u03BF\u03B4\u03BF\u03C2")]
    [InlineData("\u03A3", "\u03C3")]
    [InlineData("\u0391\u03A3'", "\u03B1\u03C2'")]
    [InlineData("\u0391\u03A3'\u0391", "\u03B1\u03C3'\u03B1")]
    [InlineData("\u0130", "i\u0307")]
    public void LowerCaseIsPythons(string text, string lower) => Assert.Equal(lower, UnicodeText.PythonLower(text));

    [Fact]
    public void TheFilesOfATokenizerAreToldByTheirNames()
    {
        Assert.IsType<RobertaTokenizer>(Tokenizer.Load(Vocabulary("gpt2")));
        Assert.IsType<WordPiece>(Tokenizer.Load(Vocabulary("bert-base-uncased")));
        Assert.IsType<JsonTokenizer>(Tokenizer.Load(GoldenFolder.Case("tokenizers/json_roberta/tokenizer.json")));
        var error = Assert.Throws<TandemException>(() => Tokenizer.Load(folder.Path));
        Assert.Equal(ErrorKind.Input, error.Kind);
        folder.Write("dict.txt", "10 5\n10 4\n");
        folder.Write("vocab.bpe", "#version: 0.2\n");
        Assert.Contains("twice", Assert.Throws<TandemException>(() => Tokenizer.Load(folder.Path)).Message, StringComparison.Ordinal);
        folder.Write("vocab.bpe", "#version: 0.2\na b c\n");
        Assert.EndsWith("line 2", Assert.Throws<TandemException>(() => TokenizerFiles.Gpt2(folder.Path)).Where, StringComparison.Ordinal);
    }

    [Fact]
    public void AFingerprintChangesWithTheVocabulary()
    {
        var merges = TokenizerFiles.Merges(Path.Combine(Vocabulary("gpt2"), "vocab.bpe.gz"));
        var fewer = merges[..^1];
        Assert.Equal(gpt2.Value.Fingerprint, new ByteLevelBpe(ByteLevelBpe.VocabularyOf(merges), merges).Fingerprint);
        Assert.NotEqual(gpt2.Value.Fingerprint, new ByteLevelBpe(ByteLevelBpe.VocabularyOf(fewer), fewer).Fingerprint);
        Assert.NotEqual(gpt2.Value.Fingerprint, roberta.Value.Fingerprint);
    }

    [Fact]
    public void AnIdThatIsNoneIsAnErrorForPeople()
    {
        var error = Assert.Throws<TandemException>(() => gpt2.Value.Decode([1, 999_999]));
        Assert.Equal(ErrorKind.Input, error.Kind);
        Assert.Contains("999999", error.Message, StringComparison.Ordinal);
    }
}
