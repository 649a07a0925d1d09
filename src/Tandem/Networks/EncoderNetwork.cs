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

    /// <summary>One vector a sample: the mean over its places, extra tokens and padding left out: float32 [n, width].</summary>
    /// <param name="batch">The samples.</param>
    /// <param name="precision">Numbers of the products.</param>
    public Tensor Pool(Batch batch, Precision precision = Precision.Float32)
    {
        using var scope = TensorScope.Enter("pool");
        using var noGrad = Libtorch.NoGrad();
        var pass = Pass.Evaluation(precision);
        var local = frontEnd.Local(batch, pass);
        var embedded = frontEnd.Embed(local, null, false, pass);
        var x = trunk.Forward(embedded.Tokens, embedded.Context, pass).To(ScalarType.Float);
        x = x.Narrow(1, frontEnd.ExtraTokens, x.Size(1) - frontEnd.ExtraTokens);
        if (local.Padding is null)
            return scope.Keep(x.Mean([1]));
        var real = local.Padding.Eq(0).To(ScalarType.Float).Unsqueeze(2);
        return scope.Keep(x.Mul(real).Sum([1]).Div(real.Sum([1])));
    }
}
