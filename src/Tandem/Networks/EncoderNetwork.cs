using Tandem.Data;
using Tandem.Layers;
using Tandem.Torch;

namespace Tandem.Networks;

/// <summary>A front end and a trunk: turns batches into representations.</summary>
/// <param name="frontEnd">The modality.</param>
/// <param name="trunk">The shared blocks.</param>
public sealed class EncoderNetwork(FrontEnd frontEnd, Trunk trunk)
{
    /// <summary>The modality's side.</summary>
    public FrontEnd FrontEnd => frontEnd;

    /// <summary>The shared blocks.</summary>
    public Trunk Trunk => trunk;

    /// <summary>Features after the last block (and the final norm, if there is one): [rows, extra + places, width].</summary>
    /// <param name="batch">The samples.</param>
    /// <param name="pass">Mode, precision, draws.</param>
    /// <param name="masking">Masked places; null for none.</param>
    /// <param name="remove">Masked places are left out, else they are zeroed or become noise.</param>
    /// <param name="layers">If given, takes each block's feed-forward result and output.</param>
    public Tensor Forward(Batch batch, Pass pass, Masking? masking = null, bool remove = false, List<(Tensor FeedForward, Tensor Output)>? layers = null)
    {
        var embedded = frontEnd.Embed(frontEnd.Local(batch, pass), masking, remove, pass);
        return trunk.Forward(embedded.Tokens, embedded.Context, pass, layers);
    }

    /// <summary>Number of layers that <see cref="Pool"/> can give: the trunk's input, and the output of each of its blocks.</summary>
    public int Layers => trunk.Depth + 1;

    /// <summary>
    /// One vector a row: the mean over its places, extra tokens and padding left out: float32 [n, width]. A padded row has the features that it has
    /// alone, up to rounding.
    /// </summary>
    /// <param name="batch">The samples.</param>
    /// <param name="precision">Numbers of the products.</param>
    /// <param name="layer">0: the trunk's input; i: the output of its i-th block; null: after the last block, and after the final norm if there is one.</param>
    public Tensor Pool(Batch batch, Precision precision = Precision.Float32, int? layer = null)
    {
        using var scope = TensorScope.Enter("pool");
        return scope.Keep(Pooled(batch, precision, layer is { } one ? [one] : null));
    }

    /// <summary>As <see cref="Pool"/>, at all layers: float32 [n, layers, width]. The last is after the final norm, if there is one.</summary>
    /// <param name="batch">The samples.</param>
    /// <param name="precision">Numbers of the products.</param>
    public Tensor PoolLayers(Batch batch, Precision precision = Precision.Float32)
    {
        using var scope = TensorScope.Enter("pool");
        return scope.Keep(Pooled(batch, precision, [.. Enumerable.Range(0, Layers)]).Reshape([-1, Layers, frontEnd.Width]));
    }

    // Vectors of the wanted layers beside each other: [n, layers · width].
    Tensor Pooled(Batch batch, Precision precision, int[]? wanted)
    {
        using var noGrad = Libtorch.NoGrad();
        var pass = Pass.Evaluation(precision);
        var local = frontEnd.Local(batch, pass);
        var embedded = frontEnd.Embed(local, null, false, pass);
        List<(Tensor FeedForward, Tensor Output)>? blocks = wanted is null ? null : [];
        var last = trunk.Forward(embedded.Tokens, embedded.Context, pass, blocks);
        var real = local.Padding?.Eq(0).To(ScalarType.Float).Unsqueeze(2);
        var count = real?.Sum([1]);
        if (wanted is null)
            return Mean(last);
        return Ops.Cat([.. wanted.Select(layer => Mean(layer == 0 ? embedded.Tokens : layer == Layers - 1 ? last : blocks![layer - 1].Output))], 1);

        Tensor Mean(Tensor x)
        {
            x = x.To(ScalarType.Float).Narrow(1, frontEnd.ExtraTokens, x.Size(1) - frontEnd.ExtraTokens);
            return real is null ? x.Mean([1]) : x.Mul(real).Sum([1]).Div(count!);
        }
    }
}
