using Tandem.Data;
using Tandem.Data.Audio;
using Tandem.Data.Text;
using Tandem.Layers;
using Tandem.Models;
using Tandem.Networks;
using Tandem.Torch;
using Xunit;

namespace Tandem.Tests.Models;

/// <summary>Features of a recording or text are the same alone and in a padded batch.</summary>
public sealed class BatchInvarianceTests
{
    // Sums of a few hundred numbers of size 1 in another order; features are of size 1 behind a norm.
    const double Rounding = 2e-5;

    static readonly TrunkOptions Trunk = new() { Depth = 3, Block = new() { Width = 32, Heads = 4, NormEps = 1e-5 } };

    static EncoderConfig Speech(ExtractorNorm norm, bool learnedBias) => new("audio", Trunk, new AudioFrontEndOptions
    {
        Extractor = [new(16, 10, 5), new(16, 8, 8), new(24, 4, 4)],
        ExtractorNorm = norm,
        PositionGroups = 4,
        PositionWidth = 35,
        DistanceBias = learnedBias ? new() { Learned = true, PerHead = true } : null,
    });

    static float[] Noise(int samples, long seed)
    {
        var draw = Randomness.Of(seed, "noise");
        return [.. Enumerable.Range(0, samples).Select(i => draw.NextFloat() - 0.5f + (0.3f * MathF.Sin(i * 0.01f * (seed + 1))))];
    }

    static AudioBatch Padded(params float[][] recordings)
    {
        var longest = recordings.Max(recording => recording.Length);
        var samples = new float[recordings.Length * longest];
        for (var i = 0; i < recordings.Length; i++)
            recordings[i].CopyTo(samples.AsSpan(i * longest));
        return new AudioBatch { Ids = new long[recordings.Length], Samples = HostTensor.From<float>(samples, recordings.Length, longest), Lengths = [.. recordings.Select(recording => recording.Length)] };
    }

    [Theory]
    [InlineData(ExtractorNorm.Layer, true)]
    [InlineData(ExtractorNorm.Group, true)]
    [InlineData(ExtractorNorm.Group, false)]
    public void OfRecordings(ExtractorNorm norm, bool learnedBias)
    {
        float[][] recordings = [Noise(8000, 1), Noise(3171, 2), Noise(640, 3)];
        AllTheSame(Speech(norm, learnedBias), recordings.Length, wanted => Padded([.. wanted.Select(i => recordings[i])]));
    }

    [Fact]
    public void OfTexts()
    {
        var config = new EncoderConfig("text", Trunk, new TextFrontEndOptions { Vocabulary = 100, MaxTokens = 64 });
        long[][] texts = [[0, .. Enumerable.Range(4, 40).Select(i => (long)i), 2], [0, 17, 99, 4, 2], [0, 2]];
        AllTheSame(config, texts.Length, wanted =>
        {
            var longest = wanted.Max(i => texts[i].Length);
            var tokens = new long[wanted.Length * longest];
            Array.Fill(tokens, TextEmbedding.Pad);
            for (var i = 0; i < wanted.Length; i++)
                texts[wanted[i]].CopyTo(tokens.AsSpan(i * longest));
            return new TextBatch { Ids = new long[wanted.Length], Tokens = HostTensor.From<long>(tokens, wanted.Length, longest), Lengths = [.. wanted.Select(i => texts[i].Length)] };
        });
    }

    [Fact]
    public void ThePublishersPaddingChangesFeatures() => ComputeThread.Run(() =>
    {
        // Else the flag that golden cases set would do nothing, and the tests above nothing to guard.
        using var weights = WeightStore.Fresh(1);
        var network = Speech(ExtractorNorm.Group, true).Build(weights);
        var batch = Padded(Noise(8000, 1), Noise(3171, 2));
        var exact = network.Pool(batch).ToFloats();
        var published = network.Pool(new AudioBatch { Ids = batch.Ids, Samples = batch.Samples, Lengths = batch.Lengths, PaddingTakesPart = true }).ToFloats();
        Assert.True(Enumerable.Range(32, 32).Max(i => Math.Abs(exact[i] - published[i])) > 1e-3);
    });

    static void AllTheSame(EncoderConfig config, int samples, Func<int[], Batch> batch) => ComputeThread.Run(() =>
    {
        using var weights = WeightStore.Fresh(1);
        var network = config.Build(weights);
        var together = network.PoolLayers(batch([.. Enumerable.Range(0, samples)])).ToFloats();
        var each = together.Length / samples;
        for (var sample = 0; sample < samples; sample++)
        {
            var alone = network.PoolLayers(batch([sample])).ToFloats();
            for (var i = 0; i < each; i++)
                Assert.True(Math.Abs(alone[i] - together[(sample * each) + i]) < Rounding, $"sample {sample}, number {i}: {alone[i]} alone, {together[(sample * each) + i]} in a batch");
        }
    });
}
