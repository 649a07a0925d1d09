using System.Globalization;

namespace Tandem.Runs;

/// <summary>How a run is.</summary>
public enum RunHealth
{
    /// <summary>Nothing speaks against it.</summary>
    Healthy,
    /// <summary>Something that often precedes failure.</summary>
    Suspicious,
    /// <summary>Nothing will come of it.</summary>
    Collapsed,
}

/// <summary>A judgement on a run: the gauge, since when, and what to change.</summary>
/// <param name="Health">The judgement.</param>
/// <param name="Gauge">The gauge that it rests on, as metrics call it; null when healthy.</param>
/// <param name="Value">The gauge's last value.</param>
/// <param name="Since">The step since which it has been so.</param>
/// <param name="Meaning">What the value means.</param>
/// <param name="Advice">What to change.</param>
public sealed record Verdict(RunHealth Health, string? Gauge = null, double Value = 0, long Since = 0, string? Meaning = null, string? Advice = null)
{
    /// <summary>The judgement as status and metrics write it.</summary>
    public string Word => Health.ToString().ToLowerInvariant();

    /// <summary>One paragraph: the gauge, since when, what it means, what to change. Null when healthy.</summary>
    public string? Reason => Gauge is null ? null : string.Create(CultureInfo.InvariantCulture, $"{Gauge} has been {Value:0.####} or worse since step {Since}: {Meaning}. {Advice}");
}

/// <summary>
/// Judges a run by its logged gauges. It looks at no more than they say, so a resumed run and a report come to the same judgement.
/// </summary>
/// <param name="warmup">Updates in which the learning rate rises.</param>
public sealed class HealthJudge(long warmup)
{
    // A verdict rests on this many logged moments in a row: one alone may be chance.
    const int InARow = 3;

    // What is usual is known after so many.
    const int MomentsOfUsual = 11;

    readonly List<(long Step, IReadOnlyDictionary<string, double> Values)> lines = [];
    readonly Dictionary<string, double> first = new(StringComparer.Ordinal);

    /// <summary>Updates of the whole run; 0 while they are not known.</summary>
    public long Steps { get; set; }

    /// <summary>The worst that a gauge says.</summary>
    enum Sign
    {
        Good,
        Doubtful,
        Bad,
    }

    sealed record Rule(string Gauge, Func<double, HealthJudge, Sign> Judge, string Meaning, string Advice, bool Late = false);

    const string CollapseAdvice = "Try, in this order: a lower optimizer.learning_rate, a norm of the targets (objective.instance_norm_layer, objective.layer_norm_targets), a slower teacher (objective.teacher.decay_start).";

    // The more telling ones first: a solution that tells the position alone is narrow as well. Thresholds lie well outside of what healthy runs of all recipes show.
    static readonly Rule[] Rules =
    [
        .. new[] { "target", "student", "local" }.SelectMany(place => new Rule[]
        {
            new($"gauge/{place}/sample_share", (v, _) => v < 0.03 ? Sign.Bad : v < 0.08 ? Sign.Doubtful : Sign.Good, $"{Words(place)} tell the position, but not the sample", $"Are the samples different at all? {CollapseAdvice}"),
            new($"gauge/{place}/position_share", (v, _) => v < 0.003 ? Sign.Bad : v < 0.01 ? Sign.Doubtful : Sign.Good, $"{Words(place)} are the same at all positions of a sample", $"Are the samples constant? {CollapseAdvice}"),
            new($"gauge/{place}/periodicity", (v, _) => v > 0.95 ? Sign.Bad : v > 0.9 ? Sign.Doubtful : Sign.Good, $"{Words(place)} repeat along the sequence, whatever it holds", $"Is the data itself periodic (a hum, a repeated text)? {CollapseAdvice}"),
            new($"gauge/{place}/variance", (v, judge) => v < 1e-6 ? Sign.Bad : v < 1e-3 * judge.First($"gauge/{place}/variance") ? Sign.Doubtful : Sign.Good, $"all {Words(place)} are nearly the same", CollapseAdvice),
            new($"gauge/{place}/effective_rank", (v, _) => v < LeastRank(place) ? Sign.Bad : v < 1.4 * LeastRank(place) ? Sign.Doubtful : Sign.Good, $"{Words(place)} vary in hardly more than one direction", CollapseAdvice),
        }),
        new("loss", (v, judge) => v > 10 * judge.First("loss") ? Sign.Bad : v > 1.5 * judge.First("loss") ? Sign.Doubtful : Sign.Good, "the loss is above its start", "Lower optimizer.learning_rate, lengthen schedule.warmup, or set optimizer.clip_norm."),
        new("gauge/prediction/effective_rank", (v, _) => v < 1.2 ? Sign.Doubtful : Sign.Good, "predictions hardly differ from their mean", "Lower optimizer.learning_rate, or train longer.", Late: true),
        new("waiting", (v, _) => v > 0.5 ? Sign.Doubtful : Sign.Good, "most of the time training waits for data", "Raise data.workers, or put the data on a faster disk."),
        new("samples_per_second", (v, judge) => v < 0.25 * judge.Usual("samples_per_second") ? Sign.Doubtful : Sign.Good, "training is four times slower than in its first minutes", "Something else uses the machine, or it is too hot: look with `top`."),
    ];

