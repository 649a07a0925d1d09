using Tandem.Recipes;
using Tandem.Runs;

namespace Tandem.Cli.Commands;

/// <summary><c>tandem resume</c>: goes on with an interrupted run, as if it had not stopped.</summary>
sealed class ResumeCommand : Command
{
    public override string Name => "resume";

    public override string Summary => "Goes on with an interrupted run, bit for bit as if it had not stopped";

    public override string Example => "tandem resume runs/photos";

    public override IReadOnlyList<Operand> Operands { get; } = [new("RUN", "a run folder")];

    public override IReadOnlyList<Setting> Settings { get; } = [new("watch.action", "what happens while the gauges say that the run has collapsed: stop or warn; as the run's recipe says")];

    public override string Remarks => "Everything comes back: weights, teacher, optimizer, schedule, data order, draws. To start a new run from a model's weights, use pretrain … init=MODEL.";

    public override Task<int> Run(Call call)
    {
        var options = call.Options;
        if (options.Seed is not null || options.Precision != "auto")
            throw new TandemException(ErrorKind.Usage, $"{(options.Seed is not null ? "--seed" : "--precision")} cannot change in the middle of a run", expected: "--threads or --device, or neither", remedy: $"A new run from these weights: tandem pretrain RECIPE init={call.Operands[0]} out=FOLDER …");
        string[] changes = [.. PretrainCommand.Overrides(options), .. call.Assignments];
        if (options.DryRun)
            return DryRun(call, changes);
        using var pretraining = Pretraining.Resume(call.Operands[0], System.Environment.CommandLine, call.Output.Note, call.Stop, changes);
        return Task.FromResult(PretrainCommand.Train(call, pretraining));
    }

    static async Task<int> DryRun(Call call, string[] changes)
    {
        using var run = RunFolder.Read(call.Operands[0]);
        var status = run.Status();
        call.Output.Note($"{run.Path} would go on after step {status.Step} of {status.Steps}.");
        return await PretrainCommand.DryRun(call, RecipeDocument.Load(run["recipe.json"], changes), resumed: true);
    }
}
