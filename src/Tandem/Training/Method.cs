using Tandem.Data;
using Tandem.Layers;
using Tandem.Networks;
using Tandem.Torch;

namespace Tandem.Training;

/// <summary>What a method says of a micro-batch. Sums, not means: the trainer divides by the total weight of the update.</summary>
/// <param name="Sum">Sum of all parts, with a graph.</param>
/// <param name="Weight">What the update's gradient is divided by, summed over its micro-batches.</param>
/// <param name="Parts">Sums by name.</param>
/// <param name="States">
/// Tensors worth looking at, by place: <c>local</c>, <c>student</c>, <c>prediction</c>, <c>target</c> ([rows, places, width]) are what the
/// gauges of collapse are taken at; methods may give more.
/// </param>
public sealed record StepLoss(Tensor Sum, double Weight, IReadOnlyList<(string Name, Tensor Sum)> Parts, IReadOnlyDictionary<string, Tensor> States);

/// <summary>A way to learn without labels: a loss over batches, what precedes an update, and the encoder that it leaves behind.</summary>
public abstract class Method : IDisposable
{
    /// <summary>The trained weights.</summary>
    public abstract WeightStore Weights { get; }

    /// <summary>The teacher, if the method has one.</summary>
    public virtual Teacher? Teacher => null;

    /// <summary>Called once before each micro-batch of update <paramref name="update"/> (= completed updates).</summary>
    /// <returns>The teacher's decay of the move that was made, or null for none.</returns>
    public virtual double? BeforeMicroBatch(long update) => Teacher?.Follow(update);

    /// <summary>The loss of a micro-batch.</summary>
    public abstract StepLoss Loss(Batch batch, Pass pass);

    /// <summary>Further numbers about a step, taken at logged steps only.</summary>
    public virtual IReadOnlyList<(string Name, double Value)> Gauges(StepLoss step) => [];

    /// <summary>The encoder as it stands, for judging and for keeping; it shares the weights.</summary>
    public abstract EncoderNetwork Encoder { get; }

    /// <inheritdoc/>
    public abstract void Dispose();
}
