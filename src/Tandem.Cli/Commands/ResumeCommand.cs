namespace Tandem.Cli.Commands;

/// <summary><c>tandem resume</c>: goes on with an interrupted run, as if it had not stopped.</summary>
sealed class ResumeCommand : Command
{
    public override string Name => "resume";

    public override string Summary => "Goes on with an interrupted run, bit for bit as if it had not stopped";

    public override string Example => "tandem resume runs/photos";

    public override IReadOnlyList<Operand> Operands { get; } = [new("RUN", "a run folder")];

    public override string Remarks => "Everything comes back: weights, teacher, optimizer, schedule, data order, draws. To start a new run from a model's weights, use pretrain … init=MODEL.";

    public override Task<int> Run(Call call)
    {
        using var pretraining = Pretraining.Resume(call.Operands[0], System.Environment.CommandLine, call.Output.Note);
        return Task.FromResult(PretrainCommand.Train(call, pretraining));
    }
}
