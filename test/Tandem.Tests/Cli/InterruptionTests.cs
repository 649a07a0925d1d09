using System.Diagnostics;
using Xunit;

namespace Tandem.Tests.Cli;

/// <summary>Signals: the first asks, the second ends. A named pipe as the case's file keeps the command waiting for as long as a test wants.</summary>
public sealed class InterruptionTests
{
    [Theory]
    [InlineData("INT", 130)]
    [InlineData("TERM", 143)]
    [InlineData("USR1", 143)]
    public async Task TheFirstSignalEndsWorkAtTheNextGoodMoment(string signal, int exitCode)
    {
        using var folder = new TemporaryFolder();
        using var process = await StartWaiting(folder);
        await Send(process, signal);
        Assert.StartsWith("Stopping as soon as", await process.StandardError.ReadLineAsync());
        Assert.False(process.HasExited);
        await Serve(folder);
        await process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal(exitCode, process.ExitCode);
        Assert.Equal("", await process.StandardOutput.ReadToEndAsync());
    }

    [Fact]
    public async Task TheSecondSignalEndsAtOnce()
    {
        using var folder = new TemporaryFolder();
        using var process = await StartWaiting(folder);
        await Send(process, "INT");
        await process.StandardError.ReadLineAsync();
        await Send(process, "INT");
        await process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(10));
        Assert.Equal(130, process.ExitCode);
    }

    static async Task<Process> StartWaiting(TemporaryFolder folder)
    {
        await Tool("mkfifo", folder["case.json"]);
        var process = TandemProgram.Start([], "verify", folder.Path);
        // Before .NET's thread for signals is there, they would meet no handler of ours.
        for (var tries = 0; tries < 200 && !process.HasExited && !Threads(process).Contains(".NET SigHandler\n", StringComparer.Ordinal); tries++)
            await Task.Delay(50);
        await Task.Delay(300);
        return process;
    }

    static IEnumerable<string> Threads(Process process) => Directory.GetDirectories($"/proc/{process.Id}/task").Select(task => File.ReadAllText(Path.Combine(task, "comm")));

    static Task Serve(TemporaryFolder folder) =>
        File.WriteAllTextAsync(folder["case.json"], File.ReadAllText(Path.Combine(GoldenFolder.Case("formats/st_dtypes"), "case.json"))).WaitAsync(TimeSpan.FromSeconds(10));

    static Task Send(Process process, string signal) => Tool("kill", $"-{signal}", process.Id.ToString());

    static async Task Tool(string name, params string[] arguments)
    {
        using var process = Process.Start(name, arguments);
        await process.WaitForExitAsync();
        Assert.Equal(0, process.ExitCode);
    }
}
