using System.Diagnostics;
using System.Globalization;
using Tandem.Data;
using Tandem.Data.Sources;
using Tandem.Layers;
using Tandem.Recipes;
using Tandem.Torch;
using Tandem.Training;

namespace Tandem;

/// <summary>What <c>--dry-run</c> tells: sizes, shapes, and estimates from two steps whose results are thrown away.</summary>
static class PretrainingPlan
{
    public static IReadOnlyList<(string, string)> Of(PretrainingRecipe recipe, Source source, Method method, IBatchStream batches, Precision precision, Device device)
    {
        var batch = batches.Next(CancellationToken.None)!;
        var encoder = method.Weights.Trained.Where(p => p.Name.StartsWith("front.", StringComparison.Ordinal) || p.Name.StartsWith("trunk.", StringComparison.Ordinal)).Sum(p => p.Value.Count);
        Libtorch.ResetPeakMemory();
        TrialStep(recipe, method, batch, precision);
        var watch = Stopwatch.StartNew();
        TrialStep(recipe, method, batch, precision);
        var seconds = watch.Elapsed.TotalSeconds * recipe.Data.MicroBatches;
        string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
        return
        [
            (recipe.Modality.Samples, Text($"{source.Count:N0}")),
            ("batch", Text($"{recipe.Data.BatchInWords} in {recipe.Data.MicroBatches} micro-batch(es); the first: {batch.Input.Type} [{string.Join(", ", batch.Input.Shape)}], masks [{string.Join(", ", batch.Masks!.Shape)}]")),
            ("trained parameters", Text($"{method.Weights.TrainedElements:N0}, {encoder:N0} of them the encoder's")),
            ("precision", precision == Precision.BFloat16 ? "bf16 (products), float32 (weights, norms, losses)" : "float32"),
            ("device", Text($"{device}, {Libtorch.Threads} threads")),
            ("memory, estimated", Text($"{Libtorch.Memory.PeakBytes / 1048576.0:N0} MiB of tensors")),
            ("time a step, estimated", Text($"{seconds:0.00} s")),
            ("time of the run, estimated", recipe.Run.Budget is { } budget ? Text($"{budget.TotalMinutes:0.#} min (a budget: the steps that fit are measured)") : Text($"{seconds * recipe.Run.Steps / 60:N1} min for {recipe.Run.Steps:N0} steps")),
        ];
    }

    static void TrialStep(PretrainingRecipe recipe, Method method, Batch batch, Precision precision)
    {
        using var scope = TensorScope.Enter("trial");
        var step = method.Loss(batch, new Pass(training: true, precision, new SeededDraws(recipe.Run.Seed, 0)));
        step.Sum.Backward();
        foreach (var parameter in method.Weights.Trained)
            parameter.Value.Grad = null;
    }
}
