using Tandem.Torch;

namespace Tandem.Layers;

/// <summary>Where a block's norms stand.</summary>
public enum NormPlacement
{
    /// <summary>After each residual sum (the original transformer; data2vec).</summary>
    Post,
    /// <summary>Before each branch.</summary>
    Pre,
    /// <summary>Before each branch, and the feed-forward branch is added to itself instead of to the residual: data2vec 2.0's pre-norm as it was released.</summary>
    PreAsReleased,
}

/// <summary>What all blocks of a trunk have in common.</summary>
public sealed record BlockOptions
{
    /// <summary>Width of the residual stream.</summary>
    [Range(1)]
    public int Width { get; init; } = 768;

    /// <summary>Attention heads.</summary>
    [Range(1)]
    public int Heads { get; init; } = 12;

    /// <summary>Hidden width of the feed-forward net as a multiple of the width (cut to an integer).</summary>
    [Range(0.1)]
    public double MlpRatio { get; init; } = 4;

    /// <summary>Where the norms stand.</summary>
    public NormPlacement Norm { get; init; } = NormPlacement.Post;

    /// <summary>Added to the variance in the norms.</summary>
    [Range(0)]
    public double NormEps { get; init; } = 1e-6;

    /// <summary>Whether the norms have weights.</summary>
    public bool NormAffine { get; init; } = true;

    /// <summary>Dropout after attention's output projection.</summary>
    [Range(0, 0.99)]
    public double Dropout { get; init; }

    /// <summary>Dropout of attention weights.</summary>
    [Range(0, 0.99)]
    public double AttentionDropout { get; init; }

    /// <summary>Dropout within the feed-forward net, after its activation and after its second layer.</summary>
    [Range(0, 0.99)]
    public double ActivationDropout { get; init; }

    /// <summary>Dropout of the feed-forward branch.</summary>
    [Range(0, 0.99)]
    public double PostMlpDropout { get; init; }

    /// <summary>Whether weights start as Glorot proposed instead of with BERT's normal 0.02.</summary>
    public bool XavierInit { get; init; }
}

/// <summary>A transformer block. Besides its output it gives the raw feed-forward result, which data2vec's targets are made of.</summary>
/// <param name="at">Place of <c>norm1</c>, <c>attention</c>, <c>norm2</c>, <c>mlp</c>.</param>
/// <param name="options">What the trunk's blocks have in common.</param>
/// <param name="dropPath">Chance that a sample skips a branch in training.</param>
public sealed class Block(Weights at, BlockOptions options, double dropPath = 0)
{
    static Init? Start(BlockOptions o, long fanIn, long fanOut) => o.XavierInit ? Init.Xavier(fanIn, fanOut) : null;

    readonly LayerNorm norm1 = new(at / "norm1", options.Width, options.NormEps, options.NormAffine);
    readonly SelfAttention attention = new(at / "attention", options.Width, options.Heads, options.AttentionDropout, options.Dropout,
        Start(options, options.Width, 3 * options.Width), Start(options, options.Width, options.Width));
    readonly LayerNorm norm2 = new(at / "norm2", options.Width, options.NormEps, options.NormAffine);
    readonly Mlp mlp = new(at / "mlp", options.Width, (int)(options.Width * options.MlpRatio), options.ActivationDropout,
        Start(options, options.Width, (int)(options.Width * options.MlpRatio)), Start(options, (int)(options.Width * options.MlpRatio), options.Width));
    readonly string site = at.Path;

    /// <summary>[rows, n, width] → (output, feed-forward result), both of the same shape.</summary>
    public (Tensor Output, Tensor FeedForward) Forward(Tensor x, AttentionContext context, Pass pass)
    {
        // Graphs keep what gradients need; whatever else is made here goes at the end of the block.
        using var scope = TensorScope.Enter(site);
        var (output, feedForward) = options.Norm == NormPlacement.Post ? PostNorm(x, context, pass) : PreNorm(x, context, pass);
        return (scope.Keep(output), scope.Keep(feedForward));
    }

    (Tensor, Tensor) PostNorm(Tensor x, AttentionContext context, Pass pass)
    {
        // Where no drop path stands between them, a dropout happens within the norm that follows it.
        if (!pass.Training || dropPath == 0)
        {
            var a = norm1.Forward(attention.Undropped(x, context, pass), pass, x, options.Dropout, attention.OutputSite);
            var g = mlp.Forward(a, pass);
            return (norm2.Forward(g, pass, a, options.PostMlpDropout, site + "/post"), g);
        }
        var r = norm1.Forward(pass.DropPath(attention.Forward(x, context, pass), dropPath, site + "/path1"), pass, residual: x);
        var f = mlp.Forward(r, pass);
        var branch = pass.DropPath(pass.Dropout(f, options.PostMlpDropout, site + "/post"), dropPath, site + "/path2");
        return (norm2.Forward(branch, pass, residual: r), f);
    }

    (Tensor, Tensor) PreNorm(Tensor x, AttentionContext context, Pass pass)
    {
        var a = x.Add(pass.DropPath(attention.Forward(norm1.Forward(x, pass), context, pass), dropPath, site + "/path1"));
        var f = mlp.Forward(norm2.Forward(a, pass), pass);
        var branch = pass.DropPath(pass.Dropout(f, options.PostMlpDropout, site + "/post"), dropPath, site + "/path2");
        return ((options.Norm == NormPlacement.Pre ? a : f).Add(branch), f);
    }
}
