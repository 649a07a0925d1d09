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
/// <param name="Since">The logged step since which it has been so.</param>
/// <param name="Finding">The gauge, its limit, since when, and the last value, in words; null when healthy.</param>
/// <param name="Meaning">What that means.</param>
/// <param name="Advice">What to change.</param>
public sealed record Verdict(RunHealth Health, string? Gauge = null, double Value = 0, long Since = 0, string? Finding = null, string? Meaning = null, string? Advice = null)
{
    const string Unstable = "Lower optimizer.learning_rate, lengthen schedule.warmup, set optimizer.clip_norm, or compute with --precision float32.";

    /// <summary>The judgement as status and metrics write it.</summary>
    public string Word => Health.ToString().ToLowerInvariant();

    /// <summary>One paragraph: the gauge, since when, what it means, what to change. Null when healthy.</summary>
    public string? Reason => Finding is null ? null : $"{Finding}: {Meaning}. {Advice}";

    /// <summary>The judgement on an update whose loss or gradient is no finite number: from there nothing can be learned.</summary>
    /// <param name="gauge"><c>loss</c> or <c>gradient_norm</c>.</param>
    /// <param name="value">What it was.</param>
    /// <param name="update">The update, counted from 0.</param>
    public static Verdict NotFinite(string gauge, double value, long update) =>
        new(RunHealth.Collapsed, gauge, value, update, string.Create(CultureInfo.InvariantCulture, $"{gauge} of step {update} is {Units.Number(value)}"), "no step can be made with it", Unstable);
}

/// <summary>
/// Judges a run by its logged gauges. It looks at no more than they say, so a resumed run and a report come to the same judgement.
/// </summary>
/// <param name="warmup">Updates in which the learning rate rises.</param>
public sealed class HealthJudge(long warmup)
{
    // A verdict rests on this many logged moments in a row: one alone may be chance.
    const int InARow = 3;

    // The first updates are slow, and the first moments of everything are unlike the rest.
    const int FirstUpdates = 20;

    // What is usual is known after so many.
    const int MomentsOfUsual = 11;

    readonly Streak[] streaks = [.. Rules.Select(_ => new Streak())];
    readonly Dictionary<string, double> first = new(StringComparer.Ordinal);
    readonly List<double> pace = [];
    long last;
    int judged;
    bool accused;

    /// <summary>Updates of the whole run; 0 while they are not known.</summary>
    public long Steps { get; set; }

    /// <summary>From when on a rule is looked at.</summary>
    enum From
    {
        /// <summary>As soon as anything is: what it judges does not depend on what was learned.</summary>
        TheStart,
        /// <summary>When the learning rate is up: before, gauges of what is learned say little.</summary>
        WarmedUp,
        /// <summary>After a third of the run, or 200 updates where that is more.</summary>
        AThird,
    }

    /// <summary>A limit on a gauge.</summary>
    /// <param name="Gauge">The gauge, as metrics call it.</param>
    /// <param name="Above">Whether values above the limits are bad, or those below.</param>
    /// <param name="Doubtful">The limit of what is suspicious.</param>
    /// <param name="Bad">The limit of what is a collapse; NaN where nothing is.</param>
    /// <param name="Meaning">What it means to be beyond it.</param>
    /// <param name="Advice">What to change.</param>
    /// <param name="From">From when on it is looked at.</param>
    sealed record Rule(string Gauge, bool Above, Func<HealthJudge, double> Doubtful, Func<HealthJudge, double> Bad, string Meaning, string Advice, From From)
    {
        public bool IsBeyond(double value, double limit) => Above ? value > limit : value < limit;
    }

    /// <summary>How long a rule has been broken without a break, up to the last logged moment.</summary>
    sealed class Streak
    {
        public int Moments, Doubtful, Bad;
        public long DoubtfulSince, BadSince;
        public double Value;
    }

    const string CollapseAdvice = "Try, in this order: a lower optimizer.learning_rate, a norm of the targets (objective.instance_norm_layer, objective.layer_norm_targets), a slower teacher (objective.teacher.decay_start).";

    // The more telling ones first: a solution that tells the position alone is narrow as well. Limits lie well outside of what healthy runs of all recipes show.
    static readonly Rule[] Rules =
    [
        .. new[] { "target", "student", "local" }.SelectMany(place => new Rule[]
        {
            Below($"gauge/{place}/sample_share", 0.08, 0.03, $"{Words(place)} tell the position, but not the sample", $"Are the samples different at all? {CollapseAdvice}", OfThePlace(place)),
            Below($"gauge/{place}/position_share", 0.01, 0.003, $"{Words(place)} are the same at all positions of a sample", $"Are the samples constant? {CollapseAdvice}", OfThePlace(place)),
            // Of the student's few visible places none is taken.
            Above($"gauge/{place}/periodicity", _ => 0.9, _ => 0.95, $"{Words(place)} repeat along the sequence, whatever it holds", $"Is the data itself periodic (a hum, a repeated text)? {CollapseAdvice}"),
            new($"gauge/{place}/variance", false, judge => 1e-3 * judge.First($"gauge/{place}/variance"), _ => 1e-6, $"all {Words(place)} are nearly the same", CollapseAdvice, From.WarmedUp),
            Below($"gauge/{place}/effective_rank", Ranks(place).Doubtful, Ranks(place).Bad, $"{Words(place)} vary in hardly more than one direction", CollapseAdvice),
        }),
        Above("loss", judge => 1.5 * judge.First("loss"), judge => 10 * judge.First("loss"), "the loss is above its start", "Lower optimizer.learning_rate, lengthen schedule.warmup, or set optimizer.clip_norm."),
        Below("gauge/prediction/effective_rank", 1.2, double.NaN, "predictions hardly differ from their mean", "Lower optimizer.learning_rate, or train longer.", From.AThird),
        Above("waiting", _ => 0.5, _ => double.NaN, "most of the time training waits for data", "Raise data.workers, or put the data on a faster disk.", From.TheStart),
        new("samples_per_second", false, judge => 0.25 * judge.Usual, _ => double.NaN, "training is four times slower than in its first minutes", "Something else uses the machine, or it is too hot: look with `top`.", From.TheStart),
    ];

