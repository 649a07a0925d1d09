using Tandem.Data;
using Tandem.Layers;
using Tandem.Methods.Data2Vec2;
using Tandem.Torch;
using Tandem.Training;

namespace Tandem.Bench;

/// <summary>
/// data2vec 2.0 on a batch that lies in memory. A step is the forward pass of student and teacher, loss, backward, gradient scaling,
/// clipping, Adam and the teacher's move; dropouts and the decoder's noise are drawn inside.
/// </summary>
abstract class Data2Vec2Row : Row
{
    readonly Data2Vec2Method method;
    readonly Optimizer optimizer;
    readonly Precision precision;
    readonly double rate;
    long update;

    /// <summary>A row that owns the method.</summary>
    protected Data2Vec2Row(string name, int batch, (long Student, long Teacher) work, Data2Vec2Method method, OptimizerOptions optimizer, Precision precision)
        : base(name, batch, UsefulWork.Operations(work))
    {
        (this.method, this.precision, rate) = (method, precision, optimizer.LearningRate);
        this.optimizer = new(method.Weights, optimizer);
    }

    public WeightStore Weights => method.Weights;

    public override double Step()
    {
        using var scope = TensorScope.Enter("step");
        update++;
        method.BeforeMicroBatch(update);
        var step = Loss();
        step.Sum.Backward();
        optimizer.Step(step.Weight, _ => rate);
        return step.Sum.Item() / step.Weight;
    }

    /// <summary>The forward passes and the loss alone.</summary>
    public StepLoss Loss() => method.Loss(BatchOf(update), new Pass(training: true, precision, new SeededDraws(1, update)));

    public override void Dispose()
    {
        optimizer.Dispose();
        method.Dispose();
    }

    /// <summary>The batch of an update.</summary>
    protected abstract Batch BatchOf(long update);

    /// <summary>The publisher's Adam for sequences.</summary>
    protected static OptimizerOptions SequenceAdam(double clip) =>
        new() { Style = AdamStyle.Fairseq, LearningRate = 5e-4, Beta1 = 0.9, Beta2 = 0.98, Epsilon = 1e-6, WeightDecay = 0.01, ClipNorm = clip };

    /// <summary>The publisher's blocks for sequences, with all dropouts.</summary>
    protected static BlockOptions SequenceBlock(int width, int heads) =>
        new() { Width = width, Heads = heads, MlpRatio = 4, NormEps = 1e-5, Dropout = 0.1, AttentionDropout = 0.1, PostMlpDropout = 0.1 };
}
