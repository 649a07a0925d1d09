using System.Globalization;
using Tandem.Runs;

namespace Tandem.Cli.Commands;

/// <summary><c>tandem runs show</c>: how a run stands, what was chosen, what came out.</summary>
sealed class RunsShowCommand : Command
{
    const int EvaluationsShown = 20;

    public override string Name => "runs show";

    public override string Summary => "Shows how a run stands: verdict, chosen recipe values, metrics, evaluations, checkpoints";

    public override string Example => "tandem runs show runs/photos";

    public override IReadOnlyList<Operand> Operands { get; } = [new("RUN", "a run folder")];

    public override string Remarks => $"Recipe values that are defaults are left out; tandem recipes explain RUN/recipe.json shows them. The last {EvaluationsShown} evaluations and no gauges are shown; --verbose shows all, --json has all.";

    public override Task<int> Run(Call call)
    {
        var run = RunDescription.Of(call.Operands[0]);
        var output = call.Output;
        output.Line($"{run.Verdict ?? "not judged yet"}: {run.Reason}");
        if (run.Status.Error is { } error)
            output.Line($"error: {error}");
        output.Line();
        output.Table(["what", "value"], Facts(run));
        Section(output, $"Recipe ({run.Defaults} more values at their defaults)", ["key", "value", "from"], run.Chosen.Select(value => (IReadOnlyList<string>)[value.Key, value.Text, value.Origin]));
        if (run.Last is { } last)
        {
            Section(output, $"Logged at step {Units.Count(last.Step)}", ["metric", "value"], last.Values
                .Where(value => output.Verbose || !value.Key.StartsWith("gauge/", StringComparison.Ordinal))
                .Select(value => (IReadOnlyList<string>)[value.Key, Value(value.Key, value.Value)]));
        }
        Evaluations(run, output);
        Section(output, "Checkpoints", ["checkpoint", "size", "", "path"], run.Checkpoints.Select(checkpoint => (IReadOnlyList<string>)
            [checkpoint.Name, Units.Bytes(checkpoint.Bytes), checkpoint is { IsLast: true, IsBest: true } ? "last, best" : checkpoint.IsLast ? "last" : checkpoint.IsBest ? "best" : "", checkpoint.Path]));
        Section(output, "Files", ["file"], run.Files.Select(file => (IReadOnlyList<string>)[file]));
        if (run.State is "interrupted" or "stopped")
            output.Line($"\nGo on with: tandem resume {run.Path}");
        output.Document(run.ToJson());
        return Task.FromResult(0);
    }

    /// <summary>An evaluation: in percent where it is a fraction.</summary>
    internal static string Score(double value) => value is >= 0 and <= 1 ? Units.Percent(value) : Units.Number(value);

    static List<IReadOnlyList<string>> Facts(RunDescription run)
    {
        var status = run.Status;
        List<IReadOnlyList<string>> facts =
        [
            ["run", run.Path],
            ["state", run.State],
            ["recipe", run.Recipe ?? "–"],
            ["step", status.Steps > 0 ? $"{Units.Count(status.Step)} of {Units.Count(status.Steps)}" : Units.Count(status.Step)],
            ["samples", Units.Count(status.Samples)],
            ["time", Units.Time(status.Seconds) + (status.Eta is > 0 and { } eta ? $", {Units.Time(eta)} to go" : "")],
        ];
        if (status.Loss is { } loss)
            facts.Add(["loss", Units.Number(loss)]);
        if (run.SamplesPerSecond is { } speed)
            facts.Add(["samples per second, median", Units.Number(speed)]);
        if (status is { BestBy: { } by, BestValue: { } value })
            facts.Add([$"{by}, best", Score(value)]);
        if (status.Started is { } started)
            facts.Add(["started", Moment(started)]);
        if (status.Heartbeat is { } heartbeat)
            facts.Add(["last sign of life", $"{Moment(heartbeat)}{(status.Host is { } host ? $" on {host}" : "")}"]);
        facts.Add(["size", Units.Bytes(run.Bytes)]);
        return facts;
    }

    static void Evaluations(RunDescription run, Output output)
    {
        if (run.Evaluations.Count == 0)
            return;
        var names = run.Evaluations.SelectMany(line => line.Values.Keys).Distinct(StringComparer.Ordinal).ToList();
        var shown = output.Verbose ? run.Evaluations : [.. run.Evaluations.TakeLast(EvaluationsShown)];
        Section(output, shown.Count < run.Evaluations.Count ? $"Evaluations (the last {shown.Count} of {run.Evaluations.Count})" : "Evaluations", ["step", .. names.Select(name => name["eval/".Length..])],
            shown.Select(line => (IReadOnlyList<string>)[Units.Count(line.Step), .. names.Select(name => line.Values.TryGetValue(name, out var value) ? Score(value) : "–")]));
    }

    static void Section(Output output, string title, IReadOnlyList<string> headers, IEnumerable<IReadOnlyList<string>> rows)
    {
        var all = rows.ToList();
        if (all.Count == 0)
            return;
        output.Line();
        output.Line(title);
        output.Table(headers, all);
    }

    static string Value(string name, double value) =>
        name == "seconds" ? Units.Time(value)
        : name.EndsWith("_bytes", StringComparison.Ordinal) ? Units.Bytes(value)
        : name == "samples" ? Units.Count((long)value)
        : name.StartsWith("eval/", StringComparison.Ordinal) ? Score(value)
        : Units.Number(value);

    static string Moment(DateTimeOffset time) => time.ToString("yyyy-MM-dd HH:mm:ss 'UTC'", CultureInfo.InvariantCulture);
}
