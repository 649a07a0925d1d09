using Tandem.Torch;

namespace Tandem.Layers;

/// <summary>In what numbers products are computed. Norms, losses, the residual stream and stored weights are float32 in either case.</summary>
public enum Precision
{
    /// <summary>IEEE single.</summary>
    Float32,
    /// <summary>Brain float for matrix products, convolutions and the activations between them.</summary>
    BFloat16,
}

/// <summary>What a forward pass needs to know, handed down explicitly: there is no hidden training flag and no global generator.</summary>
/// <param name="training">Whether dropout and its kin act.</param>
/// <param name="precision">Numbers of the products.</param>
/// <param name="draws">Where randomness comes from; may be null when nothing is drawn.</param>
public sealed class Pass(bool training, Precision precision = Precision.Float32, IDraws? draws = null)
{
    readonly TensorScope? scope = TensorScope.Current;
    readonly Dictionary<Parameter, Tensor> casts = [];

    /// <summary>Whether dropout and its kin act.</summary>
    public bool Training { get; } = training;

    /// <summary>Numbers of the products.</summary>
    public Precision Precision { get; } = precision;

    /// <summary>Type of the activations between products.</summary>
    public ScalarType Type => Precision == Precision.Float32 ? ScalarType.Float : ScalarType.BFloat16;

    /// <summary>Whether norms also give their result in the products' type.</summary>
    public bool Twins => Precision == Precision.BFloat16;

    /// <summary>The source of randomness.</summary>
    /// <exception cref="InvalidOperationException">This pass has none.</exception>
    public IDraws Draws => draws ?? throw new InvalidOperationException("this pass draws nothing, yet a layer asked for a draw");

    /// <summary>An evaluation pass: nothing is drawn.</summary>
    public static Pass Evaluation(Precision precision = Precision.Float32) => new(training: false, precision);

    /// <summary>The activation in the products' type.</summary>
    public Tensor Low(Tensor x) =>
        Precision == Precision.Float32 ? (x.Type == ScalarType.BFloat16 ? x.To(ScalarType.Float) : x)
        : x.Twin ?? (x.Type == ScalarType.Float ? x.To(ScalarType.BFloat16) : x);

    /// <summary>Dropout of a layer at <paramref name="site"/>; the identity outside training or at rate 0.</summary>
    public Tensor Dropout(Tensor x, double rate, string site) => Training && rate > 0 ? Draws.Dropout(x, rate, site) : x;

    /// <summary>Drops whole rows (samples) of a branch and scales the rest; the identity outside training or at rate 0.</summary>
    public Tensor DropPath(Tensor x, double rate, string site) => Training && rate > 0 ? Draws.DropPath(x, rate, site) : x;

    /// <summary>Whether a block runs: outside training always, else unless its uniform draw is at most the rate.</summary>
    public bool Runs(double rate, string site) => !Training || rate == 0 || Draws.LayerDrop(site) > rate;

    /// <summary>A differentiable cast of a weight, made once in this pass.</summary>
    internal Tensor Cast(Parameter parameter)
    {
        if (!casts.TryGetValue(parameter, out var cast))
        {
            cast = parameter.Value.To(Type);
            // Layers open scopes of their own; the cast must outlive them.
            if (scope is not null)
                scope.Adopt(cast);
            else
                TensorScope.Release(cast);
            casts[parameter] = cast;
        }
        return cast;
    }
}

/// <summary>A recorded or seeded mask for attention's dropout.</summary>
/// <param name="Kept">1 where a weight is kept, uint8 [rows, heads, queries, keys]; null when the seed decides.</param>
/// <param name="Seed">Seed of the mask.</param>
public readonly record struct AttentionMask(Tensor? Kept, long Seed);

/// <summary>
/// Where randomness comes from: functions of (seed, step, place) in training, recorded numbers in verification. <c>site</c> is the name of
/// the layer in the store of weights, with a suffix where a layer draws more than once.
/// </summary>
public interface IDraws
{
    /// <summary>Zeroes elements with probability <paramref name="rate"/> and divides the others by 1 − rate.</summary>
    Tensor Dropout(Tensor x, double rate, string site);

    /// <summary>Seed of that dropout, where a kernel can do it on its way; null where draws do not follow from one.</summary>
    long? DropoutSeed(string site);

    /// <summary>The mask for the dropout of attention weights.</summary>
    AttentionMask AttentionDropout(double rate, string site);

    /// <summary>Zeroes rows with probability <paramref name="rate"/> and divides the others by 1 − rate.</summary>
    Tensor DropPath(Tensor x, double rate, string site);

    /// <summary>Uniform in [0, 1).</summary>
    double LayerDrop(string site);

    /// <summary>Normal numbers of a deviation.</summary>
    Tensor Noise(ReadOnlySpan<long> size, double deviation, string site, ScalarType type, Device device);

    /// <summary>Uniform numbers in [0, 1), float32.</summary>
    Tensor Uniform(ReadOnlySpan<long> size, string site, Device device);
}

/// <summary>Draws as a function of (seed, step, micro-batch, rank, site): a resumed run sees the same.</summary>
public sealed class SeededDraws(long seed, long step, long microBatch = 0, string purpose = "draws") : IDraws
{
    long Seed(string site) => (long)(Randomness.Of(seed, site + "/" + purpose, step, microBatch).NextBits() >> 2);

    /// <inheritdoc/>
    public Tensor Dropout(Tensor x, double rate, string site) => Ops.Dropout(x, rate, Seed(site));

    /// <inheritdoc/>
    public long? DropoutSeed(string site) => Seed(site);

    /// <inheritdoc/>
    public AttentionMask AttentionDropout(double rate, string site) => new(null, Seed(site));

    /// <inheritdoc/>
    public Tensor DropPath(Tensor x, double rate, string site)
    {
        var draw = Randomness.Of(seed, site + "/" + purpose, step, microBatch);
        var factors = new float[x.Size(0)];
        for (var i = 0; i < factors.Length; i++)
            factors[i] = draw.NextDouble() < rate ? 0f : (float)(1 / (1 - rate));
        var shape = new long[x.Shape.Length];
        Array.Fill(shape, 1);
        shape[0] = factors.Length;
        return x.Mul(Tensor.From(HostTensor.From<float>(factors, shape), x.Device).To(x.Type));
    }

    /// <inheritdoc/>
    public double LayerDrop(string site) => Randomness.Of(seed, site + "/layer drop", step).NextDouble();

    /// <inheritdoc/>
    public Tensor Noise(ReadOnlySpan<long> size, double deviation, string site, ScalarType type, Device device) =>
        Ops.NormalNoise(size, deviation, Seed(site), type, device);

    /// <inheritdoc/>
    public Tensor Uniform(ReadOnlySpan<long> size, string site, Device device)
    {
        var draw = Randomness.Of(seed, site + "/" + purpose, step, microBatch);
        long count = 1;
        foreach (var length in size)
            count *= length;
        var values = new float[count];
        for (var i = 0; i < values.Length; i++)
            values[i] = draw.NextFloat();
        return Tensor.From(HostTensor.From<float>(values, size.ToArray()), device);
    }
}
