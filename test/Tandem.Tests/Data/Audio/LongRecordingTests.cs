using Tandem.Data;
using Tandem.Data.Audio;
using Tandem.Data.Masks;
using Tandem.Tests.Training;
using Xunit;

namespace Tandem.Tests.Data.Audio;

/// <summary>Memory of the whole process: no other test may run meanwhile.</summary>
[Collection(Alone.Name)]
public sealed class LongRecordingTests
{
    const long Most = 100L << 20;

    static long Live() => GC.GetTotalMemory(forceFullCollection: true);

    [Theory]
    [InlineData(16000)]
    [InlineData(8000)]
    public void ThreeHoursTakeNoMoreMemoryThanAMinute(int rate)
    {
        using var folder = new TemporaryFolder();
        SoundMaker.Long(folder["set", "a.wav"], rate, 3 * 3600);
        using var source = AudioSource.Open(folder["set"]);
        Assert.Equal(3 * 3600 * 16000, source.Length(0));
        var before = Live();
        var options = new AudioBatchOptions { Masks = new MaskSampler(new MaskOptions { Probability = 0.5, Adjust = 0.05, Length = 5, ExpandAdjacent = true }, 8, 0) };
        var plan = LengthPlan.Of(source, options, new BatchLimits(1_000_000, 0, 1));
        var maker = new AudioBatchMaker(source, options);
        var most = 0L;
        for (var batch = 0; batch < 3; batch++)
        {
            Assert.Equal([1, 320_000], maker.Make(plan, plan.Place(batch), default).Samples.Shape);
            most = Math.Max(most, Live() - before);
        }
        using var stream = new AudioStream(source, null, new(), new() { Batch = 64, Workers = 2 });
        long samples = 0;
        for (var number = 0; stream.Next(TestContext.Current.CancellationToken) is AudioBatch batch; number++)
        {
            samples += Enumerable.Range(0, batch.Count).Sum(batch.Weight);
            if (number % 10 == 0)
                most = Math.Max(most, Live() - before);
        }
        Assert.Equal(3 * 3600 * 16000, samples);
        Assert.Equal(1, stream.Complete);
        Assert.InRange(most, 0, Most);
    }
}
