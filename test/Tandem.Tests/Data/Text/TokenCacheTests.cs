using System.Text;
using Tandem.Data;
using Tandem.Data.Masks;
using Tandem.Data.Text;
using Xunit;

namespace Tandem.Tests.Data.Text;

public sealed class TokenCacheTests : IDisposable
{
    static readonly Lazy<RobertaTokenizer> tokenizer = new(static () => TokenizerFiles.Roberta(TokenizerTests.Vocabulary("gpt2")));

    readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    string Corpus(int lines = 300)
    {
        var text = new StringBuilder();
        for (var i = 0; i < lines; i++)
            text.Append(i % 10 == 9 ? "" : $"  This is line {i}, a small one. ").Append('\n');
        return folder.Write("corpus.txt", text.ToString());
    }

    TokenStore Open(TokenCacheOptions? options = null) => TokenCache.Open(TextSource.Open(folder["corpus.txt"]), tokenizer.Value, options ?? new() { Folder = folder["cache"] });

    string[] Files => Directory.Exists(folder["cache"]) ? Directory.GetFiles(folder["cache"], "*.tokens") : [];

    static long[] All(TokenStore store)
    {
        var tokens = new long[store.Count];
        store.Read(0, tokens);
        return tokens;
    }

    [Fact]
    public void LinesAreTrimmedEncodedAndEnded()
    {
        Corpus(10);
        using var store = Open();
        var line = tokenizer.Value.Encode("This is line 0, a small one.");
        Assert.Equal([.. line.Select(id => (long)id), 2], All(store)[..(line.Length + 1)]);
        Assert.Equal(10, store.Lines);
        Assert.Equal(1, store.Sizes[9]);
        using var without = Open(new() { Folder = folder["cache"], KeepEmpty = false });
        Assert.Equal(9, without.Lines);
    }

    [Fact]
    public void ACorpusIsTokenizedOnceAndAgainWhenItOrTheTokenizerChanges()
    {
        Corpus();
        Open().Dispose();
        var written = File.GetLastWriteTimeUtc(Assert.Single(Files));
        var work = 0L;
        using (var again = Open(new() { Folder = folder["cache"], Progress = _ => work++ }))
            Assert.Equal(300, again.Lines);
        Assert.Equal(0, work);
        Assert.Equal(written, File.GetLastWriteTimeUtc(Assert.Single(Files)));
        File.AppendAllText(folder["corpus.txt"], "one more\n");
        using (var changed = Open())
            Assert.Equal(301, changed.Lines);
        Assert.Equal(2, Files.Length);
        TokenCache.Open(TextSource.Open(folder["corpus.txt"]), TokenizerFiles.BertWordPiece(TokenizerTests.Vocabulary("bert-base-uncased")), new() { Folder = folder["cache"] }).Dispose();
        Assert.Equal(3, Files.Length);
    }

