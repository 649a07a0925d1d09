using System.Diagnostics;
using Tandem.Layers;
using Tandem.Torch;

namespace Tandem.Bench;

/// <summary>How long and how often is measured.</summary>
sealed record Plan(double Seconds = 4, int Blocks = 3, int Repeats = 5, bool Profile = false);

/// <summary>One row in one precision.</summary>
/// <param name="Spread">Largest minus smallest rate of the blocks, as a share of the median.</param>
/// <param name="Disturbed">Whether even after repetitions a block had company on the processors.</param>
sealed record Result(
    string Row, string Precision, double SamplesPerSecond, double Gflops, double CeilingGflops, double Share, double OutsideLibtorch, double PeakMemoryMib, int Threads,
    double Spread, bool Disturbed, double Loss);

/// <summary>Blocks of steps with measurements of the ceiling before, between and after them.</summary>
static class Measurement
{
    // Company that is felt: one busy neighbour on two cores costs far more than its share.
    const double Company = 0.1;

    // Below this share of the best ceiling seen, the machine was not itself.
    const double LowCeiling = 0.85;

    sealed record BlockOfSteps(double Rate, double Outside, bool Disturbed);

    public static Result Of(string name, Precision precision, Plan plan)
    {
        Machine.ForgetMemory();
        using var row = Row.All[name](precision);
        var loss = 0.0;
        for (var i = 0; i < 3; i++)
            loss = row.Step();
        var ceilings = new List<double>(Machine.Ceiling(5));
        var blocks = new List<BlockOfSteps>();
        for (var repeats = 0; blocks.Count < plan.Blocks;)
        {
            var block = Run(row, plan, ref loss);
            var rates = Machine.Ceiling(5).ToList();
            ceilings.AddRange(rates);
            block = block with { Disturbed = block.Disturbed || Machine.Median(rates) < LowCeiling * ceilings.Max() };
            if (block.Disturbed && repeats++ < plan.Repeats)
                continue;
            blocks.Add(block);
        }
        var ceiling = Machine.Median(ceilings);
        var middle = blocks.OrderBy(b => b.Rate).ElementAt(blocks.Count / 2);
        var gflops = middle.Rate * row.OperationsOfASample / 1e9;
        return new(name, precision == Precision.Float32 ? "float32" : "bfloat16", middle.Rate, gflops, ceiling, gflops / ceiling, middle.Outside, Machine.PeakMemory(), Libtorch.Threads,
            (blocks.Max(b => b.Rate) - blocks.Min(b => b.Rate)) / middle.Rate, blocks.Any(b => b.Disturbed), loss);
    }

    static BlockOfSteps Run(Row row, Plan plan, ref double loss)
    {
        var (busy, own, steps) = (Machine.BusySeconds(), Machine.OwnSeconds(), 0);
        using var clock = new NativeClock(gradients: plan.Profile);
        var started = Stopwatch.GetTimestamp();
        double seconds;
        do
        {
            loss = row.Step();
            steps++;
            seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        }
        while (seconds < plan.Seconds);
        var others = (Machine.BusySeconds() - busy - (Machine.OwnSeconds() - own)) / seconds;
        if (plan.Profile)
            Profile(clock, steps, seconds, Machine.OwnSeconds() - own);
        return new(steps * row.Batch / seconds, 1 - (clock.Elapsed.TotalSeconds / seconds), others > Company);
    }

    static void Profile(NativeClock clock, int steps, double seconds, double processor)
    {
        Console.Error.WriteLine($"{1000 * seconds / steps,9:F2} ms a step, {1000 * processor / steps:F2} ms of processor time");
        foreach (var (name, time) in clock.ByName.OrderByDescending(p => p.Value).Take(25))
            Console.Error.WriteLine($"{1000 * time.TotalSeconds / steps,9:F2} ms  {name}");
        foreach (var (name, time) in NativeClock.Gradients().OrderByDescending(p => p.Value).Take(15))
            Console.Error.WriteLine($"{1000 * time.TotalSeconds / steps,9:F2} ms  backward of {name}");
    }
}
