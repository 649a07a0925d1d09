using Tandem.Probes;
using Tandem.Torch;
using Xunit;

namespace Tandem.Tests.Probes;

public sealed class NeighbourSurveyTests
{
    static NeighbourSurvey Survey(float[] values, int width) => NeighbourSurvey.Of(Neighbours.Find(values, values, width, Math.Min(11, values.Length / width)));

    [Theory]
    [InlineData(40, 1.0)] // an encoder that tells samples apart
    [InlineData(40, 0.01)] // one that holds them nearly alike: all cosines are above 0.999
    [InlineData(3, 1.0)] // few directions: pairs come near by chance
    public void PlantedDuplicatesAreFoundAndNothingElse(int directions, double differing)
    {
        const int n = 400, width = 48;
        var draw = Randomness.Of(1, "survey");
        var values = new float[n * width];
        for (var i = 0; i < values.Length; i++)
            values[i] = i % width < directions ? (float)draw.NextNormal(differing < 1 && i % width == 0 ? 20 * differing : 0, differing) : 0;
        if (differing < 1)
        {
            for (var i = 0; i < n; i++)
                values[i * width] += 1;
        }
        Assert.Empty(Survey(values, width).Pairs);
        values.AsSpan(5 * width, width).CopyTo(values.AsSpan(300 * width, width));
        for (var j = 0; j < width; j++)
            values[(17 * width) + j] = values[(200 * width) + j] * (1 + (1e-4f * j / width));
        var found = Survey(values, width);
        Assert.Equal([(5, 300), (17, 200)], found.Pairs.Select(pair => (pair.First, pair.Second)).Order());
        Assert.True(found.Factor >= 10);
    }

    [Fact]
    public void ManyCopiesOfOneSampleAreAllPairs()
    {
        var (values, _) = TsneTests.Directions(30, 10, width: 32, seed: 3, spread: 0.8);
        for (var copy = 1; copy < 4; copy++)
            values.AsSpan(0, 32).CopyTo(values.AsSpan(copy * 32, 32));
        Assert.Equal(6, Survey(values, 32).Pairs.Count);
    }

    [Theory]
    [InlineData(1f)]
    [InlineData(0f)]
    public void WhereAllIsAlikeNothingIsClaimed(float value)
    {
        var found = Survey([.. Enumerable.Repeat(value, 100 * 16)], 16);
        Assert.Equal(value == 0, found.TellsApart); // zeros are nobody's neighbours: all equally far
        Assert.Empty(found.Pairs);
        Assert.Empty(found.Lone);
    }

    [Fact]
    public void ACollapsedEncoderWithSomeRoundingClaimsNothing()
    {
        var draw = Randomness.Of(2, "rounding");
        var found = Survey([.. Enumerable.Range(0, 200 * 64).Select(_ => 1 + (float)draw.NextNormal(0, 1e-4))], 64);
        Assert.False(found.TellsApart);
        Assert.Empty(found.Pairs);
    }

    [Fact]
    public void WhatLiesFarFromAllStandsAlone()
    {
        var (values, _) = TsneTests.Directions(4, 50, width: 32, seed: 4);
        var draw = Randomness.Of(3, "lone");
        foreach (var odd in new[] { 7, 150 })
        {
            for (var j = 0; j < 32; j++)
                values[(odd * 32) + j] = (float)draw.NextNormal();
        }
        var found = Survey(values, 32);
        Assert.Equal([7, 150], found.Lone.Take(2).Select(lone => lone.Sample).Order());
        Assert.True(found.Lone[1].Cosine < found.Usual && found.Lone[1].Cosine < found.Lone[2].Cosine);
        Assert.Equal(found.Lone.Select(lone => lone.Cosine).Order(), found.Lone.Select(lone => lone.Cosine));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(6)]
    public void FewSamplesAreNoFault(int n)
    {
        var draw = Randomness.Of(4, "few");
        Assert.Equal(n - 1, Survey([.. Enumerable.Range(0, n * 8).Select(_ => (float)draw.NextNormal())], 8).K);
    }
}