    [Fact]
    public async Task OfTwoBuildersAtOnceOneWaitsForTheOther()
    {
        Corpus(20_000);
        var work = 0;
        var stores = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
        {
            var counted = 0;
            return Open(new() { Folder = folder["cache"], Progress = _ => counted = Interlocked.CompareExchange(ref counted, 1, 0) == 0 ? Interlocked.Increment(ref work) : counted });
        })));
        var first = All(stores[0]);
        foreach (var store in stores)
        {
            Assert.Equal(first, All(store));
            store.Dispose();
        }
        Assert.Equal(1, work);
        Assert.Single(Files);
        Assert.DoesNotContain(Directory.GetFiles(folder["cache"]), path => path.EndsWith(".tmp", StringComparison.Ordinal));
    }

    [Fact]
    public void ADamagedCacheIsMadeAnewAndAFolderThatCannotBeWrittenCostsAWarningOnly()
    {
        Corpus();
        long[] tokens;
        using (var store = Open())
            tokens = All(store);
        File.WriteAllBytes(Files[0], File.ReadAllBytes(Files[0])[..^5]);
        using (var mended = Open())
            Assert.Equal(tokens, All(mended));
        folder.Write("file", "where the folder should be");
        var warnings = new List<string>();
        using (var nameless = Open(new() { Folder = folder["file", "cache"], Warn = warnings.Add }))
            Assert.Equal(tokens, All(nameless));
        Assert.Contains("temporary file", Assert.Single(warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void AnErrorInTheTextLeavesNoCacheBehind()
    {
        File.WriteAllBytes(folder["corpus.txt"], [.. "good\n"u8, 0xFF, (byte)'\n']);
        Assert.EndsWith("line 2", Assert.Throws<TandemException>(() => Open()).Where, StringComparison.Ordinal);
        Assert.Empty(Files);
    }

    [Fact]
    public void BatchesDependOnSeedAndStepAloneAndHoldWhatTheStoreHolds()
    {
        Corpus();
        using var store = Open();
        var blocks = new TokenBlocks(store, 0, 32, BlockBreak.None);
        Assert.Equal((store.Count + 30) / 31, blocks.Count);
        var masks = new MaskPlan(new MaskSampler(new MaskOptions { Probability = 0.5, Length = 1 }, 3, 7), (1, 32));
        List<TextBatch> Take(int workers, long first)
        {
            using var loader = new Loader<TextBatch>(new TextBatchMaker(blocks, 1, masks), new TrainingPlan(new Order(7, blocks.Count), 8, microBatches: 2), workers, firstBatch: first);
            return [.. Enumerable.Range(0, 12).Select(_ => loader.Next(TestContext.Current.CancellationToken)!)];
        }
        var one = Take(1, 0);
        Assert.All(one.Zip(Take(3, 0)), pair => Assert.Equal(pair.First.Tokens.Bytes, pair.Second.Tokens.Bytes));
        Assert.Equal(one[5].Masks!.Bytes, Take(2, 5)[0].Masks!.Bytes);
        Assert.Equal([4, 32], one[0].Tokens.Shape);
        Assert.Equal([12, 32], one[0].Masks!.Shape);
        Assert.All(Enumerable.Range(0, 12), row => Assert.Equal(16, one[0].Masks!.Bytes.AsSpan(row * 32, 32).Count((byte)1)));
        var all = All(store);
        foreach (var batch in one)
        {
            for (var i = 0; i < batch.Count; i++)
            {
                var row = batch.Tokens.As<long>().Slice(i * 32, 32);
                Assert.Equal(0, row[0]);
                Assert.Equal(all.AsSpan((int)batch.Ids[i] * 31, batch.Lengths[i] - 1).ToArray(), row[1..batch.Lengths[i]].ToArray());
                Assert.False(row[batch.Lengths[i]..].ContainsAnyExcept(1L));
            }
        }
    }

    [Fact]
    public void BlocksOfWholeDocumentsNeitherCrossNorKeepTheirSeparators()
    {
        Corpus();
        using var store = Open();
        var blocks = new TokenBlocks(store, 0, 40, BlockBreak.CompleteDocument);
        var row = new long[40];
        for (var i = 0; i < blocks.Count; i++)
        {
            var count = blocks.Read(i, row);
            Assert.Equal(2, row[count - 1]);
            Assert.False(row.AsSpan(0, count).IndexOf([2L, 2L]) >= 0);
        }
    }

    [Fact]
    public void ACopyOfAShortRowNeverSeesPaddingAlone()
    {
        var plan = MaskPlan.OfText(new MaskOptions { Probability = 0.7, Length = 1 }, copies: 4, seed: 3, tokens: 32);
        var masks = plan.Empty(50);
        int[] lengths = [.. Enumerable.Range(0, 50).Select(row => 2 + (row % 3))];
        plan.Draw(masks, lengths, 0, 0);
        for (var copy = 0; copy < 200; copy++)
        {
            var mask = masks.Bytes.AsSpan(copy * 32, 32);
            Assert.True(mask[..lengths[copy / 4]].Contains((byte)0));
            Assert.Equal(RandomMask.Kept(32, 0.7), mask.Count((byte)0));
        }
    }

    [Theory]
    [InlineData(BlockBreak.Complete)]
    [InlineData(BlockBreak.CompleteDocument)]
    [InlineData(BlockBreak.Line)]
    public void ALineThatIsLongerThanABlockIsCutAndNothingOfItLost(BlockBreak mode)
    {
        Corpus();
        using var store = Open();
        var blocks = new TokenBlocks(store, 0, 5, mode);
        var slices = Enumerable.Range(0, blocks.Count).Select(blocks.Slice).ToList();
        Assert.All(slices, slice => Assert.InRange(slice.Length, 1, 4));
        Assert.Equal(TokenBlocks.Cut(store.Sizes, 4, mode).Sum(slice => (long)slice.Length), slices.Sum(slice => (long)slice.Length));
        Assert.All(slices.Zip(slices.Skip(1)), pair => Assert.True(pair.First.Start + pair.First.Length <= pair.Second.Start));
    }
}
