using Tandem.Cli;
using Xunit;

namespace Tandem.Tests.Cli;

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
}
