using Tandem.Data;
using Tandem.Data.Audio;
using Tandem.Data.Masks;
using Xunit;

namespace Tandem.Tests.Data.Audio;

public sealed class AudioBatchTests : IDisposable
{
    readonly TemporaryFolder folder = new();
    readonly List<string> warnings = [];

    public void Dispose() => folder.Dispose();

    static AudioBatchOptions Options => new() { Seed = 3, Masks = new MaskSampler(new MaskOptions { Probability = 0.5, Adjust = 0.05, Length = 5 }, 2, 3) };

    AudioSource Set(int count, Action? more = null)
    {
        for (var i = 0; i < count; i++)
            folder.Put($"set/{i:00}.wav", SoundMaker.Wav(4000 + (331 * i), i % 3 == 0 ? 8000 : 16000, 1 + (i % 2), step: 0.03 + (0.01 * i)));
        more?.Invoke();
        return AudioSource.Open(folder["set"]);
    }

    static byte[] Damaged()
    {
        var flac = SoundMaker.Encode(SoundMaker.Flac, [.. Enumerable.Range(0, 60000).Select(i => (float)Math.Sin(i * i * 0.01) * 0.5f)]);
        flac.AsSpan(flac.Length / 2, flac.Length / 4).Fill(0x55);
        return flac;
    }

    static byte[] Broken(int at)
    {
        var samples = SoundMaker.Tone(9000);
        samples[at] = float.NaN;
        return SoundMaker.WavOf(samples);
    }

    static List<AudioBatch> Take(Loader<AudioBatch> loader, int count)
    {
        using (loader)
            return [.. Enumerable.Range(0, count).Select(_ => loader.Next(TestContext.Current.CancellationToken)!)];
    }

    static void Same(AudioBatch a, AudioBatch b)
    {
        Assert.Equal((a.Step, a.Slot), (b.Step, b.Slot));
        Assert.Equal(a.Ids, b.Ids);
        Assert.Equal(a.Samples.Shape, b.Samples.Shape);
        Assert.Equal(a.Samples.Bytes, b.Samples.Bytes);
        Assert.Equal(a.Lengths ?? [], b.Lengths ?? []);
        Assert.Equal(a.Masks!.Bytes, b.Masks!.Bytes);
    }

    [Fact]
    public void BatchesDependNeitherOnThreadsNorOnWhereARunGoesOn()
    {
        using var source = Set(20);
        var plan = LengthPlan.Of(source, Options, new BatchLimits(40000, 0, 1), microBatches: 2);
        var one = Take(AudioBatchMaker.Load(source, Options, plan), 16);
        var four = Take(AudioBatchMaker.Load(source, Options, plan, workers: 4), 16);
        var resumed = Take(AudioBatchMaker.Load(source, Options, plan, workers: 2, firstBatch: 9), 7);
        Assert.All(one.Zip(four), pair => Same(pair.First, pair.Second));
        Assert.All(one.Skip(9).Zip(resumed), pair => Same(pair.First, pair.Second));
        Assert.True(plan.PerEpoch < 16, "the second epoch reads windows only, and is compared as well");
    }

    [Theory]
    [InlineData(SoundMaker.Wav16, 16000)]
    [InlineData(SoundMaker.WavFloat, 16000)]
    [InlineData(SoundMaker.Flac, 16000)]
    [InlineData(SoundMaker.Flac, 8000)]
    [InlineData(SoundMaker.Wav16, 44100)]
    [InlineData(SoundMaker.Vorbis, 16000)]
    [InlineData(SoundMaker.Mp3, 16000)]
    public void AWindowIsTheSameWhetherTheRestWasReadOrPassedOver(int format, int rate)
    {
        folder.Put("a", SoundMaker.Encode(format, SoundMaker.Tone(rate * 9), rate));
        using var whole = new RecordingStream(SoundFile.Open(folder["a"]), "a");
        var samples = whole.ReadAll();
        foreach (var start in new[] { 0, 1, 16383, 16384, 16385, 40000, 99_999, samples.Length - 10, samples.Length + 5 })
        {
            using var stream = new RecordingStream(SoundFile.Open(folder["a"]), "a");
            stream.Skip(start);
            var window = new float[5000];
            var read = stream.Fill(window);
            Assert.Equal(samples.Skip(start).Take(5000), window.Take(read));
            stream.Skip(20000);
            read = stream.Fill(window);
            Assert.Equal(samples.Skip(start + 25000).Take(5000), window.Take(read));
        }
    }

    [Fact]
    public void WindowsOfLongRecordingsAreThoseOfTheWholeOnes()
    {
        folder.Put("set/long.flac", SoundMaker.Encode(SoundMaker.Flac, SoundMaker.Tone(1_200_000)));
        folder.Put("set/longer.wav", SoundMaker.Wav(700_000, 8000));
        using var source = AudioSource.Open(folder["set"]);
        var options = Options with { Longest = 30_000 };
        var maker = new AudioBatchMaker(source, options);
        var plan = LengthPlan.Of(source, options, new BatchLimits(60_000, 0, 1));
        for (var batch = 0; batch < 3; batch++)
        {
            var made = maker.Make(plan, plan.Place(batch), default);
            Assert.Equal([2, 30_000], made.Samples.Shape);
            for (var row = 0; row < 2; row++)
            {
                using var stream = source.Read((int)made.Ids[row]);
                var whole = stream.ReadAll();
                Waveform.Standardise(whole);
                var window = made.Samples.As<float>().Slice(row * 30_000, 30_000);
                Assert.True(whole.AsSpan().IndexOf(window) >= 0, "the window stands in the whole recording, to the last bit");
            }
            Assert.Equal([4, FrameCounts.Published.Of(30_000)], made.Masks!.Shape);
        }
    }

