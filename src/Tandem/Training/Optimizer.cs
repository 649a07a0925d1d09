using Tandem.Layers;
using Tandem.Torch;

namespace Tandem.Training;

/// <summary>Whose Adam.</summary>
public enum AdamStyle
{
    /// <summary>fairseq's: decoupled decay, epsilon added to √v before the bias correction.</summary>
    Fairseq = 0,
    /// <summary>torch's AdamW: decoupled decay, epsilon added after it.</summary>
    AdamW = 1,
    /// <summary>torch's Adam: decay added to the gradient.</summary>
    Adam = 2,
}

/// <summary>Adam, its decay and its clipping.</summary>
public sealed record OptimizerOptions
{
    /// <summary>Whose Adam: fairseq, adam_w (torch's AdamW) or adam (torch's Adam).</summary>
    public AdamStyle Style { get; init; } = AdamStyle.Fairseq;

    /// <summary>Learning rate after warm-up, before it falls.</summary>
    [Range(0)]
    public double LearningRate { get; init; } = 1e-3;

    /// <summary>The same of the decoders; null: that of all.</summary>
    public double? DecoderLearningRate { get; init; }

    /// <summary>Decay of the first moment.</summary>
    [Range(0, 1)]
    public double Beta1 { get; init; } = 0.9;

    /// <summary>Decay of the second moment.</summary>
    [Range(0, 1)]
    public double Beta2 { get; init; } = 0.95;

    /// <summary>Added to the root of the second moment.</summary>
    [Range(0)]
    public double Epsilon { get; init; } = 1e-8;

    /// <summary>Decay of weights a step, as a multiple of the learning rate.</summary>
    [Range(0)]
    public double WeightDecay { get; init; } = 0.05;

    /// <summary>Biases, norms and other tensors of one axis are not decayed. The originals of data2vec 2.0 decay them, although they mark them.</summary>
    public bool ExemptVectors { get; init; }

    /// <summary>Largest norm of the whole gradient; 0: not clipped.</summary>
    [Range(0)]
    public double ClipNorm { get; init; }

    /// <summary>Peak learning rate of a parameter.</summary>
    public double RateOf(Parameter parameter) =>
        DecoderLearningRate is { } own && parameter.Name.Split('.')[0].EndsWith("decoder", StringComparison.Ordinal) ? own : LearningRate;

    /// <summary>Weight decay of a parameter.</summary>
    public double DecayOf(Parameter parameter) => ExemptVectors && (parameter.Value.Shape.Length <= 1 || parameter.Role is Role.Bias or Role.Norm) ? 0 : WeightDecay;
}

/// <summary>Moves a store's trained parameters along their gradients.</summary>
public sealed class Optimizer : IDisposable
{
    readonly WeightStore weights;
    readonly OptimizerOptions options;
    readonly Dictionary<string, Moments> moments = new(StringComparer.Ordinal);

    /// <summary>An optimizer without memory.</summary>
    public Optimizer(WeightStore weights, OptimizerOptions options)
    {
        this.weights = weights;
        this.options = options;
    }

    /// <summary>First and second moment of a parameter, and the steps that it has made.</summary>
    public sealed record Moments(Tensor First, Tensor Second)
    {
        /// <summary>Steps made.</summary>
        public long Steps { get; set; }
    }

    /// <summary>The state by parameter name; those that never had a gradient have none.</summary>
    public IReadOnlyDictionary<string, Moments> State => moments;

    /// <summary>
    /// One update: divides the gradients by the update's weight, clips, steps, and clears them. A parameter without a gradient is left alone,
    /// decay included.
    /// </summary>
    /// <param name="weight">Total weight of the update.</param>
    /// <param name="rate">Learning rate of a parameter.</param>
    /// <returns>Norm of the divided gradient before clipping; if it is not finite, nothing was changed.</returns>
    public double Step(double weight, Func<Parameter, double> rate)
    {
        using var scope = TensorScope.Enter("optimizer");
        using var noGrad = Libtorch.NoGrad();
        var active = weights.Trained.Select(p => (Parameter: p, Gradient: p.Value.Grad)).Where(p => p.Gradient is not null).ToList();
        if (active.Count == 0)
            return 0;
        var gradients = active.Select(p => p.Gradient!).ToArray();
        var norm = Ops.TotalNorm(gradients).Item() / weight;
        if (!double.IsFinite(norm))
            return norm;
        var clip = options.ClipNorm > 0 ? Math.Min(1, options.ClipNorm / (norm + 1e-6)) : 1;
        var states = active.Select(p => Of(p.Parameter)).ToList();
        foreach (var state in states)
            state.Steps++;
        Ops.AdamInPlace([.. active.Select(p => p.Parameter.Value)], gradients, [.. states.Select(s => s.First)], [.. states.Select(s => s.Second)],
            [.. active.Select(p => rate(p.Parameter))], [.. active.Select(p => options.DecayOf(p.Parameter))], [.. states.Select(s => (double)s.Steps)],
            options.Beta1, options.Beta2, options.Epsilon, clip / weight, (long)options.Style);
        weights.Written();
        ClearGradients();
        return norm;
    }

    /// <summary>Forgets all gradients.</summary>
    public void ClearGradients()
    {
        foreach (var parameter in weights.Trained)
            parameter.Value.Grad = null;
    }

    /// <summary>Copies of the state by name: <c>NAME/first</c>, <c>NAME/second</c> and <c>NAME/steps</c>.</summary>
    public Dictionary<string, HostTensor> Save()
    {
        var saved = new Dictionary<string, HostTensor>(StringComparer.Ordinal);
        foreach (var (name, state) in moments)
        {
            saved[name + "/first"] = state.First.ToHost();
            saved[name + "/second"] = state.Second.ToHost();
            saved[name + "/steps"] = HostTensor.From<long>([state.Steps], 1);
        }
        return saved;
    }

    /// <summary>Restores a saved state.</summary>
    /// <exception cref="TandemException">It belongs to another network.</exception>
    public void Load(IReadOnlyDictionary<string, HostTensor> saved, string from)
    {
        using var scope = TensorScope.Enter();
        foreach (var name in saved.Keys.Where(k => k.EndsWith("/steps", StringComparison.Ordinal)).Select(k => k[..^"/steps".Length]))
        {
            var parameter = weights.Find(name) ?? throw new TandemException(ErrorKind.Input, $"the optimizer's state names '{name}', which the network does not have", from);
            var state = Of(parameter);
            foreach (var (tensor, key) in new[] { (state.First, "/first"), (state.Second, "/second") })
            {
                var values = saved[name + key];
                if (!values.Shape.AsSpan().SequenceEqual(tensor.Shape))
                    throw new TandemException(ErrorKind.Input, $"the optimizer's state of '{name}' has shape [{string.Join(", ", values.Shape)}]", from, $"[{string.Join(", ", tensor.Shape)}]");
                tensor.CopyInPlace(Tensor.From(values));
            }
            state.Steps = saved[name + "/steps"].As<long>()[0];
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var state in moments.Values)
        {
            state.First.Dispose();
            state.Second.Dispose();
        }
        moments.Clear();
    }

    Moments Of(Parameter parameter)
    {
        if (!moments.TryGetValue(parameter.Name, out var state))
        {
            using var noGrad = Libtorch.NoGrad();
            Tensor Zeros() => TensorScope.Release(Ops.ZerosLike(parameter.Value));
            moments[parameter.Name] = state = new(Zeros(), Zeros());
        }
        return state;
    }
}
