using Tandem.Recipes;
using Xunit;

namespace Tandem.Tests.Recipes;

public sealed class NearestTests
{
    static readonly string[] Options = ["--json", "--quiet", "--verbose", "--device", "--threads", "--precision", "--seed", "--dry-run"];

    [Theory]
    [InlineData("--jsn", "--json")]
    [InlineData("--JSON", "--json")]
    [InlineData("--thread", "--threads")]
    [InlineData("--prec", "--precision")]
    [InlineData("--dryrun", "--dry-run")]
    [InlineData("--deivce", "--device")]
    [InlineData("--learning-rate", null)]
    [InlineData("--foo", null)]
    public void ASlipFindsItsWordAndAStrangerNone(string word, string? expected) => Assert.Equal(expected, Nearest.To(word, Options));

    [Theory]
    [InlineData("learning_rte", "optimizer.learning_rate")]
    [InlineData("optimiser.learning_rate", "optimizer.learning_rate")]
    [InlineData("run.step", "run.steps")]
    [InlineData("colour", null)]
    public void AKeyIsKnownByItsLastPartToo(string word, string? expected) => Assert.Equal(expected, Nearest.To(word, ["optimizer.learning_rate", "schedule.steps", "run.steps"]));
}
