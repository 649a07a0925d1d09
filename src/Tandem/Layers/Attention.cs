using Tandem.Torch;

namespace Tandem.Layers;

/// <summary>What attention must know beside its input.</summary>
/// <param name="Bias">Added to the scores of the first heads: float32 [rows or 1, biased heads, n, n].</param>
/// <param name="Padding">True at keys that no query may see: [rows, n].</param>
public readonly record struct AttentionContext(Tensor? Bias = null, Tensor? Padding = null);

/// <summary>Multi-head self-attention (Vaswani et al. 2017), q, k and v from one product.</summary>
/// <param name="at">Place of <c>qkv</c> [3·width, width] and <c>projection</c>.</param>
/// <param name="width">Width in and out.</param>
/// <param name="heads">Number of heads; must divide the width.</param>
/// <param name="attentionDropout">Dropout of the attention weights.</param>
/// <param name="dropout">Dropout after the output projection.</param>
/// <param name="qkvInit">Start of the joint weight; null for normal 0.02.</param>
/// <param name="projectionInit">Start of the output projection; null for normal 0.02.</param>
public sealed class SelfAttention(Weights at, int width, int heads, double attentionDropout = 0, double dropout = 0, Init? qkvInit = null, Init? projectionInit = null)
{
    readonly Linear qkv = new(at / "qkv", width, 3 * width, qkvInit), projection = new(at / "projection", width, width, projectionInit);
    readonly string site = at.Path;
    readonly double scale = 1 / Math.Sqrt((double)width / heads);

    /// <summary>Name of the dropout after the output projection.</summary>
    public string OutputSite => site + "/output";

    /// <summary>[rows, n, width] → [rows, n, width].</summary>
    public Tensor Forward(Tensor x, AttentionContext context, Pass pass) => pass.Dropout(Undropped(x, context, pass), dropout, OutputSite);

    /// <summary>The same before the last dropout, for a norm that takes it along.</summary>
    public Tensor Undropped(Tensor x, AttentionContext context, Pass pass)
    {
        var rate = pass.Training ? attentionDropout : 0;
        var mask = rate > 0 ? pass.Draws.AttentionDropout(rate, site) : default;
        var mixed = Ops.Attention(qkv.Forward(x, pass), null, context.Bias, context.Padding, mask.Kept, heads, scale, rate, mask.Seed);
        return projection.Forward(mixed, pass);
    }
}

/// <summary>Multi-head attention of queries to other rows; keys and values from one product.</summary>
/// <param name="at">Place of <c>q</c> [width, width], <c>kv</c> [2·width, source width] and <c>projection</c>.</param>
/// <param name="width">Width of the queries and of the result.</param>
/// <param name="sourceWidth">Width of what is attended to.</param>
/// <param name="heads">Number of heads.</param>
public sealed class CrossAttention(Weights at, int width, int sourceWidth, int heads)
{
    readonly Linear q = new(at / "q", width, width), kv = new(at / "kv", sourceWidth, 2 * width), projection = new(at / "projection", width, width);
    readonly double scale = 1 / Math.Sqrt((double)width / heads);

    /// <summary>[rows, n, width], [rows, m, source width] → [rows, n, width].</summary>
    public Tensor Forward(Tensor queries, Tensor source, Pass pass)
    {
        var mixed = Ops.Attention(q.Forward(queries, pass), kv.Forward(source, pass), null, null, null, heads, scale, 0, 0);
        return projection.Forward(mixed, pass);
    }
}
