using Tandem.Probes;
using Xunit;

namespace Tandem.Tests.Probes;

public sealed class LogisticRegressionTests
{
    /// <summary>Convex, so a point without gradient is the minimum: recomputed here the plain way.</summary>
    [Theory]
    [InlineData(2, 30, 3, 0.316)]
    [InlineData(4, 25, 7, 100)]
    [InlineData(5, 40, 12, 1e-3)]
    [InlineData(3, 20, 3100, 1e-3)] // fewer samples than numbers
    public void TheGradientVanishesAtTheMinimum(int classes, int each, int width, double c)
    {
        var data = Clouds.Make(classes, each, width, 7);
        foreach (var by in new[] { Standardisation.Of(data.Values, width), Standardisation.None(width) })
        {
            var fitted = LogisticRegression.Fit(data.Values, width, data.Labels, classes, c, by);
            Assert.True(fitted.Minimum.Converged);
            var probabilities = fitted.Probabilities(data.Values);
            double objective = 0;
            var slopes = (double[])fitted.Weights.Clone();
            var offsets = new double[classes];
            var size = new double[classes * width];
            for (var i = 0; i < data.Count; i++)
            {
                objective -= c * Math.Log(probabilities[(i * classes) + data.Labels[i]]);
                for (var k = 0; k < classes; k++)
                {
                    var wrong = probabilities[(i * classes) + k] - (k == data.Labels[i] ? 1 : 0);
                    offsets[k] += c * wrong;
                    for (var j = 0; j < width; j++)
                    {
                        var x = (data.Row(i)[j] - by.Mean[j]) / by.Std[j];
                        slopes[(k * width) + j] += c * wrong * x;
                        size[(k * width) + j] += c * Math.Abs(x);
                    }
                }
            }
            objective += fitted.Weights.Sum(w => w * w) / 2;
            Assert.Equal(objective, fitted.Objective, 1e-9 * objective);
            Assert.All(slopes.Zip(size), pair => Assert.True(Math.Abs(pair.First) < 1e-6 * Math.Max(1, pair.Second), $"{pair.First} of {pair.Second}"));
            Assert.All(offsets, offset => Assert.True(Math.Abs(offset) < 1e-6 * c * data.Count));
            Assert.Equal(0, fitted.Intercepts.Sum(), 1e-9);
        }
    }

    [Fact]
    public void AConstantFeatureDoesNoHarm()
    {
        var data = Clouds.Make(3, 20, 4, 3);
        for (var i = 0; i < data.Count; i++)
            data.Values[(i * 4) + 2] = 5;
        var by = Standardisation.Of(data.Values, 4);
        Assert.Equal(1, by.Std[2]);
        Assert.True(LogisticRegression.Fit(data.Values, 4, data.Labels, 3, 1, by).Minimum.Converged);
    }

    [Fact]
    public void SeparableClassesAreSeparated()
    {
        LabelledFeatures train = Clouds.Make(4, 50, 8, 1, 0.05), test = Clouds.Make(4, 20, 8, 2, 0.05);
        var result = new LinearProbe().Judge(train, test);
        Assert.Equal(1, result.Accuracy);
        Assert.Equal(1, result.High);
        Assert.InRange(result.Low, 0.95, 0.9999);
    }

    [Fact]
    public void TestLabelsChangeNothingThatIsLearned()
    {
        LabelledFeatures train = Clouds.Make(3, 30, 5, 1), test = Clouds.Make(3, 20, 5, 2);
        var probe = new LinearProbe();
        var told = probe.Judge(train, test);
        var other = probe.Judge(train, test with { Labels = [.. test.Labels.Select(label => (label + 1) % 3)] });
        Assert.Equal(told.Predictions, other.Predictions);
        Assert.Equal(told.Settings.ToJsonString(), other.Settings.ToJsonString());
        // Fewer test samples: the same predictions for those that remain.
        var fewer = probe.Judge(train, test with { Values = test.Values[..(10 * 5)], Labels = test.Labels[..10] });
        Assert.Equal(told.Predictions.Take(10), fewer.Predictions);
    }

    [Fact]
    public void AClassWithoutTrainingSamplesIsNeverPredicted()
    {
        var all = Clouds.Make(3, 30, 5, 1);
        var two = Enumerable.Range(0, all.Count).Where(i => all.Labels[i] != 1).ToArray();
        var train = all with { Values = [.. two.SelectMany(i => all.Row(i).ToArray())], Labels = [.. two.Select(i => all.Labels[i])] };
        Assert.DoesNotContain(1, new LinearProbe().Judge(train, Clouds.Make(3, 20, 5, 2)).Predictions);
    }

    [Fact]
    public void ATenthOfEachClassIsHeldOut()
    {
        var labels = Enumerable.Range(0, 300).Select(i => i % 3 == 0 ? 0 : 1).ToArray();
        var split = HeldOut.Tenth(labels, 5);
        Assert.Equal(Enumerable.Range(0, 300), split.Fit.Concat(split.Judge).Order());
        Assert.Equal(10, split.Judge.Count(sample => labels[sample] == 0));
        Assert.Equal(20, split.Judge.Count(sample => labels[sample] == 1));
        Assert.Equal(split.Judge, HeldOut.Tenth(labels, 5).Judge);
        Assert.NotEqual(split.Judge, HeldOut.Tenth(labels, 6).Judge);
        Assert.Equal(2, HeldOut.Tenth([0, 0, 1, 1, 2], 0).Judge.Length);
        Assert.Empty(HeldOut.Tenth([0, 1, 2], 0).Judge);
    }
}