    // Loudness alone makes most of what the local features of speech vary by; targets of sound runs have never been seen below 3.4.
    static double LeastRank(string place) => place == "target" ? 2 : 1.3;

    /// <summary>The metrics that a judgement rests on.</summary>
    internal static IEnumerable<string> Watched => Rules.Select(rule => rule.Gauge);

    /// <summary>A place where gauges are taken, in words.</summary>
    internal static string Words(string place) => place switch { "target" => "targets", "student" => "the student's features", "prediction" => "predictions", _ => "local features" };

    double First(string gauge) => first.GetValueOrDefault(gauge, double.NaN);

    // The median of the first moments but the very first, which is slower than all others.
    double Usual(string gauge)
    {
        double[] values = [.. lines.Select(line => line.Values.GetValueOrDefault(gauge, double.NaN)).Where(double.IsFinite).Skip(1).Take(MomentsOfUsual).Order()];
        return values.Length < MomentsOfUsual ? double.NaN : values[MomentsOfUsual / 2];
    }

    /// <summary>Takes the numbers of a logged moment.</summary>
    /// <param name="step">Completed updates.</param>
    /// <param name="values">Numbers by the names of metrics.</param>
    public void Take(long step, IEnumerable<KeyValuePair<string, double>> values)
    {
        var line = new Dictionary<string, double>(values, StringComparer.Ordinal);
        foreach (var (name, value) in line)
        {
            if (double.IsFinite(value))
                first.TryAdd(name, value);
        }
        lines.Add((step, line));
    }

    /// <summary>The judgement as things stand; null before anything can be said.</summary>
    public Verdict? Current
    {
        get
        {
            if (Steps > 0 && warmup >= Steps)
                return new(RunHealth.Suspicious, "lr", warmup, 0, string.Create(CultureInfo.InvariantCulture, $"the learning rate rises for {warmup} steps, but the run has {Steps}"), "Shorten schedule.warmup to a tenth of the steps.");
            // Before the learning rate is up and the first moments are over, gauges say little.
            var judged = lines.Where(line => line.Step > Math.Max(warmup, 20)).ToList();
            if (judged.Count < InARow)
                return null;
            Verdict? doubtful = null;
            foreach (var rule in Rules)
            {
                if (rule.Late && judged[^1].Step < Math.Max(200, Steps / 3))
                    continue;
                var signs = judged.Where(line => line.Values.ContainsKey(rule.Gauge)).Select(line => (line.Step, Value: line.Values[rule.Gauge], Sign: SignOf(rule, line.Values[rule.Gauge]))).ToList();
                if (signs.Count < InARow)
                    continue;
                if (signs.TakeLast(InARow).All(sign => sign.Sign == Sign.Bad))
                    return Found(rule, RunHealth.Collapsed, signs, Sign.Bad);
                if (doubtful is null && signs.TakeLast(InARow).All(sign => sign.Sign != Sign.Good))
                    doubtful = Found(rule, RunHealth.Suspicious, signs, Sign.Doubtful);
            }
            return doubtful ?? new(RunHealth.Healthy);
        }
    }

    Sign SignOf(Rule rule, double value) => double.IsFinite(value) ? rule.Judge(value, this) : Sign.Good;

    static Verdict Found(Rule rule, RunHealth health, List<(long Step, double Value, Sign Sign)> signs, Sign least)
    {
        var since = signs.Count - 1;
        while (since > 0 && signs[since - 1].Sign >= least)
            since--;
        return new(health, rule.Gauge, signs[^1].Value, signs[since].Step, rule.Meaning, rule.Advice);
    }
}
