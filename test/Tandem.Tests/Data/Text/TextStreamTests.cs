using Tandem.Data;
using Tandem.Data.Masks;
using Tandem.Data.Text;
using Tandem.Models;
using Tandem.Torch;
using Xunit;

namespace Tandem.Tests.Data.Text;

public sealed class TextStreamTests : IDisposable
{
    readonly TemporaryFolder folder = new();
    readonly Tokenizer tokenizer;

    public TextStreamTests()
    {
        folder.Write("corpus.txt", string.Concat(Enumerable.Range(0, 200).Select(i => $"the quick brown fox number {i} jumps over the lazy dog\n")));
        VocabularyFiles.Write(folder["vocabulary"], BpeTraining.Train(folder["corpus.txt"], new(), new() { Size = 300 }));
        tokenizer = Tokenizer.Load(folder["vocabulary"]);
    }

    public void Dispose() => folder.Dispose();

    static List<TextBatch> Batches(TextStream stream, List<int>? complete = null)
    {
        List<TextBatch> batches = [];
        while (stream.Next(CancellationToken.None) is TextBatch batch)
        {
            batches.Add(batch);
            complete?.Add(stream.Complete);
        }
        stream.Dispose();
        return batches;
    }

    static long[] Row(TextBatch batch, int row) => batch.Tokens.As<long>().Slice(row * (int)batch.Tokens.Shape[1], batch.Lengths[row]).ToArray();

    [Fact]
    public void ATrainedVocabularyHasRobertasSpecialTokens()
    {
        Assert.Equal(new SpecialTokens { Begin = 0, Pad = 1, End = 2, Unknown = 3, Mask = tokenizer.Size - 1 }, tokenizer.Special);
    }

    [Fact]
    public void RowsAreFramedPaddedAndComeInSeveralWindowsWhereTextsAreLong()
    {
        var text = string.Join(' ', Enumerable.Range(0, 40).Select(i => $"fox {i}"));
        using var source = SentenceSource.OfTexts(["", "the fox", text]);
        var batches = Batches(new(source, null, tokenizer, 10, new() { Batch = 100 }));
        var only = Assert.Single(batches);
        Assert.Equal(0, only.Ids.Count(id => id > 2));
        Assert.Equal([0L, 2L], Row(only, Array.IndexOf(only.Ids, 0L)));
        long[] fox = [0, .. tokenizer.Encode("the fox").Select(id => (long)id), 2];
        var second = Array.IndexOf(only.Ids, 1L);
        Assert.Equal(fox, Row(only, second));
        Assert.Equal(fox.Length, only.Weight(second));
        Assert.All(only.Tokens.As<long>().Slice((second * 10) + fox.Length, 10 - fox.Length).ToArray(), id => Assert.Equal(1, id));
        List<long> joined = [];
        for (var row = 0; row < only.Count; row++)
        {
            if (only.Ids[row] != 2)
                continue;
            var tokens = Row(only, row);
            Assert.True(tokens.Length <= 10 && tokens[0] == 0 && tokens[^1] == 2);
            joined.AddRange(tokens[1..^1]);
        }
        Assert.Equal(tokenizer.Encode(text), joined.Select(id => (int)id));
    }

    [Fact]
    public void BatchesDoNotDependOnThreadsAndHoldRowsOfLikeLength()
    {
        var random = new Random(1);
        string[] texts = [.. Enumerable.Range(0, 3000).Select(i => string.Concat(Enumerable.Repeat("fox ", random.Next(1, 60))) + i)];
        using var source = SentenceSource.OfTexts(texts);
        List<int> complete = [];
        var one = Batches(new(source, null, tokenizer, 64, new() { Batch = 8, Workers = 1 }), complete);
        var three = Batches(new(source, null, tokenizer, 64, new() { Batch = 8, Workers = 3 }));
        Assert.Equal(one.Count, three.Count);
        for (var i = 0; i < one.Count; i++)
        {
            Assert.Equal(one[i].Ids, three[i].Ids);
            Assert.Equal(one[i].Tokens.Bytes, three[i].Tokens.Bytes);
        }
        double padded = one.Sum(batch => batch.Tokens.Shape[0] * batch.Tokens.Shape[1]), real = one.Sum(batch => batch.Lengths.Sum());
        Assert.True(real / padded > 0.9, $"{real / padded}");
        Assert.Equal(Enumerable.Range(0, 3000).Select(i => (long)i), one.SelectMany(batch => batch.Ids).Distinct().Order());
        // All that the watermark says is complete has come, and all is complete in the end.
        HashSet<long> come = [];
        for (var i = 0; i < one.Count; i++)
        {
            come.UnionWith(one[i].Ids);
            Assert.True(Enumerable.Range(0, complete[i]).All(place => come.Contains(place)));
        }
        Assert.Equal(3000, complete[^1]);
    }

    [Fact]
    public void UnitsArePlaceAndPart()
    {
        folder.Write("pairs.tsv", "sentence1\tsentence2\nthe fox\tthe dog\nthe quick fox\tfox\nfox\tdog\n");
        using var source = SentenceSource.Open(folder["pairs.tsv"]);
        var only = Assert.Single(Batches(new(source, [2, 0], tokenizer, 64, new())));
        Assert.Equal([0L, 1L, 2L, 3L], only.Ids.Order());
        int[] dog = [0, .. tokenizer.Encode("dog"), 2];
        Assert.Equal(dog, Row(only, Array.IndexOf(only.Ids, 1L)).Select(id => (int)id));
    }

