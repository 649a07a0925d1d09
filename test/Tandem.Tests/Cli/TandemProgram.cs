using System.Diagnostics;

namespace Tandem.Tests.Cli;

/// <summary>The command line as people start it: a process, its two streams, its exit code.</summary>
static class TandemProgram
{
    /// <summary>What a process said and how it ended.</summary>
    public sealed record Result(int ExitCode, string Output, string Error);

    // Where commands run: a folder of their own, since what lies in the system's is anybody's (a folder "runs", say).
    static readonly TemporaryFolder Here = new();

    static TandemProgram() => AppDomain.CurrentDomain.ProcessExit += (_, _) => Here.Dispose();

    /// <summary>Runs it to its end.</summary>
    public static Result Run(params string[] arguments) => RunWith([], arguments);

    /// <summary>Runs it to its end with environment variables set.</summary>
    public static Result RunWith((string Name, string Value)[] environment, params string[] arguments)
    {
        using var process = Start(environment, arguments);
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(TimeSpan.FromMinutes(2)))
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"tandem {string.Join(' ', arguments)} did not end within two minutes");
        }
        return new Result(process.ExitCode, output.GetAwaiter().GetResult(), error.GetAwaiter().GetResult());
    }

    /// <summary>Starts it, for tests that interrupt.</summary>
    public static Process Start((string Name, string Value)[] environment, params string[] arguments)
    {
        // Tests that run in the background of a shell inherit an ignored SIGINT, and with it a program that no Ctrl-C reaches.
        var start = new ProcessStartInfo("env", ["--default-signal=INT", "dotnet", Path.Combine(AppContext.BaseDirectory, "tandem-cli.dll"), .. arguments])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = Here.Path,
        };
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        return Process.Start(start)!;
    }
}
