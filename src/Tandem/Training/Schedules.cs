using Tandem.Layers;

namespace Tandem.Training;

/// <summary>Shapes of a learning rate over the updates.</summary>
public enum ScheduleKind
{
    /// <summary>Warm-up, then half a cosine down (fairseq's, with restarts).</summary>
    Cosine,
    /// <summary>Warm-up, hold, exponential decay.</summary>
    TriStage,
    /// <summary>Warm-up, then a power of the remaining share.</summary>
    PolynomialDecay,
    /// <summary>Warm-up, then constant.</summary>
    Constant,
}

/// <summary>A learning rate over the updates. Update u uses the rate at u, and the first update is number 0.</summary>
public sealed record ScheduleOptions
{
    /// <summary>The shape after warm-up: cosine, tri_stage, polynomial_decay or constant.</summary>
    public ScheduleKind Kind { get; init; }

    /// <summary>Updates of warm-up.</summary>
    [Range(0)]
    public long Warmup { get; init; }

    /// <summary>Rate at update 0 of the warm-up (cosine); negative: the minimum.</summary>
    public double WarmupStart { get; init; } = -1;

    /// <summary>Rate at the end (cosine, polynomial).</summary>
    [Range(0)]
    public double MinRate { get; init; }

    /// <summary>Updates of a cosine's period; 0 or less: all after the warm-up.</summary>
    public long Period { get; init; } = -1;

    /// <summary>Factor on the period at every restart.</summary>
    public double PeriodFactor { get; init; } = 1;

    /// <summary>Factor on both ends of the cosine at every restart.</summary>
    public double RestartFactor { get; init; } = 0.1;

    /// <summary>The polynomial's power.</summary>
    public double Power { get; init; } = 1;

    /// <summary>Tri-stage: first rate as a share of the peak.</summary>
    public double StartScale { get; init; } = 0.01;

    /// <summary>Tri-stage: last rate as a share of the peak.</summary>
    public double EndScale { get; init; } = 0.01;

    /// <summary>Tri-stage: shares of all updates for warm-up, hold and decay; null: the three counts are given.</summary>
    public double[]? Phases { get; init; }

    /// <summary>Tri-stage: updates held at the peak.</summary>
    public long Hold { get; init; }

    /// <summary>Tri-stage: updates of the decay.</summary>
    public long Decay { get; init; }

    /// <summary>The rate at an update.</summary>
    /// <param name="update">Completed updates.</param>
    /// <param name="peak">The highest rate.</param>
    /// <param name="updates">Updates of the whole run.</param>
    public double At(long update, double peak, long updates) => Kind switch
    {
        ScheduleKind.Cosine => Cosine(update, peak, updates),
        ScheduleKind.TriStage => TriStage(update, peak, updates),
        ScheduleKind.PolynomialDecay => Polynomial(update, peak, updates),
        _ => update < Warmup ? peak * update / Warmup : peak,
    };

    // fairseq's cosine_lr_scheduler: restarts shrink both ends, and past the end a new period begins.
    double Cosine(long update, double peak, long updates)
    {
        var lowest = Math.Min(peak, MinRate);
        var start = WarmupStart < 0 ? lowest : WarmupStart;
        if (update < Warmup)
            return start + (update * ((peak - start) / Warmup));
        double t = update - Warmup, period = Period > 0 ? Period : updates - Warmup, within, length;
        double restarts;
        if (PeriodFactor == 1)
        {
            restarts = Math.Floor(t / period);
            within = t - (period * restarts);
            length = period;
        }
        else
        {
            restarts = Math.Floor(Math.Log(1 - (t / period * (1 - PeriodFactor)), PeriodFactor));
            length = Math.Pow(PeriodFactor, restarts) * period;
            within = t - ((1 - Math.Pow(PeriodFactor, restarts)) / (1 - PeriodFactor) * period);
        }
        var shrink = Math.Pow(RestartFactor, restarts);
        return (lowest * shrink) + (0.5 * ((peak * shrink) - (lowest * shrink)) * (1 + Math.Cos(Math.PI * within / length)));
    }

    // fairseq's tri_stage_lr_scheduler; the boundary update of the decay belongs to it.
    double TriStage(long update, double peak, long updates)
    {
        long warmup = Warmup, hold = Hold, decay = Decay;
        if (Phases is { } shares)
            (warmup, hold, decay) = ((long)(updates * shares[0]), (long)(updates * shares[1]), (long)(updates * shares[2]));
        if (update < warmup)
            return (StartScale * peak) + ((peak - (StartScale * peak)) / warmup * update);
        var after = update - warmup;
        if (after < hold)
            return peak;
        after -= hold;
        return after <= decay ? peak * Math.Exp(Math.Log(EndScale) / decay * after) : peak * EndScale;
    }

    double Polynomial(long update, double peak, long updates)
    {
        if (Warmup > 0 && update <= Warmup)
            return (double)update / Warmup * peak;
        if (update >= updates)
            return MinRate;
        var left = 1 - ((double)(update - Warmup) / (updates - Warmup));
        return ((peak - MinRate) * Math.Pow(left, Power)) + MinRate;
    }
}
