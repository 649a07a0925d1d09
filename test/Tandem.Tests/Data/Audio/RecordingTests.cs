using System.Formats.Tar;
using Tandem.Data;
using Tandem.Data.Audio;
using Tandem.Data.Masks;
using Xunit;

namespace Tandem.Tests.Data.Audio;

public sealed class RecordingTests
{
    [Fact]
    public void AFolderAndATarOfItGiveTheSameSamplesAndClasses()
    {
        using var folder = new TemporaryFolder();
        folder.Put("set/no/a.wav", SoundMaker.Wav(2000));
        folder.Put("set/yes/b.wav", SoundMaker.Wav(40000, 44100, 2));
        TarFile.CreateFromDirectory(folder["set"], folder["set.tar"], includeBaseDirectory: false);
        using var plain = AudioSource.Open(folder["set"], new() { Labels = "folder" });
        using var packed = AudioSource.Open(folder["set.tar"], new() { Labels = "folder" });
        Assert.Equal(["no", "yes"], plain.ClassNames);
        Assert.Equal(2, packed.Count);
        for (var i = 0; i < 2; i++)
        {
            var other = Enumerable.Range(0, 2).Single(j => packed.Entry(j).Audio == plain.Entry(i).Audio);
            using RecordingStream a = plain.Read(i), b = packed.Read(other);
            Assert.Equal(a.ReadAll(), b.ReadAll());
            Assert.Equal(plain.Label(i), packed.Label(other));
        }
    }

    [Fact]
    public void ReadingInPiecesResamplesAsReadingAtOnceDoes()
    {
        using var folder = new TemporaryFolder();
        folder.Put("a.wav", SoundMaker.Wav(50000, 22050));
        using var file = SoundFile.Open(folder["a.wav"]);
        var raw = new float[50000];
        Assert.Equal(50000, file.Read(raw));
        using var stream = new RecordingStream(SoundFile.Open(folder["a.wav"]), "a.wav");
        Assert.Equal(Resampler.Whole(raw, 22050, 16000), stream.ReadAll());
    }

    [Theory]
    [InlineData(1000, 5000, "truncated")]
    [InlineData(0, null, "receptive")]
    [InlineData(399, null, "receptive")]
    public void ABadFileIsAnErrorThatNamesIt(int frames, int? announced, string kind)
    {
        using var folder = new TemporaryFolder();
        folder.Put("set/a.wav", SoundMaker.Wav(frames, announced: announced));
        using var source = AudioSource.Open(folder["set"]);
        var maker = new AudioBatchMaker(source, new AudioBatchOptions());
        var error = Assert.Throws<TandemException>(() => maker.Make(new SequentialPlan(1, 1), new BatchPlace(0, 0, 1), default));
        Assert.Equal(ErrorKind.Input, error.Kind);
        Assert.Contains("a.wav", error.Where, StringComparison.Ordinal);
        Assert.Contains(kind == "truncated" ? "announces" : "at 16 kHz", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void LibriSpeechsTextsAndSpeakersAreFound()
    {
        using var folder = new TemporaryFolder();
        folder.Put("dev/19/198/19-198-0000.wav", SoundMaker.Wav(2000));
        folder.Write("dev/19/198/19-198.trans.txt", "19-198-0000 IT'S A \"TEST\"\n");
        using var source = AudioSource.Open(folder["dev"]);
        Assert.Equal(("IT'S A \"TEST\"", "19"), (source.Entry(0).Text, source.Entry(0).Speaker));
        Assert.Null(source.ClassNames);
    }

    [Fact]
    public void BatchesAreFunctionsOfTheSeedAndMasksFitTheirFrames()
    {
        using var folder = new TemporaryFolder();
        for (var i = 0; i < 6; i++)
            folder.Put($"set/{i}.wav", SoundMaker.Wav(4000 + (300 * i)));
        using var source = AudioSource.Open(folder["set"]);
        var options = new AudioBatchOptions { Seed = 3, Masks = new MaskSampler(new MaskOptions { Probability = 0.5, Length = 3 }, 2, 3) };
        var plan = new LengthPlan(3, [.. Enumerable.Range(0, 6).Select(source.Length)], null, new BatchLimits(12000, 0, 1));
        var seen = new List<long>();
        for (var batch = 0; batch < plan.PerEpoch; batch++)
        {
            var a = new AudioBatchMaker(source, options).Make(plan, plan.Place(batch), default);
            var b = new AudioBatchMaker(source, options).Make(plan, plan.Place(batch), default);
            Assert.Equal(a.Samples.Bytes, b.Samples.Bytes);
            Assert.Equal(a.Masks!.Bytes, b.Masks!.Bytes);
            Assert.Equal([2L * a.Count, FrameCounts.Published.Of((int)a.Samples.Shape[1])], a.Masks.Shape);
            seen.AddRange(a.Ids);
        }
        Assert.Equal([0, 1, 2, 3, 4, 5], seen.Order());
    }
}
