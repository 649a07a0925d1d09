using System.Text.Json.Nodes;
using Tandem.Recipes;

namespace Tandem.Cli.Commands;

/// <summary><c>tandem pretrain</c>: learns an encoder from unlabelled data.</summary>
sealed class PretrainCommand : Command
{
    public override string Name => "pretrain";

    public override string Summary => "Learns an encoder from unlabelled pictures, recordings or texts";

    public override string Example => "tandem pretrain data2vec2/images-cpu-10m data=photos out=runs/photos";

    public override IReadOnlyList<Operand> Operands { get; } = [new("RECIPE", "a name that recipes ls lists, or a file (JSON with comments, or YAML)")];

    public override bool TakesRecipeKeys => true;

    public override string Remarks =>
        "data=… is a folder, a tar, a list or a data set; out=… is the run folder. Any key of the recipe can be set: optimizer.learning_rate=1e-3. " +
        "budget=20m trains for a time instead of a number of steps; init=MODEL starts from another model's weights. " +
        "The first Ctrl-C stops after the step at hand with a checkpoint; tandem resume goes on.";

    public override Task<int> Run(Call call)
    {
        var document = RecipeDocument.Load(call.Operands[0], [.. Overrides(call.Options), .. call.Assignments]);
        if (call.Options.DryRun)
            return DryRun(call, document);
        using var pretraining = Pretraining.Start(document, System.Environment.CommandLine, call.Output.Note, call.Stop);
        return Task.FromResult(Train(call, pretraining));
    }

    /// <summary>Trains with a display; shared with <c>resume</c> and <c>demo</c>.</summary>
    public static int Train(Call call, Pretraining pretraining)
    {
        if (pretraining.Restored.Count > 0)
            call.Output.Table(["restored", "what"], pretraining.Restored.Select(r => (IReadOnlyList<string>)[r.What, r.Restored]));
        var display = new TrainingDisplay(call.Output, pretraining.Folder);
        try
        {
            return display.End(pretraining.Run(display.Take, call.Stop), call.Stop);
        }
        catch (Exception cause) when (cause is not OperationCanceledException)
        {
            throw display.Fail(cause);
        }
    }

    /// <summary>The global options that a recipe has keys for.</summary>
    public static IEnumerable<string> Overrides(GlobalOptions options)
    {
        if (options.Device != "auto")
            yield return $"run.device={options.Device}";
        if (options.Precision != "auto")
            yield return $"run.precision={options.Precision}";
        if (options.Threads is { } threads)
            yield return FormattableString.Invariant($"run.threads={threads}");
        if (options.Seed is { } seed)
            yield return FormattableString.Invariant($"run.seed={seed}");
    }

    /// <summary>What a run would be; shared with <c>resume</c> and <c>demo</c>.</summary>
    public static Task<int> DryRun(Call call, RecipeDocument document, bool resumed = false)
    {
        var plan = Pretraining.Plan(document, call.Output.Note, call.Stop, resumed);
        call.Output.Table(["key", "value", "origin"], document.Explain().Select(row => (IReadOnlyList<string>)[row.Key, row.Value?.ToJsonString() ?? "none", row.Origin.ToString()]));
        call.Output.Line();
        call.Output.Table(["what", "value"], plan.Select(p => (IReadOnlyList<string>)[p.Name, p.Text]));
        call.Output.Document(new JsonObject
        {
            ["recipe"] = document.ToJson(),
            ["plan"] = new JsonObject(plan.Select(p => KeyValuePair.Create(p.Key, p.Value))),
        });
        return Task.FromResult(0);
    }
}
