using System.Runtime.InteropServices;

namespace Tandem.Cli;

/// <summary>
/// The first Ctrl-C, SIGTERM or SIGUSR1 (what schedulers send before a time limit) asks for a graceful end; the second ends at once.
/// </summary>
sealed partial class Interruption : IDisposable
{
    readonly CancellationTokenSource source = new();
    readonly List<PosixSignalRegistration> registrations = [];
    readonly Output output;

    public Interruption(Output output)
    {
        this.output = output;
        registrations.Add(PosixSignalRegistration.Create(PosixSignal.SIGINT, context => Take(context, 130)));
        registrations.Add(PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => Take(context, 143)));
        if (OperatingSystem.IsLinux())
            registrations.Add(PosixSignalRegistration.Create((PosixSignal)10, context => Take(context, 143))); // SIGUSR1 has no name in .NET
    }

    public CancellationToken Token => source.Token;

    /// <summary>130 when a person interrupted, 143 when the system did, 0 when nobody.</summary>
    public int ExitCode { get; private set; }

    void Take(PosixSignalContext context, int code)
    {
        context.Cancel = true;
        if (ExitCode != 0)
            ExitNow(code);
        ExitCode = code;
        output.Note("Stopping as soon as nothing is left half done. Once more ends at once.");
        source.Cancel();
    }

    public void Dispose()
    {
        foreach (var registration in registrations)
            registration.Dispose();
        source.Dispose();
    }

    /// <summary>Without destructors: threads may be deep inside a kernel, and their libraries must not be torn down under them.</summary>
    [LibraryImport("libc", EntryPoint = "_exit")]
    private static partial void ExitNow(int code);
}
