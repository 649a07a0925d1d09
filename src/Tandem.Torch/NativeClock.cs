using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Tandem.Torch;

/// <summary>
/// Measures, while it is active on this thread, the time spent inside libtorch: operators called from C# and backward passes. What remains
/// of a step is C#'s own. Used by the benchmarks; otherwise a call costs one look at a thread's field.
/// </summary>
public sealed class NativeClock : IDisposable
{
    [ThreadStatic]
    static NativeClock? current;

    readonly NativeClock? outer;
    readonly Dictionary<string, long> ticks = new(StringComparer.Ordinal);
    long total;

    readonly bool gradients;

    /// <summary>Begins to measure on this thread.</summary>
    /// <param name="gradients">Whether backward passes are measured by node as well; one clock at a time can do that.</param>
    public NativeClock(bool gradients = false)
    {
        this.gradients = gradients;
        if (gradients)
            Native.Check(Native.Clock(1), "measuring gradients");
        outer = current;
        current = this;
    }

    /// <summary>The active clock of this thread.</summary>
    internal static NativeClock? Current => current;

    /// <summary>Time inside libtorch so far.</summary>
    public TimeSpan Elapsed => Stopwatch.GetElapsedTime(0, total);

    /// <summary>The same by operator; all gradients are under "backward".</summary>
    public IReadOnlyDictionary<string, TimeSpan> ByName => ticks.ToDictionary(t => t.Key, t => Stopwatch.GetElapsedTime(0, t.Value), StringComparer.Ordinal);

    /// <summary>Time of backward passes by node, where that was asked for; a part of "backward".</summary>
    public static IReadOnlyDictionary<string, TimeSpan> Gradients()
    {
        var times = new Dictionary<string, TimeSpan>(StringComparer.Ordinal);
        foreach (var line in (Marshal.PtrToStringUTF8(Native.ClockNodes()) ?? "").Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            var (name, spent) = (line[..line.IndexOf('\t')], long.Parse(line.AsSpan(line.IndexOf('\t') + 1), CultureInfo.InvariantCulture));
            // Our own functions stand within libtorch's node type.
            times[name[(name.LastIndexOf(':') + 1)..].TrimEnd('>')] = TimeSpan.FromMicroseconds(spent / 1000.0);
        }
        return times;
    }

    /// <summary>Ends measuring.</summary>
    public void Dispose()
    {
        if (gradients)
            _ = Native.Clock(0);
        current = outer;
    }

    internal void Add(string name, long started)
    {
        var spent = Stopwatch.GetTimestamp() - started;
        total += spent;
        ticks[name] = ticks.GetValueOrDefault(name) + spent;
    }
}
