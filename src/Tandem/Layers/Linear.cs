using Tandem.Torch;

namespace Tandem.Layers;

/// <summary>x·Wᵀ + b over the last dimension: [.., inputs] → [.., outputs].</summary>
/// <param name="at">Place of <c>weight</c> [outputs, inputs] and <c>bias</c> [outputs].</param>
/// <param name="inputs">Width of x.</param>
/// <param name="outputs">Width of the result.</param>
/// <param name="init">Start of the weight; null for normal 0.02 (BERT's).</param>
/// <param name="biasInit">Start of the bias; null for zeros.</param>
/// <param name="bias">Whether there is a bias.</param>
public sealed class Linear(Weights at, int inputs, int outputs, Init? init = null, Init? biasInit = null, bool bias = true)
{
    readonly Parameter weight = at.Get("weight", [outputs, inputs], init ?? Init.Normal(0.02), Role.Matrix);
    readonly Parameter? offset = bias ? at.Get("bias", [outputs], biasInit ?? Init.Zeros, Role.Bias) : null;

    /// <summary>The product in the pass's precision.</summary>
    public Tensor Forward(Tensor x, Pass pass) => Ops.Linear(pass.Low(x), weight.ForProduct(pass), offset?.ForProduct(pass));

    /// <summary>The weight and the bias, for layers that join this product with others.</summary>
    internal (Tensor Weight, Tensor? Bias) For(Pass pass) => (weight.ForProduct(pass), offset?.ForProduct(pass));
}

/// <summary>Layer norm over the last dimension, in float32, fused with the addition of a residual before it.</summary>
/// <param name="at">Place of <c>weight</c> and <c>bias</c> [width].</param>
/// <param name="width">Size of the last dimension.</param>
/// <param name="eps">Added to the variance.</param>
/// <param name="affine">Whether there are weights.</param>
public sealed class LayerNorm(Weights at, int width, double eps, bool affine = true)
{
    readonly Parameter? factor = affine ? at.Get("weight", [width], Init.Ones, Role.Norm) : null;
    readonly Parameter? offset = affine ? at.Get("bias", [width], Init.Zeros, Role.Norm) : null;

    /// <summary>GELU(LN(x)) in the products' type.</summary>
    public Tensor Gelu(Tensor x, Pass pass) => Ops.NormGelu(pass.Low(x), factor?.Value, offset?.Value, eps, null);

    /// <summary>LN(dropout(x) + residual), float32, with a twin in the products' type.</summary>
    /// <param name="x">Rows.</param>
    /// <param name="pass">Mode, precision, draws.</param>
    /// <param name="residual">Added before the norm; null for none.</param>
    /// <param name="dropout">Rate of a dropout of x in training.</param>
    /// <param name="site">Name of this dropout.</param>
    public Tensor Forward(Tensor x, Pass pass, Tensor? residual = null, double dropout = 0, string site = "")
    {
        var rate = pass.Training ? dropout : 0;
        var seed = rate > 0 ? pass.Draws.DropoutSeed(site) : 0;
        // Recorded draws come one by one.
        if (seed is null)
            (x, rate) = (pass.Dropout(x, dropout, site), 0);
        return Ops.AddNorm(x, residual, factor?.Value, offset?.Value, eps, pass.Twins, rate, seed ?? 0);
    }
}

/// <summary>Two linear layers with an exact GELU between them.</summary>
/// <param name="at">Place of <c>up</c> and <c>down</c>.</param>
/// <param name="width">Width in and out.</param>
/// <param name="hidden">Width between.</param>
/// <param name="dropout">Dropout after the activation and after the second layer.</param>
/// <param name="upInit">Start of the first weight; null for normal 0.02.</param>
/// <param name="downInit">Start of the second weight; null for normal 0.02.</param>
public sealed class Mlp(Weights at, int width, int hidden, double dropout, Init? upInit = null, Init? downInit = null)
{
    readonly Linear up = new(at / "up", width, hidden, upInit), down = new(at / "down", hidden, width, downInit);
    readonly string site = at.Path;

    /// <summary>[.., width] → [.., width].</summary>
    public Tensor Forward(Tensor x, Pass pass)
    {
        // Without dropout inside, the activation happens within the products.
        if (!pass.Training || dropout == 0)
        {
            var ((first, firstBias), (second, secondBias)) = (up.For(pass), down.For(pass));
            return Ops.Mlp(pass.Low(x), first, firstBias!, second, secondBias!);
        }
        var inner = pass.Dropout(Ops.Gelu(up.Forward(x, pass)), dropout, site + "/inner");
        return pass.Dropout(down.Forward(inner, pass), dropout, site + "/outer");
    }
}
