using System.Diagnostics;
using System.Globalization;
using Tandem.Torch;

namespace Tandem.Bench;

/// <summary>What a share is taken of, and who else is at work.</summary>
static class Machine
{
    const int Side = 1536;

    /// <summary>GFLOP/s of float32 products of 1536³, single measurements.</summary>
    public static IEnumerable<double> Ceiling(int count)
    {
        using var scope = TensorScope.Enter("ceiling");
        var a = Ops.NormalNoise([Side, Side], 1, 1, ScalarType.Float, Device.Cpu);
        var b = Ops.NormalNoise([Side, Side], 1, 2, ScalarType.Float, Device.Cpu);
        a.Matmul(b).Dispose();
        var rates = new List<double>();
        for (var i = 0; i < count; i++)
        {
            var started = Stopwatch.GetTimestamp();
            a.Matmul(b).Dispose();
            rates.Add(2e-9 * Side * Side * Side / Stopwatch.GetElapsedTime(started).TotalSeconds);
        }
        return rates;
    }

    /// <summary>Processor seconds that all processes of the machine used since it started.</summary>
    public static double BusySeconds()
    {
        // user nice system idle iowait irq softirq steal; guest times are part of user.
        var fields = File.ReadLines("/proc/stat").First().Split(' ', StringSplitOptions.RemoveEmptyEntries).Skip(1)
            .Select(f => double.Parse(f, CultureInfo.InvariantCulture)).ToArray();
        return (fields.Take(8).Sum() - fields[3] - fields[4]) / 100;
    }

    /// <summary>Processor seconds of this process.</summary>
    public static double OwnSeconds() => Process.GetCurrentProcess().TotalProcessorTime.TotalSeconds;

    /// <summary>Gives cached memory back and forgets the peak, so that a row does not inherit the former one's.</summary>
    public static void ForgetMemory()
    {
        GC.Collect();
        Libtorch.EmptyCache();
        // 5: "reset the peak resident set size" (proc(5)); where that is not allowed, the peak is the process's.
        try
        {
            File.WriteAllText("/proc/self/clear_refs", "5");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
        }
    }

    /// <summary>The most memory that this process held since then, in MiB.</summary>
    public static double PeakMemory()
    {
        var line = File.ReadLines("/proc/self/status").First(l => l.StartsWith("VmHWM", StringComparison.Ordinal));
        return double.Parse(line.Split((char[])[' ', '\t'], StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) / 1024;
    }

    public static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return sorted.Length % 2 == 1 ? sorted[sorted.Length / 2] : (sorted[(sorted.Length / 2) - 1] + sorted[sorted.Length / 2]) / 2;
    }
}
