using Tandem.Runs;

namespace Tandem.Cli.Commands;

/// <summary><c>tandem runs compare</c>: runs side by side.</summary>
sealed class RunsCompareCommand : Command
{
    public override string Name => "runs compare";

    public override string Summary => "Compares runs: in what their recipes differ, what came out, and what had come out after equal time";

    public override string Example => "tandem runs compare runs/photos runs/photos-slow out=comparison.html";

    public override IReadOnlyList<Operand> Operands { get; } = [new("RUN", "a run folder"), new("RUN", "run folders to compare it with", Times.AtLeastOnce)];

    public override IReadOnlyList<Setting> Settings { get; } = [new("out", "one self-contained page with these tables and the curves of loss, evaluations and health over each other (none)")];

    public override string Remarks => "best is the least loss or the highest evaluation. Equal time is the longest that all runs have logged; values are the last ones up to it.";

    public override Task<int> Run(Call call)
    {
        var runs = RunComparison.Of(call.Operands);
        var output = call.Output;
        output.Table(["", .. runs.Names],
        [
            ["state", .. runs.States],
            ["verdict", .. runs.Verdicts.Select(verdict => verdict ?? "–")],
            .. Rows(runs.Numbers),
        ]);
        if (runs.Seconds is { } seconds)
        {
            output.Line();
            output.Line($"After {Units.Time(seconds)}");
            output.Table(["", .. runs.Names], Rows(runs.AtSeconds));
        }
        output.Line();
        if (runs.Differences.Count == 0)
            output.Line("The recipes do not differ.");
        else
            output.Table(["recipe", .. runs.Names], runs.Differences.Select(row => (IReadOnlyList<string>)[row.Key, .. row.Texts]));
        if (call["out"] is { } path && !call.Options.DryRun)
        {
            runs.WritePage(path);
            output.Line($"\nPage: {path}");
        }
        output.Document(runs.ToJson());
        return Task.FromResult(0);
    }

    static IEnumerable<IReadOnlyList<string>> Rows(IEnumerable<ComparedMetric> numbers) => numbers.SelectMany(number => number.Rows).Select(row => (IReadOnlyList<string>)[row.Name, .. row.Values]);
}
