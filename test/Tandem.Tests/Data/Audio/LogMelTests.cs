using Tandem.Data.Audio;
using Tandem.Torch;
using Xunit;

namespace Tandem.Tests.Data.Audio;

public sealed class LogMelTests
{
    [Fact]
    public void APureToneLightsItsBand()
    {
        for (var band = 8; band < LogMel.Bands; band += 7)
        {
            var hertz = LogMel.Centre(band);
            var spectrogram = LogMel.Spectrogram([.. Enumerable.Range(0, 4000).Select(i => (float)Math.Sin(2 * Math.PI * hertz * i / 16000))]);
            Assert.Equal(LogMel.Frames(4000), spectrogram.Length / LogMel.Bands);
            for (var frame = 0; frame < spectrogram.Length / LogMel.Bands; frame++)
            {
                var bands = spectrogram.AsSpan(frame * LogMel.Bands, LogMel.Bands).ToArray();
                Assert.Equal(band, Array.IndexOf(bands, bands.Max()));
                Assert.True(bands[band] - bands[(band + 40) % LogMel.Bands] > 8, "far bands are dark");
            }
        }
    }

    [Fact]
    public void TheTransformIsFouriers()
    {
        var points = SoundMaker.Tone(512, 0.7);
        var power = new float[257];
        new RealTransform(512).Power(points, power);
        for (var k = 0; k <= 256; k += 3)
        {
            double x = 0, y = 0;
            for (var i = 0; i < 512; i++)
            {
                x += points[i] * Math.Cos(2 * Math.PI * k * i / 512);
                y -= points[i] * Math.Sin(2 * Math.PI * k * i / 512);
            }
            Assert.Equal((x * x) + (y * y), power[k], 1e-3 * (1 + (x * x) + (y * y)));
        }
    }

    [Fact]
    public void StatisticsDoNotSeePaddingAndAreMeansAndDeviationsOverTime()
    {
        var tone = SoundMaker.Tone(6000);
        var room = new float[2 * 9000];
        tone.CopyTo(room, 0);
        SoundMaker.Tone(9000, 0.2).CopyTo(room, 9000);
        var padded = LogMel.Statistics(new AudioBatch { Ids = [0, 1], Samples = HostTensor.From<float>(room, 2, 9000), Lengths = [6000, 9000] });
        var alone = LogMel.Statistics(new AudioBatch { Ids = [0], Samples = HostTensor.From<float>(tone, 1, 6000) });
        Assert.Equal(LogMel.Width, alone.Length);
        Assert.Equal(alone, padded[..LogMel.Width]);
        var spectrogram = LogMel.Spectrogram(tone);
        var band = Enumerable.Range(0, spectrogram.Length / LogMel.Bands).Select(frame => (double)spectrogram[(frame * LogMel.Bands) + 5]).ToList();
        Assert.Equal(band.Average(), alone[5], 1e-4);
        Assert.Equal(Math.Sqrt(band.Average(x => (x - band.Average()) * (x - band.Average()))), alone[LogMel.Bands + 5], 1e-4);
    }
}
