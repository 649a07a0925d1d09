using Tandem.Data;
using Tandem.Data.Audio;
using Tandem.Models;
using Xunit;

namespace Tandem.Tests.Data.Audio;

public sealed class AudioStreamTests : IDisposable
{
    readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    static (List<AudioBatch> Batches, List<int> Complete, IReadOnlyDictionary<int, Tandem.Data.Sources.BadSample> Bad) All(AudioSource source, LoadOptions options, int[]? samples = null, AudioStreamOptions? audio = null)
    {
        using var stream = new AudioStream(source, samples, audio ?? new(), options);
        var batches = new List<AudioBatch>();
        var complete = new List<int>();
        while (stream.Next(TestContext.Current.CancellationToken) is AudioBatch batch)
        {
            batches.Add(batch);
            complete.Add(stream.Complete);
        }
        complete.Add(stream.Complete);
        return (batches, complete, stream.Bad);
    }

    static float[] Row(AudioBatch batch, int row) => batch.Samples.As<float>().Slice(row * (int)batch.Samples.Shape[1], (int)batch.Weight(row)).ToArray();

    [Fact]
    public void AskedForBeginningsItReadsNoFurther()
    {
        folder.Put("set/long.wav", SoundMaker.Wav(30_000, step: 0.03));
        folder.Put("set/short.wav", SoundMaker.Wav(2000, step: 0.05));
        folder.Put("set/tiny.wav", SoundMaker.Wav(100, step: 0.05));
        using var source = AudioSource.Open(folder["set"]);
        var (batches, complete, bad) = All(source, new(), audio: new() { Beginning = 8000, MaxSamples = 16_000 });
        Assert.Equal(3, complete[^1]);
        Assert.Equal("tiny.wav", Assert.Single(bad.Values).Name);
        var rows = batches.SelectMany(batch => Enumerable.Range(0, batch.Count).Select(row => (Id: batch.Ids[row], Row: Row(batch, row)))).OrderBy(row => row.Id).ToList();
        Assert.Equal([8000, 2000], rows.Select(row => row.Row.Length));
        using var stream = source.Read(0);
        var expected = stream.ReadAll()[..8000];
        Waveform.Standardise(expected);
        Assert.Equal(expected, rows[0].Row);
    }

    [Fact]
    public void EveryRecordingComesWholeOnceInBatchesOfSimilarLengthWhateverTheThreads()
    {
        var lengths = Enumerable.Range(0, 60).Select(i => 500 + (i * 7919 % 30000)).ToArray();
        for (var i = 0; i < lengths.Length; i++)
            folder.Put($"set/{i:00}.wav", SoundMaker.Wav(lengths[i], step: 0.02 + (0.001 * i)));
        using var source = AudioSource.Open(folder["set"]);
        var one = All(source, new() { Batch = 8 });
        var four = All(source, new() { Batch = 8, Workers = 4 });
        Assert.Equal(one.Batches.Count, four.Batches.Count);
        Assert.All(one.Batches.Zip(four.Batches), pair =>
        {
            Assert.Equal(pair.First.Ids, pair.Second.Ids);
            Assert.Equal(pair.First.Samples.Bytes, pair.Second.Samples.Bytes);
        });
        Assert.Equal(one.Complete, four.Complete);
        Assert.Equal(60, one.Complete[^1]);
        Assert.Equal(Enumerable.Range(0, 60).Select(i => (long)i), one.Batches.SelectMany(batch => batch.Ids).Order());
        long padded = one.Batches.Sum(batch => batch.Samples.Count), real = lengths.Sum();
        Assert.InRange(padded, real, 1.3 * real);
        Assert.All(one.Batches, batch => Assert.InRange(batch.Count, 1, 8));
        foreach (var batch in one.Batches)
        {
            for (var row = 0; row < batch.Count; row++)
            {
                using var stream = source.Read((int)batch.Ids[row]);
                var whole = stream.ReadAll();
                Waveform.Standardise(whole);
                Assert.Equal(whole, Row(batch, row));
            }
        }
    }

