using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Tandem.Data;
using Tandem.Data.Sources;
using Tandem.Layers;
using Tandem.Recipes;
using Tandem.Torch;
using Tandem.Training;

namespace Tandem;

/// <summary>One line of what a run would be.</summary>
/// <param name="Key">The name for programs.</param>
/// <param name="Value">The value for programs: seconds, bytes, counts.</param>
/// <param name="Name">The name for people.</param>
/// <param name="Text">The value for people, with its unit.</param>
public sealed record PlannedFact(string Key, JsonNode? Value, string Name, string Text);

/// <summary>What <c>--dry-run</c> tells: sizes, shapes, and estimates from two steps whose results are thrown away.</summary>
static class PretrainingPlan
{
    public static IReadOnlyList<PlannedFact> Of(PretrainingRecipe recipe, Source source, Method method, IBatchStream batches, Precision precision, Device device)
    {
        var batch = batches.Next(CancellationToken.None)!;
        var encoder = method.Weights.Trained.Where(p => p.Name.StartsWith("front.", StringComparison.Ordinal) || p.Name.StartsWith("trunk.", StringComparison.Ordinal)).Sum(p => p.Value.Count);
        Libtorch.ResetPeakMemory();
        TrialStep(recipe, method, batch, precision);
        var watch = Stopwatch.StartNew();
        TrialStep(recipe, method, batch, precision);
        var seconds = watch.Elapsed.TotalSeconds * recipe.Data.MicroBatches;
        var (peak, budget) = (Libtorch.Memory.PeakBytes, recipe.Run.Budget);
        var run = budget?.TotalSeconds ?? seconds * recipe.Run.Steps;
        string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
        JsonArray Shape(HostTensor tensor) => new([.. tensor.Shape.Select(size => (JsonNode)size)]);
        return
        [
            new("samples", source.Count, recipe.Modality.Samples, Text($"{source.Count:N0}")),
            new("micro_batches", recipe.Data.MicroBatches, "batch", Text($"{recipe.Data.BatchInWords} in {recipe.Data.MicroBatches} micro-batch(es)")),
            new("input_shape", Shape(batch.Input), "the first micro-batch", Text($"{batch.Input.Type} [{string.Join(", ", batch.Input.Shape)}]")),
            new("mask_shape", Shape(batch.Masks!), "its masks", Text($"[{string.Join(", ", batch.Masks!.Shape)}]")),
            new("trained_parameters", method.Weights.TrainedElements, "trained parameters", Text($"{method.Weights.TrainedElements:N0}")),
            new("encoder_parameters", encoder, "of them the encoder's", Text($"{encoder:N0}")),
            new("precision", precision == Precision.BFloat16 ? "bf16" : "float32", "precision", precision == Precision.BFloat16 ? "bf16 (products), float32 (weights, norms, losses)" : "float32"),
            new("device", device.ToString(), "device", device.ToString()),
            new("threads", Libtorch.Threads, "threads", Text($"{Libtorch.Threads}")),
            new("tensor_bytes", peak, "memory of tensors, estimated", Text($"{peak / 1048576.0:N0} MiB")),
            new("step_seconds", seconds, "time of a step, estimated", Text($"{seconds:0.00} s")),
            new("steps", budget is null ? recipe.Run.Steps : null, "steps", budget is null ? Text($"{recipe.Run.Steps:N0}") : "those that fit into the budget: measured when the run begins"),
            new("seconds", run, "time of the run, estimated", Text($"{run / 60:N1} min")),
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
