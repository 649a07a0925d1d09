using System.Diagnostics;
using Xunit;

namespace Tandem.Tests.House;

/// <summary>The scripts around the program.</summary>
public sealed class LauncherTests
{
    [Fact]
    public void TheLauncherHandsOverWordsStreamsAndExitCode()
    {
        var (code, output, error) = Script(Repository.At("tandem"), "verify", "/no such folder", "--json");
        Assert.Equal(3, code);
        Assert.StartsWith("{", output);
        Assert.Contains("/no such folder", output);
        Assert.All(error.Split('\n', StringSplitOptions.RemoveEmptyEntries), line => Assert.StartsWith("tandem: ", line));
    }

    [Fact]
    public void TheLauncherWorksThroughALink()
    {
        using var folder = new TemporaryFolder();
        File.CreateSymbolicLink(folder["tandem"], Repository.At("tandem"));
        var (code, output, _) = Script(folder["tandem"], "version");
        Assert.Equal(0, code);
        Assert.StartsWith("tandem ", output);
    }

    [Fact]
    public void TheShimsScriptPrintsItsPathAndNothingElse()
    {
        var (code, output, error) = Script(Repository.At("native", "build.sh"), "--quiet");
        Assert.Equal(0, code);
        Assert.Equal("", error);
        Assert.True(File.Exists(output.TrimEnd('\n')), output);
    }

    [Fact]
    public void AnUnknownLibtorchIsRefusedInWords()
    {
        var (code, output, error) = Script(Repository.At("native", "build.sh"), [("LIBTORCH", "/no/libtorch")]);
        Assert.Equal(4, code);
        Assert.Equal("", output);
        Assert.Contains("/no/libtorch is not a libtorch folder", error);
    }

    static (int Code, string Output, string Error) Script(string path, params string[] arguments) => Script(path, [], arguments);

    static (int Code, string Output, string Error) Script(string path, (string Name, string Value)[] environment, params string[] arguments)
    {
        var start = new ProcessStartInfo(path, arguments) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = Path.GetTempPath() };
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output, error.GetAwaiter().GetResult());
    }
}