    [Fact]
    public void ShortAndUnreadableRecordingsAreLeftOutAndCounted()
    {
        using var source = Set(20, () =>
        {
            folder.Put("set/empty.wav", []);
            folder.Put("set/one.wav", SoundMaker.Wav(1));
            folder.Put("set/short.wav", SoundMaker.Wav(399));
            folder.Write("set/text.wav", "this is a text\n");
        });
        var options = Options with { BadLimit = 0.1, Warn = warnings.Add };
        var lengths = RecordingLengths.Of(source, options);
        Assert.Equal((2, 2), (lengths.TooShort, lengths.Bad.Count));
        Assert.Equal(["empty.wav", "text.wav"], lengths.Bad.Select(bad => bad.Name).Order(StringComparer.Ordinal));
        Assert.Single(warnings, warning => warning.Contains("2 of 24 recordings are shorter than 400 samples", StringComparison.Ordinal));
        Assert.Equal(3, warnings.Count);
        var plan = LengthPlan.Of(source, options, new BatchLimits(40000, 0, 1));
        Assert.Equal(20, plan.Planned);
        var seen = Enumerable.Range(0, plan.PerEpoch).SelectMany(batch => plan.Place(batch) is var place ? Enumerable.Range(place.Slot, place.Count).Select(slot => plan.Sample(place.Step, slot)) : []).ToList();
        Assert.Equal(Enumerable.Range(0, 20), seen.Order());
        Assert.Contains("2 of 24", Assert.Throws<TandemException>(() => RecordingLengths.Of(source, options with { BadLimit = 0.05 })).Message, StringComparison.Ordinal);
        Assert.EndsWith(".wav", Assert.Throws<TandemException>(() => RecordingLengths.Of(source, Options)).Where, StringComparison.Ordinal);
        Assert.Contains("22 are shorter", Assert.Throws<TandemException>(() => RecordingLengths.Of(source, options with { Shortest = 1 << 20 })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void DamageThatShowsOnlyWhileReadingIsReplacedBySimilarRecordingsOrAnError()
    {
        using var source = Set(20, () =>
        {
            folder.Put("set/damaged.flac", Damaged());
            folder.Put("set/nan.wav", Broken(7000));
        });
        var plan = LengthPlan.Of(source, Options, new BatchLimits(80000, 0, 1));
        Assert.Equal(22, plan.Planned);
        var tolerant = Options with { BadLimit = 0.1, Warn = warnings.Add };
        var one = AudioBatchMaker.Load(source, tolerant, plan);
        var three = AudioBatchMaker.Load(source, tolerant, plan, workers: 3);
        Assert.All(Take(one, 2 * plan.PerEpoch).Zip(Take(three, 2 * plan.PerEpoch)), pair =>
        {
            Same(pair.First, pair.Second);
            Assert.DoesNotContain(pair.First.Ids, id => source.Name((int)id) is "damaged.flac" or "nan.wav");
        });
        Assert.Equal((2, 2), (one.Replaced, three.Replaced));
        Assert.Contains(warnings, warning => warning.Contains("no finite numbers", StringComparison.Ordinal));
        foreach (var limit in new[] { 0, 0.05 })
        {
            var strict = new AudioBatchMaker(source, Options with { BadLimit = limit });
            var error = Assert.Throws<TandemException>(() => Enumerable.Range(0, plan.PerEpoch).Select(batch => strict.Make(plan, plan.Place(batch), default)).Count());
            Assert.Equal(ErrorKind.Input, error.Kind);
            Assert.Equal(limit > 0, error.Message.Contains("2 of 22", StringComparison.Ordinal));
        }
    }

    [Fact]
    public void PaddedRowsMaskEquallyManyFramesAndNoneOfPadding()
    {
        using var source = Set(12);
        var options = Options with { Pad = true, Longest = 7000 };
        var plan = LengthPlan.Of(source, options, new BatchLimits(0, 6, 1));
        var maker = new AudioBatchMaker(source, options);
        for (var batch = 0; batch < plan.PerEpoch; batch++)
        {
            var made = maker.Make(plan, plan.Place(batch), default);
            var frames = (int)made.Masks!.Shape[1];
            Assert.Equal(options.Frames.Of((int)made.Samples.Shape[1]), frames);
            var counts = new HashSet<int>();
            for (var row = 0; row < made.Count * 2; row++)
            {
                var mask = made.Masks.Bytes.AsSpan(row * frames, frames);
                counts.Add(mask.Count((byte)1));
                Assert.False(mask[options.Frames.Of(made.Lengths![row / 2])..].Contains((byte)1));
            }
            Assert.Single(counts);
            Assert.NotEqual(0, counts.Single());
            for (var row = 0; row < made.Count; row++)
                Assert.False(made.Samples.As<float>().Slice(row * (int)made.Samples.Shape[1], (int)made.Samples.Shape[1])[made.Lengths![row]..].ContainsAnyExcept(0f));
        }
    }
}
