using Tandem.Probes;
using Xunit;

namespace Tandem.Tests.Probes;

public sealed class KnnTests
{
    [Fact]
    public void TiesGoToTheLargerSumOfSimilaritiesThenToTheSmallerClass()
    {
        Assert.Equal(2, Vote.Plain([1, 2, 2, 1], [0.5f, 0.9f, 0.2f, 0.4f], 4)[0]);
        Assert.Equal(1, Vote.Plain([2, 1, 1, 2], [0.5f, 0.5f, 0.25f, 0.25f], 4)[0]);
        Assert.Equal(3, Vote.Plain([3, 0, 3, 1, 2], [0.1f, 0.9f, 0.1f, 0.9f, 0.9f], 4)[0]);
    }

    [Fact]
    public void EquallyNearSamplesComeByTheirNumber()
    {
        // Six copies of one direction, in two lengths, and one opposite.
        float[] train = [-1, 0, 2, 0, 1, 0, 2, 0, 1, 0, 1, 0, 2, 0];
        var neighbours = Neighbours.Find(train, [3, 0], 2, 4);
        Assert.Equal([1, 2, 3, 4], neighbours.Of(0).ToArray());
    }

    [Fact]
    public void AZeroVectorIsNearNobodyAndHarmsNobody()
    {
        var neighbours = Neighbours.Find([0, 0, 1, 1, -1, -1], [1, 1, 0, 0], 2, 3);
        Assert.Equal([1, 0, 2], neighbours.Of(0).ToArray());
        Assert.Equal([0f, 0, 0], neighbours.Similarities(1).ToArray());
    }

    [Fact]
    public void TheWeightedVoteIsTheSumOfExponentials()
    {
        var weights = Vote.Weights([0, 1, 0], [0.1f, 0.2f, 0.1f], 3, 0.07);
        Assert.Equal(2 * Math.Exp(0.1f / 0.07), weights[0], 1e-9);
        Assert.Equal(Math.Exp(0.2f / 0.07), weights[1], 1e-9);
        Assert.Equal([1, 0, 2], Vote.Ranked(weights));
    }

    [Fact]
    public void MoreNeighboursThanSamplesIsTheCallersMistake()
    {
        var error = Assert.Throws<TandemException>(() => new KnnProbe(5).Judge(Clouds.Make(2, 2, 3, 1), Clouds.Make(2, 2, 3, 2)));
        Assert.Equal(ErrorKind.Usage, error.Kind);
        Assert.Contains("only 4", error.Message);
    }

    [Fact]
    public void ClassesAreTheSameWhereTheirNamesAre()
    {
        var train = new LabelledFeatures([1, 0, 0, 1], 2, [0, 1], ["cat", "dog"]);
        var test = new LabelledFeatures([0, 1, 1, 0], 2, [0, 1], ["dog", "cat"]);
        Assert.Equal(1, new KnnProbe(1).Judge(train, test).Accuracy);
        var error = Assert.Throws<TandemException>(() => new KnnProbe(1).Judge(train, test with { ClassNames = ["dog", "bird"] }));
        Assert.Equal(ErrorKind.Input, error.Kind);
        Assert.Contains("bird", error.Message);
    }

    [Fact]
    public void OneClassOrBrokenFeaturesAreRefused()
    {
        var test = new LabelledFeatures([0, 1], 2, [0], ["a", "b"]);
        Assert.Contains("of one class, 'a'", Assert.Throws<TandemException>(() => new KnnProbe(1).Judge(new([1, 0, 0, 1], 2, [0, 0], ["a", "b"]), test)).Message);
        Assert.Contains("not finite", Assert.Throws<TandemException>(() => new KnnProbe(1).Judge(new([1, 0, float.NaN, 1], 2, [0, 1], ["a", "b"]), test)).Message);
    }
}
