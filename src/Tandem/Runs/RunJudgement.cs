using System.Globalization;
using System.Text;

namespace Tandem.Runs;

/// <summary>How a run stands, in words: its state, its verdict, and what the verdict rests on.</summary>
static class RunJudgement
{
    // Probes while training take a few hundred samples at least: a difference like this is hardly chance.
    const double Fall = 0.05;

    /// <summary>The state; a run that says it is running while nobody holds its lock is <c>interrupted</c>.</summary>
    public static string State(RunFolder run, RunStatus status) => status.State is RunState.Starting or RunState.Running && !run.IsAlive ? "interrupted" : status.State.ToString().ToLowerInvariant();

    /// <summary>The verdict in a word.</summary>
    public static string Word(RunStatus status) => status.Verdict ?? "not judged yet";

    /// <summary>The verdict's sentence: what speaks against the run, or what was looked at without finding anything.</summary>
    public static string Sentence(RunStatus status, IReadOnlyList<MetricsLine> metrics)
    {
        if (status.VerdictReason is { Length: > 0 } reason)
            return reason;
        var watched = HealthJudge.Watched.ToHashSet(StringComparer.Ordinal);
        var moments = metrics.Where(line => line.Values.Keys.Any(watched.Contains)).ToList();
        var looked = Looked([.. moments.SelectMany(line => line.Values.Keys).Where(watched.Contains).Distinct(StringComparer.Ordinal)]);
        if (status.Verdict is null)
            return moments.Count == 0 ? "Nothing was logged that a verdict could rest on." : $"The first moments say little: a verdict needs a few logged after the learning rate has risen. Looked at: {looked}.";
        if (status.Verdict != "healthy")
            return $"The run was judged {status.Verdict}; the reason was not kept.";
        var fell = Fell(metrics);
        var begin = fell is null ? "Nothing speaks against this run." : $"The gauges show no collapse, but {fell}.";
        return moments.Count == 0 ? begin : string.Create(CultureInfo.InvariantCulture, $"{begin} Looked at, {Units.Count(moments.Count)} times up to step {Units.Count(moments[^1].Step)}: {looked}.");
    }

    /// <summary>An evaluation that is clearly worse than at its start: gauges see nothing of it, but people want to know.</summary>
    static string? Fell(IReadOnlyList<MetricsLine> metrics)
    {
        foreach (var name in metrics.SelectMany(line => line.Values.Keys).Where(RunDescription.IsEvaluation).Distinct(StringComparer.Ordinal))
        {
            var values = Report.Values(metrics, name);
            if (values.Count > 1 && values[^1] < values[0] - Fall)
                return $"{name} fell from {Units.Percent(values[0])} to {Units.Percent(values[^1])}";
        }
        return null;
    }

    /// <summary>The gauges in words: "variance and effective rank of targets and local features; the loss against its start".</summary>
    static string Looked(IReadOnlyCollection<string> gauges)
    {
        List<string> parts = [];
        var places = gauges.Where(gauge => gauge.StartsWith("gauge/", StringComparison.Ordinal)).Select(gauge => gauge.Split('/')).Where(gauge => gauge.Length == 3).ToList();
        // Places with the same gauges share a part of the sentence.
        foreach (var alike in places.GroupBy(gauge => gauge[1], StringComparer.Ordinal).GroupBy(place => string.Join('/', place.Select(gauge => gauge[2]).Order(StringComparer.Ordinal)), StringComparer.Ordinal))
            parts.Add($"{List([.. alike.First().Select(gauge => gauge[2].Replace('_', ' '))])} of {List([.. alike.Select(place => HealthJudge.Words(place.Key))])}");
        if (gauges.Contains("loss"))
            parts.Add("the loss against its start");
        if (gauges.Contains("waiting"))
            parts.Add("the time spent waiting for data");
        return string.Join("; ", parts);
    }

    static string List(List<string> words)
    {
        var text = new StringBuilder();
        for (var i = 0; i < words.Count; i++)
            text.Append(i == 0 ? "" : i == words.Count - 1 ? " and " : ", ").Append(words[i]);
        return text.ToString();
    }
}
