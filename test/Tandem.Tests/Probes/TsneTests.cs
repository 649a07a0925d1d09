using System.Diagnostics;
using Tandem.Probes;
using Tandem.Torch;
using Xunit;

namespace Tandem.Tests.Probes;

public sealed class TsneTests(ITestOutputHelper output)
{
    [Fact]
    public void CloudsStayApart()
    {
        const int classes = 5, n = classes * 60;
        var (values, labels) = Directions(classes, 60, width: 40, seed: 1);
        var places = Tsne.Map(values, 40);
        Assert.All(places, place => Assert.InRange(place, 0f, 1f));
        // The five nearest on the map are of one's own cloud.
        var own = Enumerable.Range(0, n).Average(i => Enumerable.Range(0, n).Where(j => j != i).OrderBy(j => Apart(places, i, j)).Take(5).Average(j => labels[j] == labels[i] ? 1.0 : 0));
        Assert.True(own > 0.99, $"{own}");
        // And clouds lie farther from each other than they are wide.
        var centres = Enumerable.Range(0, classes).Select(c => Enumerable.Range(0, n).Where(i => labels[i] == c).ToList()).Select(of => (X: of.Average(i => places[2 * i]), Y: of.Average(i => places[(2 * i) + 1]))).ToList();
        var width = Enumerable.Range(0, n).Average(i => Math.Sqrt(Math.Pow(places[2 * i] - centres[labels[i]].X, 2) + Math.Pow(places[(2 * i) + 1] - centres[labels[i]].Y, 2)));
        Assert.True(centres.SelectMany((a, i) => centres.Skip(i + 1).Select(b => Math.Sqrt(Math.Pow(a.X - b.X, 2) + Math.Pow(a.Y - b.Y, 2)))).Min() > 2 * width);
    }

    [Fact]
    public void TheSameSeedGivesTheSameMap()
    {
        var (values, _) = Directions(3, 30, width: 17, seed: 2);
        Assert.Equal(Tsne.Map(values, 17, seed: 4), Tsne.Map(values, 17, seed: 4));
        Assert.NotEqual(Tsne.Map(values, 17, seed: 4), Tsne.Map(values, 17, seed: 5));
    }

    [Fact]
    public void TheLongerSideLiesAcrossAndFillsTheMap()
    {
        var (values, _) = Directions(2, 40, width: 9, seed: 3);
        var places = Tsne.Map(values, 9);
        float[] x = [.. places.Where((_, i) => i % 2 == 0)], y = [.. places.Where((_, i) => i % 2 == 1)];
        Assert.Equal((0f, 1f), (x.Min(), x.Max()));
        Assert.True(y.Max() - y.Min() <= 1);
        Assert.Equal(1, y.Max() + y.Min(), 1e-4);
    }

    [Fact]
    public void OnlyDirectionsCount()
    {
        var (values, _) = Directions(3, 30, width: 16, seed: 5);
        var doubled = values.Select((value, i) => value * (1 << (i / 16 % 4))).ToArray();
        Assert.Equal(Tsne.Map(values, 16), Tsne.Map(doubled, 16));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(5)]
    [InlineData(64)]
    public void WhatTellsNothingApartIsStillLaidOut(int n)
    {
        foreach (var value in new[] { 1, 0, float.NaN, float.PositiveInfinity, 1e30f })
        {
            var values = Enumerable.Repeat(value, n * 8).ToArray();
            var places = Tsne.Map(values, 8);
            Assert.Equal(2 * n, places.Length);
            Assert.All(places, place => Assert.InRange(place, 0f, 1f));
        }
        // One damaged sample among good ones, and twins.
        var draw = Randomness.Of(1, "some");
        var some = Enumerable.Range(0, n * 8).Select(_ => (float)draw.NextNormal()).ToArray();
        if (n > 3)
        {
            some[3] = float.NaN;
            some.AsSpan(8, 8).CopyTo(some.AsSpan(16, 8));
        }
        Assert.All(Tsne.Map(some, 8), place => Assert.InRange(place, 0f, 1f));
    }

    [Fact]
    public void FiveHundredSamplesTakeAMoment()
    {
        var (values, _) = Directions(10, 50, width: 384, seed: 6);
        var clock = Stopwatch.StartNew();
        Tsne.Map(values, 384);
        output.WriteLine($"{clock.Elapsed.TotalMilliseconds:0} ms for 500 samples of width 384");
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(10), $"{clock.Elapsed}"); // about a third of a second on an idle core
    }

    /// <summary>Clouds around random directions.</summary>
    internal static (float[] Values, int[] Labels) Directions(int classes, int each, int width, long seed, double spread = 0.3)
    {
        var draw = Randomness.Of(seed, "directions");
        var centres = Enumerable.Range(0, classes * width).Select(_ => draw.NextNormal()).ToArray();
        var labels = Enumerable.Range(0, classes * each).Select(i => i % classes).ToArray();
        var values = new float[labels.Length * width];
        for (var i = 0; i < values.Length; i++)
            values[i] = (float)(centres[(labels[i / width] * width) + (i % width)] + draw.NextNormal(0, spread));
        return (values, labels);
    }

    static double Apart(float[] places, int i, int j) => Math.Pow(places[2 * i] - places[2 * j], 2) + Math.Pow(places[(2 * i) + 1] - places[(2 * j) + 1], 2);
}