    static Rule Below(string gauge, double doubtful, double bad, string meaning, string advice, From from = From.WarmedUp) => new(gauge, false, _ => doubtful, _ => bad, meaning, advice, from);

    static Rule Above(string gauge, Func<HealthJudge, double> doubtful, Func<HealthJudge, double> bad, string meaning, string advice, From from = From.WarmedUp) => new(gauge, true, doubtful, bad, meaning, advice, from);

    // Whether local features differ is up to the data: untrained ones differ in all recipes by more than 0.4 of their variance, along samples and along positions.
    static From OfThePlace(string place) => place == "local" ? From.TheStart : From.WarmedUp;

    // Loudness alone makes most of what the local features of speech vary by: sound runs go down to 1.5 at the beginning. Their targets have never been seen below 3.4.
    static (double Doubtful, double Bad) Ranks(string place) => place switch { "target" => (2.8, 2), "student" => (1.8, 1.3), _ => (1.25, 1.05) };

    /// <summary>The metrics that a judgement rests on.</summary>
    internal static IEnumerable<string> Watched => Rules.Select(rule => rule.Gauge);

    /// <summary>A place where gauges are taken, in words.</summary>
    internal static string Words(string place) => place switch { "target" => "targets", "student" => "the student's features", "prediction" => "predictions", _ => "local features" };

    double First(string gauge) => first.GetValueOrDefault(gauge, double.NaN);

    // The median of the first moments but the very first, which is slower than all others.
    double Usual => pace.Count <= MomentsOfUsual ? double.NaN : pace.Skip(1).Order().ElementAt(MomentsOfUsual / 2);

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
        if (pace.Count <= MomentsOfUsual && line.TryGetValue("samples_per_second", out var speed) && double.IsFinite(speed))
            pace.Add(speed);
        var warm = step > Math.Max(warmup, FirstUpdates);
        if (warm)
            judged++;
        foreach (var (rule, streak) in Rules.Zip(streaks))
        {
            if (!line.TryGetValue(rule.Gauge, out var value))
                continue;
            streak.Value = value;
            if (warm || (rule.From == From.TheStart && step > FirstUpdates))
                streak.Moments++;
            Count(double.IsFinite(value) && rule.IsBeyond(value, rule.Bad(this)), step, ref streak.Bad, ref streak.BadSince);
            Count(double.IsFinite(value) && (streak.Bad > 0 || rule.IsBeyond(value, rule.Doubtful(this))), step, ref streak.Doubtful, ref streak.DoubtfulSince);
        }
        last = step;
        accused |= Current is { Health: not RunHealth.Healthy };
    }

    static void Count(bool beyond, long step, ref int moments, ref long since)
    {
        if (beyond && moments == 0)
            since = step;
        moments = beyond ? moments + 1 : 0;
    }

    /// <summary>The judgement as things stand; null before anything can be said.</summary>
    public Verdict? Current
    {
        get
        {
            if (Steps > 0 && warmup >= Steps)
            {
                return new(RunHealth.Suspicious, "lr", warmup, 0, string.Create(CultureInfo.InvariantCulture, $"schedule.warmup is {warmup} steps, and the run has {Steps}"),
                    "the learning rate rises to the end", "Shorten schedule.warmup to a tenth of the steps.");
            }
            Verdict? doubtful = null;
            foreach (var (rule, streak) in Rules.Zip(streaks))
            {
                if (streak.Moments < InARow || (rule.From == From.AThird && last < Math.Max(200, Steps / 3)))
                    continue;
                if (streak.Bad >= InARow)
                    return Found(rule, RunHealth.Collapsed, rule.Bad(this), streak.BadSince, streak.Value);
                if (streak.Doubtful >= InARow)
                    doubtful ??= Found(rule, RunHealth.Suspicious, rule.Doubtful(this), streak.DoubtfulSince, streak.Value);
            }
            // What has been said against a run is taken back when it is over, even where nothing would have been said yet.
            return doubtful ?? (judged < InARow && !accused ? null : new(RunHealth.Healthy));
        }
    }

    static Verdict Found(Rule rule, RunHealth health, double limit, long since, double value) =>
        new(health, rule.Gauge, value, since, string.Create(CultureInfo.InvariantCulture, $"{rule.Gauge} has been {(rule.Above ? "above" : "below")} {Units.Number(limit)} since step {since}, now {Units.Number(value)}"),
            rule.Meaning, rule.Advice);
}
