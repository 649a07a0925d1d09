using System.Text;
using Tandem.Data.Text;
using Xunit;

namespace Tandem.Tests.Data.Text;

public sealed class VocabularyTests : IDisposable
{
    readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    string Corpus()
    {
        var text = new StringBuilder();
        for (var seed = 0; seed < 400; seed++)
            text.Append(TokenizerTests.RandomText(seed % 40, 50).Replace('\n', ' ')).Append(" the quick brown fox, the lazy dog\n");
        return folder.Write("corpus.txt", text.ToString());
    }

    [Fact]
    public void ACorpusGivesTheSameVocabularyWhateverTheThreads()
    {
        var corpus = Corpus();
        var one = BpeTraining.Train(corpus, new(), new() { Size = 500, Threads = 1 });
        var four = BpeTraining.Train(corpus, new(), new() { Size = 500, Threads = 4 });
        Assert.Equal(one.Merges, four.Merges);
        Assert.Equal(one.Counts, four.Counts);
        Assert.Equal(500, one.Tokens.Count);
        Assert.True(one.Counts.Zip(one.Counts.Skip(1)).All(pair => pair.First >= pair.Second));
    }

    [Fact]
    public void WrittenFilesGiveOneTokenizerInTwoForms()
    {
        var trained = BpeTraining.Train(Corpus(), new(), new() { Size = 400 });
        VocabularyFiles.Write(folder["out"], trained);
        Assert.Equal(["merges.txt", "tokenizer.json", "vocab.json"], Directory.GetFiles(folder["out"]).Select(path => System.IO.Path.GetFileName(path)).Order(StringComparer.Ordinal));
        var json = (JsonTokenizer)Tokenizer.Load(folder["out"]);
        var plain = TokenizerFiles.Gpt2(folder["out"]);
        Assert.Equal((0, 2, 1, 3, 404), (json.Special.Begin, json.Special.End, json.Special.Pad, json.Special.Unknown, json.Special.Mask));
        for (var seed = 0; seed < 50; seed++)
        {
            var text = TokenizerTests.RandomText(seed, 60);
            Assert.Equal(plain.Encode(text), json.Encode(text));
            Assert.Equal(text, json.Decode(json.Encode(text)));
        }
        Assert.Equal(404, json.Encode("a<mask>")[1]);
    }

    [Fact]
    public void CountsThatTakeTooMuchRoomLoseTheRarest()
    {
        var counts = new WordCounts(mostWords: 100, mostBytes: 1 << 20);
        for (var round = 0; round < 20; round++)
        {
            var part = new WordCounts();
            for (var i = 0; i < 60; i++)
                part.Add(Encoding.UTF8.GetBytes($"rare {round} {i}"), 1);
            part.Add("common"u8, 50);
            counts.Add(part);
        }
        Assert.True(counts.Count <= 100);
        Assert.True(counts.Dropped > 0);
        Assert.Equal(1000, Enumerable.Range(0, counts.Count).Where(i => counts.Word(i).SequenceEqual("common"u8)).Sum(counts.Of));
    }

    [Fact]
    public void AnEmptyCorpusAndATinyVocabularyAreErrorsForPeople()
    {
        folder.Write("empty.txt", "");
        Assert.Equal(ErrorKind.Input, Assert.Throws<TandemException>(() => BpeTraining.Train(folder["empty.txt"], new(), new())).Kind);
        Assert.Equal(ErrorKind.Usage, Assert.Throws<TandemException>(() => BpeTraining.Train(Corpus(), new(), new() { Size = 100 })).Kind);
    }
}
