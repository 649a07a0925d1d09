using System.Text.Json.Nodes;
using Tandem.Runs;

namespace Tandem.Cli.Commands;

/// <summary><c>tandem runs rm</c>: removes runs.</summary>
sealed class RunsRmCommand : Command
{
    const int NamesShown = 5;

    public override string Name => "runs rm";

    public override string Summary => "Removes runs with their checkpoints; without yes=true it only says what would go";

    public override string Example => "tandem runs rm runs/photos yes=true";

    public override IReadOnlyList<Operand> Operands { get; } = [new("RUN", "run folders", Times.AtLeastOnce)];

    public override IReadOnlyList<Setting> Settings { get; } = [new("yes", "true: remove; false: say what would go (false)")];

    public override string Remarks => "Only what a run wrote goes: other files in its folder stay, and symbolic links are not followed. A run that is going on is refused; if one cannot be removed, none is.";

    public override Task<int> Run(Call call)
    {
        var really = call.OneOf("yes", "false", "true") == "true" && !call.Options.DryRun;
        var runs = really ? RunRemoval.Remove(call.Operands) : RunRemoval.Look(call.Operands);
        foreach (var run in runs)
        {
            call.Output.Line($"{(really ? "Removed" : "Would remove")} {run.Path} ({Units.Bytes(run.Bytes)}).");
            if (run.Kept.Count > 0)
                call.Output.Line($"  {(really ? "Stayed" : "Would stay")}, not the run's: {string.Join(", ", run.Kept.Take(NamesShown))}{(run.Kept.Count > NamesShown ? $" and {run.Kept.Count - NamesShown} more" : "")}");
        }
        if (!really)
            call.Output.Line($"Nothing was removed. {(runs.Count == 1 ? "" : $"All of it is {Units.Bytes(runs.Sum(run => run.Bytes))}. ")}Add yes=true to remove {(runs.Count == 1 ? "it" : "them")}.");
        call.Output.Document(new JsonObject
        {
            ["removed"] = really,
            ["bytes"] = runs.Sum(run => run.Bytes),
            ["runs"] = new JsonArray([.. runs.Select(run => (JsonNode)new JsonObject { ["path"] = run.Path, ["bytes"] = run.Bytes, ["kept"] = new JsonArray([.. run.Kept.Select(name => (JsonNode)name)]) })]),
        });
        return Task.FromResult(0);
    }
}
