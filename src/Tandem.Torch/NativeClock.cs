using System.Diagnostics;

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

    /// <summary>Begins to measure on this thread.</summary>
    public NativeClock()
    {
        outer = current;
        current = this;
    }

    /// <summary>The active clock of this thread.</summary>
    internal static NativeClock? Current => current;

    /// <summary>Time inside libtorch so far.</summary>
    public TimeSpan Elapsed => Stopwatch.GetElapsedTime(0, total);

    /// <summary>The same by operator; all gradients are under "backward".</summary>
    public IReadOnlyDictionary<string, TimeSpan> ByName => ticks.ToDictionary(t => t.Key, t => Stopwatch.GetElapsedTime(0, t.Value), StringComparer.Ordinal);

    /// <summary>Ends measuring.</summary>
    public void Dispose() => current = outer;

    internal void Add(string name, long started)
    {
        var spent = Stopwatch.GetTimestamp() - started;
        total += spent;
        ticks[name] = ticks.GetValueOrDefault(name) + spent;
    }
}
