using System.Text.Json;
using Xunit;

namespace Tandem.Tests.Cli;

/// <summary>What the command line prints and how it ends.</summary>
public sealed class CommandLineTests
{
    [Fact]
    public void WithoutWordsItShowsHelpAndEndsWell()
    {
        var result = TandemProgram.Run();
        Assert.Equal(0, result.ExitCode);
        Assert.StartsWith("Tandem: ", result.Output);
        Assert.Contains("  verify ", result.Output);
        Assert.Equal("", result.Error);
    }

    [Theory]
    [InlineData("help", "verify")]
    [InlineData("verify", "--help")]
    [InlineData("verify", "-h")]
    public void HelpForACommandBeginsWithAnExample(params string[] words)
    {
        var result = TandemProgram.Run(words);
        Assert.Equal(0, result.ExitCode);
        Assert.StartsWith("  tandem verify test/golden", result.Output);
        Assert.Contains("Usage: tandem verify FOLDER", result.Output);
    }

    [Theory]
    [InlineData("version")]
    [InlineData("--version")]
    public void VersionIsOneLine(string word)
    {
        var result = TandemProgram.Run(word);
        Assert.Equal(0, result.ExitCode);
        Assert.Matches(@"^tandem \d+\.\d+\.\d+.*, \.NET \d+\.\d+\.\d+\n$", result.Output);
    }

    [Theory]
    [InlineData("there is no command 'verfy'", "Did you mean verify?", "verfy", "x")]
    [InlineData("there is no option '--foo'", "tandem help", "--foo")]
    [InlineData("has no option '--jsn'", "Did you mean --json?", "verify", "x", "--jsn")]
    [InlineData("needs FOLDER", "For example: tandem verify test/golden", "verify")]
    [InlineData("does not know what to do with 'y'", "tandem verify FOLDER", "verify", "x", "y")]
    [InlineData("has no setting 'a'", "./a=b", "verify", "a=b")]
    [InlineData("--threads cannot be 'many'", "a whole number from 1 on", "verify", "x", "--threads", "many")]
    [InlineData("--device cannot be 'gpu'", "cuda:0", "verify", "x", "--device=gpu")]
    [InlineData("--precision cannot be 'fp16'", "auto, float32 or bf16", "verify", "x", "--precision", "fp16")]
    [InlineData("takes nothing after '--'", "tandem verify FOLDER", "verify", "x", "--", "y")]
    public void AMistakeIsToldInOneParagraphWithExitCode2(string what, string remedy, params string[] words)
    {
        var result = TandemProgram.Run(words);
        Assert.Equal(2, result.ExitCode);
        Assert.Equal("", result.Output);
        Assert.Contains(what, result.Error, StringComparison.OrdinalIgnoreCase);
        Assert.Contains(remedy, result.Error);
        Assert.Single(result.Error.TrimEnd('\n').Split('\n'));
    }

    [Fact]
    public void WithJsonAnErrorIsAnObjectOnStandardOutput()
    {
        var result = TandemProgram.Run("verify", "/no/such/folder", "--json");
        Assert.Equal(3, result.ExitCode);
        Assert.Equal("", result.Error);
        var error = JsonDocument.Parse(result.Output).RootElement.GetProperty("error");
        Assert.Equal("input", error.GetProperty("kind").GetString());
        Assert.Equal("/no/such/folder", error.GetProperty("where").GetString());
        Assert.True(error.TryGetProperty("message", out _) && error.TryGetProperty("expected", out _) && error.TryGetProperty("remedy", out _));
    }

    [Fact]
    public void StackTracesAreForThoseWhoAsk()
    {
        Assert.DoesNotContain("   at Tandem.", TandemProgram.Run("verify", "/no/such/folder").Error);
        Assert.Contains("   at Tandem.", TandemProgram.Run("verify", "/no/such/folder", "--verbose").Error);
    }

    [Fact]
    public void VerifyPrintsTheLargestDeviations()
    {
        var result = TandemProgram.Run("verify", GoldenFolder.Case("formats/st_dtypes"));
        Assert.Equal(0, result.ExitCode);
        Assert.Matches(@"(?m)^status +absolute +relative +tensor +case$", result.Output);
        Assert.EndsWith("1 passed, 0 failed, 0 skipped\n", result.Output);
    }

    [Fact]
    public void VerifyWithJsonPrintsOneDocument()
    {
        var result = TandemProgram.Run("verify", GoldenFolder.Case("formats/st_dtypes"), "--json", "--quiet");
        Assert.Equal(0, result.ExitCode);
        Assert.Equal("", result.Error);
        var document = JsonDocument.Parse(result.Output).RootElement;
        Assert.Equal(1, document.GetProperty("passed").GetInt32());
        Assert.Equal("passed", document.GetProperty("cases")[0].GetProperty("status").GetString());
    }

    [Fact]
    public void VerifyEndsWith6WhenACaseFails()
    {
        using var folder = new TemporaryFolder();
        foreach (var file in Directory.GetFiles(GoldenFolder.Case("formats/st_dtypes")))
            File.Copy(file, folder[Path.GetFileName(file)]);
        File.Copy(Path.Combine(GoldenFolder.Case("formats/st_loose_json"), "expect.safetensors"), folder["expect.safetensors"], overwrite: true);
        var result = TandemProgram.Run("verify", folder.Path);
        Assert.Equal(6, result.ExitCode);
        Assert.Contains("FAILED", result.Output);
        Assert.EndsWith("0 passed, 1 failed, 0 skipped\n", result.Output);
    }

    [Fact]
    public void DoctorAnswersInWordsAndInJson()
    {
        var words = TandemProgram.Run("doctor");
        Assert.Contains("processor", words.Output);
        var json = TandemProgram.Run("doctor", "--json");
        Assert.Equal(words.ExitCode, json.ExitCode);
        var document = JsonDocument.Parse(json.Output).RootElement;
        Assert.Equal(json.ExitCode == 0, document.GetProperty("ok").GetBoolean());
        Assert.Contains(document.GetProperty("findings").EnumerateArray(), finding => finding.GetProperty("name").GetString() == "JPEG");
    }

    [Fact]
    public void HelpAsJsonDescribesEveryCommand()
    {
        var document = JsonDocument.Parse(TandemProgram.Run("help", "--json").Output).RootElement;
        foreach (var command in document.GetProperty("commands").EnumerateArray())
            Assert.StartsWith($"tandem {command.GetProperty("name").GetString()}", command.GetProperty("example").GetString());
    }

    [Fact]
    public void NoColourReachesAPipe() => Assert.DoesNotContain('\u001b', TandemProgram.RunWith([("TERM", "xterm-256color")], "doctor").Output);

    [Fact]
    public void NumbersAreWrittenTheSameEverywhere()
    {
        var german = TandemProgram.RunWith([("LC_ALL", "de_DE.UTF-8"), ("LANG", "de_DE.UTF-8")], "verify", GoldenFolder.Case("formats/st_dtypes"));
        Assert.Contains("0.0e+00", german.Output);
    }
}