    [Fact]
    public void AnAbandonedStreamEnds()
    {
        using var source = SentenceSource.OfTexts([.. Enumerable.Range(0, 20_000).Select(i => $"fox {i}")]);
        var stream = new TextStream(source, null, tokenizer, 16, new() { Batch = 4 });
        Assert.NotNull(stream.Next(CancellationToken.None));
        stream.Dispose();
        Assert.Throws<ObjectDisposedException>(() => stream.Next(CancellationToken.None));
        Assert.Equal(ErrorKind.Usage, Assert.Throws<TandemException>(() => new TextStream(source, null, tokenizer, 2, new())).Kind);
    }

    [Fact]
    public void TheBagOfTokensIsTheShareOfEach()
    {
        using var source = SentenceSource.OfTexts(["the fox the fox", ""]);
        var batch = Assert.Single(Batches(new(source, null, tokenizer, 64, new())));
        var bag = new TokenBag(tokenizer);
        var shares = bag.Of(batch);
        Assert.Equal(tokenizer.Size, bag.Width);
        var row = Array.IndexOf(batch.Ids, 0L);
        var ids = tokenizer.Encode("the fox the fox");
        Assert.Equal(1, shares.AsSpan(row * bag.Width, bag.Width).ToArray().Sum(), 1e-6f);
        Assert.Equal((float)ids.Count(id => id == ids[0]) / ids.Length, shares[(row * bag.Width) + ids[0]], 1e-6f);
        Assert.Equal(0, shares[row * bag.Width]);
        Assert.Equal(0, shares.AsSpan((1 - row) * bag.Width, bag.Width).ToArray().Sum());
        Assert.Equal(4096, TokenBag.WidthOf(50_265));
    }

    [Fact]
    public void PreprocessingTakesItsTokenizerAlong()
    {
        var made = TextPreprocessing.Of(folder["vocabulary"], tokenizer, 64);
        Directory.CreateDirectory(folder["model"]);
        made.SaveFiles(folder["model"]);
        Assert.Equal(["tokenizer.json"], made.TokenizerFiles);
        Assert.Equal(File.ReadAllBytes(folder["vocabulary", "tokenizer.json"]), File.ReadAllBytes(folder["model", "tokenizer.json"]));
        var told = new TextPreprocessing { MaxTokens = 64, TokenizerFiles = made.TokenizerFiles, TokenizerFingerprint = made.TokenizerFingerprint };
        var loaded = told.LoadedFrom(folder["model"]);
        Assert.Equal(made, loaded);
        Assert.NotEqual(made, made with { MaxTokens = 65 });
        Assert.Equal(tokenizer.Size, loaded.BaselineWidth);
        Directory.CreateDirectory(folder["copy"]);
        loaded.SaveFiles(folder["copy"]);
        Assert.Equal(File.ReadAllBytes(folder["model", "tokenizer.json"]), File.ReadAllBytes(folder["copy", "tokenizer.json"]));
        VocabularyFiles.Write(folder["model"], BpeTraining.Train(folder["corpus.txt"], new(), new() { Size = 280 }));
        Assert.Contains("does not fit", Assert.Throws<TandemException>(() => told.LoadedFrom(folder["model"]).Tokenizer).Message);
        File.Delete(folder["model", "tokenizer.json"]);
        Assert.Equal(folder["model", "tokenizer.json"], Assert.Throws<TandemException>(() => told.LoadedFrom(folder["model"])).Where);
        Assert.Throws<TandemException>(() => (told with { TokenizerFiles = ["../x"] }).LoadedFrom(folder["model"]));
    }

    [Theory]
    [InlineData("gpt2", "merges.txt", "vocab.json")]
    [InlineData("roberta", "dict.txt", "encoder.json", "vocab.bpe")]
    [InlineData("bert", "tokenizer_config.json", "vocab.txt")]
    public void FilesOfATokenizerAreThoseThatItWasReadFrom(string kind, params string[] names)
    {
        foreach (var name in names)
            folder.Write($"{kind}/{name}", name.StartsWith("vocab.txt", StringComparison.Ordinal) ? "[PAD]\n[UNK]\n" : "{}");
        folder.Write($"{kind}/README.md", "other");
        Assert.Equal(names, TokenizerFiles.FilesOf(folder[kind]).Select(Path.GetFileName));
        Assert.Equal(names, TokenizerFiles.FilesOf(folder[kind, names[0]]).Select(Path.GetFileName));
    }

    [Fact]
    public void SpansOfTextLeavePaddingAloneAndHaveOneCount()
    {
        var plan = MaskPlan.OfText(new() { Probability = 0.48, Length = 4 }, copies: 3, seed: 7, tokens: 64);
        Assert.True(plan.Spans);
        int[] lengths = [64, 60, 3];
        var (masks, again) = (plan.Empty(3), plan.Empty(3));
        plan.Draw(masks, lengths, step: 5, slot: 8);
        plan.Draw(again, lengths, step: 5, slot: 8);
        Assert.Equal(masks.Bytes, again.Bytes);
        var rows = Enumerable.Range(0, 9).Select(row => masks.Bytes.AsSpan(row * 64, 64).ToArray()).ToArray();
        Assert.Single(rows.Select(row => row.Count(bit => bit == 1)).Distinct());
        Assert.All(rows[3..6], row => Assert.DoesNotContain((byte)1, row[60..]));
        // A row shorter than four spans counts so much of its padding as its own.
        Assert.All(rows[6..], row => Assert.DoesNotContain((byte)1, row[16..]));
        Assert.NotEqual(rows[0], rows[1]);
        var single = MaskPlan.OfText(new() { Probability = 0.5, Length = 1 }, copies: 2, seed: 7, tokens: 64);
        Assert.False(single.Spans);
        var anywhere = single.Empty(3);
        single.Draw(anywhere, lengths, 5, 8);
        Assert.All(Enumerable.Range(0, 6), row => Assert.Equal(32, anywhere.Bytes.AsSpan(row * 64, 64).Count((byte)1)));
    }
}
