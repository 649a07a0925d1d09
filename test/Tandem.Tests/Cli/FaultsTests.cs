using System.Text.Json;
using System.Text.RegularExpressions;
using Tandem.Cli;
using Xunit;

namespace Tandem.Tests.Cli;

/// <summary>How errors are told.</summary>
public sealed class FaultsTests
{
    [Fact]
    public void AFaultOfOurOwnLeavesAReportAndSaysWhere()
    {
        var (code, output, error) = Tell(new InvalidDataException("eight bytes short"));
        Assert.Equal(1, code);
        Assert.Equal("", output);
        Assert.Contains("InvalidDataException: eight bytes short", error);
        Assert.DoesNotContain("   at ", error);
        var report = Regex.Match(error, @"/\S+tandem-fault-\S+\.txt").Value;
        Assert.Contains("eight bytes short", File.ReadAllText(report));
        Assert.Contains("tandem embed x", File.ReadAllText(report));
        File.Delete(report);
    }

    [Fact]
    public void AnErrorForPeopleIsOneParagraphInOrder()
    {
        var (code, _, error) = Tell(new TandemException(ErrorKind.Training, "the teacher collapsed", "step 400", "a variance above 0.01", "Lower optimizer.learning_rate"));
        Assert.Equal(5, code);
        Assert.Equal("The teacher collapsed (step 400). Expected: a variance above 0.01. Lower optimizer.learning_rate.\n", error);
    }

    [Theory]
    [InlineData(ErrorKind.Usage, "usage", 2)]
    [InlineData(ErrorKind.Input, "input", 3)]
    [InlineData(ErrorKind.Machine, "machine", 4)]
    [InlineData(ErrorKind.Verification, "verification", 6)]
    public void KindsAreNamedAndDecideTheExitCode(ErrorKind kind, string name, int code)
    {
        var (given, output, _) = Tell(new TandemException(kind, "something"), json: true);
        Assert.Equal(code, given);
        Assert.Equal(name, JsonDocument.Parse(output).RootElement.GetProperty("error").GetProperty("kind").GetString());
    }

    static (int Code, string Output, string Error) Tell(Exception cause, bool json = false)
    {
        using var output = new StringWriter { NewLine = "\n" };
        using var error = new StringWriter { NewLine = "\n" };
        var code = Faults.Tell(cause, ["embed", "x"], json, verbose: false, output, error);
        return (code, output.ToString(), error.ToString());
    }
}