    [Fact]
    public void LongRecordingsComeInWindowsAndARestTooShortIsDropped()
    {
        folder.Put("set/a.wav", SoundMaker.Wav(10_350));
        folder.Put("set/b.wav", SoundMaker.Wav(100_500));
        folder.Put("set/c.wav", SoundMaker.Wav(1000));
        using var source = AudioSource.Open(folder["set"]);
        var (batches, complete, bad) = All(source, new() { Batch = 2 }, [1, 0, 2], new() { MaxSamples = 5000 });
        Assert.Empty(bad);
        Assert.Equal(3, complete[^1]);
        Assert.All(batches, batch => Assert.InRange(batch.Count, 1, 2));
        var rows = batches.SelectMany(batch => Enumerable.Range(0, batch.Count).Select(row => (Place: batch.Ids[row], Samples: Row(batch, row)))).ToLookup(row => row.Place, row => row.Samples);
        Assert.Equal([.. Enumerable.Repeat(5000, 20), 500], rows[0].OrderByDescending(row => row.Length).Select(row => row.Length));
        Assert.Equal([5000, 5000], rows[1].Select(row => row.Length));
        Assert.Equal(1000, rows[2].Single().Length);
        using var stream = source.Read(1);
        var whole = stream.ReadAll();
        Waveform.Standardise(whole);
        Assert.Equal(whole, rows[0].OrderByDescending(row => row.Length).SelectMany(row => row));
    }

    [Fact]
    public void BadRecordingsAreToldWithTheirReasons()
    {
        folder.Put("set/good.wav", SoundMaker.Wav(2000, 8000, 2));
        folder.Put("set/empty.wav", []);
        folder.Put("set/one.wav", SoundMaker.Wav(1));
        folder.Put("set/short.wav", SoundMaker.Wav(399));
        folder.Write("set/text.wav", "no sound\n");
        var samples = SoundMaker.Tone(40000);
        samples[39000] = float.PositiveInfinity;
        folder.Put("set/nan.wav", SoundMaker.WavOf(samples));
        folder.Put("set/cut.wav", SoundMaker.Wav(1000, announced: 5000));
        var flac = SoundMaker.Encode(SoundMaker.Flac, [.. Enumerable.Range(0, 60000).Select(i => (float)Math.Sin(i * i * 0.01) * 0.5f)]);
        folder.Put("set/half.flac", flac[..(flac.Length / 2)]);
        using var source = AudioSource.Open(folder["set"]);
        var (batches, complete, bad) = All(source, new() { Batch = 4, Workers = 2 });
        Assert.Equal("good.wav", source.Name((int)Assert.Single(batches.SelectMany(batch => batch.Ids))));
        Assert.Equal(4000, batches.Single(batch => batch.Count > 0).Samples.Shape[1]);
        Assert.Equal(8, complete[^1]);
        var reasons = bad.Values.ToDictionary(one => one.Name, one => one.Reason, StringComparer.Ordinal);
        Assert.Equal(7, reasons.Count);
        Assert.All(reasons, one => Assert.Contains(one.Key, one.Value, StringComparison.Ordinal));
        Assert.Contains("is empty", reasons["empty.wav"], StringComparison.Ordinal);
        Assert.Contains("1 samples", reasons["one.wav"], StringComparison.Ordinal);
        Assert.Contains("399 samples", reasons["short.wav"], StringComparison.Ordinal);
        Assert.Contains("cannot be opened", reasons["text.wav"], StringComparison.Ordinal);
        Assert.Contains("no finite numbers", reasons["nan.wav"], StringComparison.Ordinal);
        Assert.Contains("announces", reasons["cut.wav"], StringComparison.Ordinal);
    }

    [Fact]
    public void CancellingEndsTheWaitingAndDisposingTheThreads()
    {
        for (var i = 0; i < 30; i++)
            folder.Put($"set/{i}.wav", SoundMaker.Wav(20000));
        using var source = AudioSource.Open(folder["set"]);
        var stream = new AudioStream(source, null, new(), new() { Batch = 1, Workers = 3 });
        Assert.NotNull(stream.Next(TestContext.Current.CancellationToken));
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();
        Assert.Throws<OperationCanceledException>(() => stream.Next(cancelled.Token));
        stream.Dispose();
        Assert.Throws<ObjectDisposedException>(() => stream.Next(default));
    }

    [Fact]
    public void ThePreprocessingOpensLoadsAndDescribes()
    {
        folder.Put("set/a.wav", SoundMaker.Wav(8000));
        folder.Put("set/b.wav", SoundMaker.Wav(5000));
        var preprocessing = new AudioPreprocessing();
        using var source = preprocessing.Open(folder["set"], new());
        using var stream = preprocessing.Load(source, null, new());
        var batch = stream.Next(default)!;
        Assert.Equal(2 * preprocessing.BaselineWidth, preprocessing.Plain(batch).Length);
        Assert.Null(stream.Next(default));
        Assert.True(preprocessing.IsSample("x/Y.FLAC"));
        Assert.False(preprocessing.IsSample("x/shard.tar"));
        using var files = preprocessing.Files([folder["set", "b.wav"]]);
        Assert.Equal(1, files.Count);
    }
}
