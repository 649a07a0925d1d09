using Tandem.Probes;
using Xunit;

namespace Tandem.Tests.Probes;

public sealed class SimilarityTests
{
    /// <summary>Computed by the definitions in another language, with ties.</summary>
    [Fact]
    public void CorrelationsShareRanksAmongEqualValues()
    {
        double[] x = [1, 2, 2, 3, 5, 4], y = [2.5, 1, 3, 3, 8, 3.5];
        var correlation = ScoreCorrelation.Of(x, y);
        Assert.Equal(0.8676470588235294, correlation.Spearman, 1e-12);
        Assert.Equal(0.8038369524685004, correlation.Pearson, 1e-12);
        Assert.Equal([1, 2.5, 2.5, 4, 6, 5], ScoreCorrelation.Ranks(x));
        Assert.True(double.IsNaN(ScoreCorrelation.PearsonOf([1, 1], [1, 2])));
        Assert.Equal(1, ScoreCorrelation.PearsonOf([1, 2, 3], [10, 20, 30]));
    }

    [Fact]
    public void TheIntervalOfACorrelationNarrowsAndStaysWithinOne()
    {
        var (low, high) = Interval.Spearman(0.5, 103);
        // Fisher's z ± 1.96 · √(1.125 / 100), computed by hand.
        Assert.Equal(Math.Tanh(0.549306144 - 0.207884), low, 1e-5);
        Assert.Equal(Math.Tanh(0.549306144 + 0.207884), high, 1e-5);
        Assert.Equal((1.0, 1.0), Interval.Spearman(1, 50));
        Assert.Equal((-1.0, 1.0), Interval.Spearman(0.3, 3));
        Assert.True(double.IsNaN(Interval.Spearman(double.NaN, 50).Low));
    }

    // Pairs whose vectors turn away from each other as scores fall, in the first two channels; a direction that all share, and layers of noise.
    static SampleFeatures Pairs(int count, int seed, int layers = 1, int good = 0)
    {
        var random = new Random(seed);
        var values = new float[count * 2 * layers * 4];
        var scores = new double[count];
        for (var i = 0; i < count; i++)
        {
            scores[i] = random.NextDouble() * 5;
            var turn = random.NextDouble() * 6;
            for (var part = 0; part < 2; part++)
            {
                var angle = turn + (part * (5 - scores[i]) / 5 * Math.PI);
                for (var layer = 0; layer < layers; layer++)
                {
                    var at = values.AsSpan(((((i * 2) + part) * layers) + layer) * 4, 4);
                    at[0] = (float)(layer == good ? Math.Cos(angle) : random.NextDouble());
                    at[1] = (float)(layer == good ? Math.Sin(angle) : random.NextDouble());
                    at[2] = 1000;
                    at[3] = 1000 + (float)(0.01 * Math.Cos(angle));
                }
            }
        }
        return new(values, 2, layers, 4, [], []) { Scores = scores };
    }

    [Fact]
    public void LikePairsAreFoundThoughAllVectorsShareADirection()
    {
        var result = new SimilarityProbe().Judge(Pairs(200, 1), Pairs(100, 2), 0);
        Assert.True(result.Correlation!.Spearman > 0.9, $"{result.Correlation}");
        Assert.InRange(result.Correlation.Spearman, result.Low, result.High);
        Assert.Equal(100, result.Samples);
        var json = result.ToJson();
        Assert.Equal(["probe", "encoder", "spearman", "pearson", "low", "high", "samples", "settings"], json.Select(field => field.Key));
    }

    [Fact]
    public void TheLayerIsChosenOnTrain()
    {
        var train = Pairs(200, 1, layers: 3, good: 1);
        // What all layers share is taken away.
        for (var row = 0; row < train.Values.Length / 4; row++)
            train.Values[(row * 4) + 3] = 0;
        Assert.Equal(1, new SimilarityProbe().BestLayer(train, 0));
        Assert.Equal(2, new SimilarityProbe().BestLayer(train with { Values = new float[train.Values.Length] }, 0));
    }

    [Fact]
    public void AnEncoderThatSaysTheSameOfAllHasNoCorrelation()
    {
        var flat = Pairs(50, 1) with { Values = [.. Enumerable.Repeat(1f, 50 * 2 * 4)] };
        var result = new SimilarityProbe().Judge(flat, flat, 0);
        Assert.True(double.IsNaN(result.Correlation!.Spearman));
        Assert.Null(result.ToJson()["spearman"]);
        Assert.Contains("\"low\":null", result.ToJson().ToJsonString());
    }

    [Fact]
    public void ScoresAndClassesAreNotMixedUp()
    {
        var pairs = Pairs(50, 1);
        Assert.Contains("similarity", Assert.Throws<TandemException>(() => new KnnProbe(1).Judge(pairs, pairs, 0)).Remedy);
        var classes = pairs with { Scores = null, Labels = new int[50], ClassNames = ["a"] };
        Assert.Contains("pairs with scores", Assert.Throws<TandemException>(() => new SimilarityProbe().Judge(classes, classes, 0)).Message);
        Assert.Contains("have the score", Assert.Throws<TandemException>(() => new SimilarityProbe().Judge(pairs, pairs with { Scores = new double[50] }, 0)).Message);
    }
}
