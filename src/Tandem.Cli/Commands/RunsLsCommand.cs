using System.Globalization;
using System.Text.Json.Nodes;
using Tandem.Runs;

namespace Tandem.Cli.Commands;

/// <summary><c>tandem runs ls</c>: the runs in a folder.</summary>
sealed class RunsLsCommand : Command
{
    const string Usual = "runs";

    public override string Name => "runs ls";

    public override string Summary => "Lists the runs in a folder, the newest first, with how they stand";

    public override string Example => "tandem runs ls";

    public override IReadOnlyList<Operand> Operands { get; } = [new("FOLDER", $"where to look, at any depth ({Usual})", Times.AtMostOnce)];

    public override string Remarks => "A run that is interrupted ended without saying so; tandem resume goes on with it. best is the evaluation that chose the best checkpoint.";

    public override Task<int> Run(Call call)
    {
        var folder = call.Operands.Count > 0 ? call.Operands[0] : Usual;
        // Whoever has trained nothing yet has made no mistake.
        var runs = call.Operands.Count == 0 && !Path.Exists(Usual) ? [] : RunListing.Under(folder);
        if (runs.Count == 0)
            call.Output.Line($"No runs in {folder}.");
        else
            call.Output.Table(["run", "state", "verdict", "step", "loss", "best", "recipe", "started", "size", "fault"], runs.Select(Row));
        call.Output.Document(new JsonObject { ["folder"] = folder, ["runs"] = new JsonArray([.. runs.Select(Document)]) });
        return Task.FromResult(0);
    }

    static IReadOnlyList<string> Row(ListedRun run) =>
    [
        run.Name,
        run.State,
        run.Status.Verdict ?? "–",
        run.Status.Steps > 0 ? $"{Units.Count(run.Status.Step)} of {Units.Count(run.Status.Steps)}" : Units.Count(run.Status.Step),
        run.Status.Loss is { } loss ? Units.Number(loss) : "–",
        run.BestValue is { } best ? $"{run.BestBy!["eval/".Length..]} {RunsShowCommand.Score(best)}" : "–",
        run.Recipe ?? "–",
        run.Status.Started?.ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture) ?? "–",
        Units.Bytes(run.Bytes),
        run.Fault ?? "",
    ];

    static JsonNode Document(ListedRun run) => new JsonObject
    {
        ["name"] = run.Name,
        ["path"] = run.Path,
        ["state"] = run.State,
        ["verdict"] = run.Status.Verdict,
        ["step"] = run.Status.Step,
        ["steps"] = run.Status.Steps,
        ["seconds"] = Finite(run.Status.Seconds),
        ["loss"] = Finite(run.Status.Loss),
        ["best_by"] = run.BestBy,
        ["best_value"] = Finite(run.BestValue),
        ["recipe"] = run.Recipe,
        ["started"] = run.Status.Started?.UtcDateTime,
        ["bytes"] = run.Bytes,
        ["fault"] = run.Fault,
    };

    static JsonNode? Finite(double? value) => value is { } number && double.IsFinite(number) ? number : null;
}
