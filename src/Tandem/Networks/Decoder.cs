using Tandem.Layers;
using Tandem.Torch;

namespace Tandem.Networks;

/// <summary>Kinds of decoders of data2vec 2.0.</summary>
public enum DecoderKind
{
    /// <summary>Convolutions along the sequence or over the grid.</summary>
    Convolutions,
    /// <summary>Transformer blocks over all places.</summary>
    Transformer,
    /// <summary>Queries at masked places that attend to visible ones.</summary>
    Queries,
}

/// <summary>The small network that fills masked places.</summary>
public sealed record DecoderOptions
{
    /// <summary>What the decoder is made of: convolutions, transformer (blocks over all places) or queries (masked places that attend to visible ones).</summary>
    public DecoderKind Kind { get; init; }

    /// <summary>Channels of the decoder.</summary>
    [Range(1)]
    public int Width { get; init; } = 384;

    /// <summary>Convolutions, or blocks, one after the other.</summary>
    [Range(1)]
    public int Layers { get; init; } = 5;

    /// <summary>Kernel of the convolutions (its side, on a grid).</summary>
    [Range(1)]
    public int Kernel { get; init; } = 5;

    /// <summary>Groups of the convolutions.</summary>
    [Range(1)]
    public int Groups { get; init; } = 16;

    /// <summary>Whether a layer's input is added to its output where the widths agree.</summary>
    public bool Residual { get; init; } = true;

    /// <summary>Dropout of the encoder's features on their way in.</summary>
    [Range(0, 0.99)]
    public double InputDropout { get; init; } = 0.1;

    /// <summary>Positions added at masked places.</summary>
    public bool PositionsMasked { get; init; }

    /// <summary>Positions added everywhere.</summary>
    public bool PositionsAll { get; init; }

    /// <summary>Linear layers at the end of a convolutional decoder along a sequence.</summary>
    [Range(1)]
    public int ProjectionLayers { get; init; } = 1;

    /// <summary>Width between these, as a multiple of the decoder's (cut to an integer).</summary>
    public double ProjectionRatio { get; init; } = 2;
}

/// <summary>
/// Convolutions in rows × channels: each layer is convolution, layer norm over channels without weights, exact GELU, and its own input
/// added if the widths agree; then one or more linear layers back to the encoder's width.
/// </summary>
public sealed class ConvolutionDecoder
{
    // The publisher's decoder norms have torch's default, unlike the blocks'.
    const double NormEps = 1e-5;

    readonly GridConvolution[] convolutions;
    readonly Linear[] projections;
    readonly bool residual;

    /// <summary>Builds <c>layers.i</c> and <c>projection</c> (or <c>projection.0</c>, …).</summary>
    /// <param name="at">Place in the store.</param>
    /// <param name="options">Shape.</param>
    /// <param name="width">The encoder's width.</param>
    /// <param name="twoDimensional">Square kernels over a grid, else along the sequence.</param>
    /// <param name="projectionInit">Start of the linear layers by (inputs, outputs): weight and bias.</param>
    public ConvolutionDecoder(Weights at, DecoderOptions options, int width, bool twoDimensional, Func<int, int, (Init Weight, Init Bias)> projectionInit)
    {
        residual = options.Residual;
        convolutions = [.. Enumerable.Range(0, options.Layers).Select(i =>
            new GridConvolution(at / "layers" / i, i == 0 ? width : options.Width, options.Width, options.Kernel, options.Groups, twoDimensional))];
        var layers = twoDimensional ? 1 : options.ProjectionLayers;
        var hidden = (int)(options.Width * options.ProjectionRatio);
        projections = [.. Enumerable.Range(0, layers).Select(i =>
        {
            var (inputs, outputs) = (i == 0 ? options.Width : hidden, i == layers - 1 ? width : hidden);
            var (weight, bias) = projectionInit(inputs, outputs);
            return new Linear(layers == 1 ? at / "projection" : at / "projection" / i, inputs, outputs, weight, bias);
        })];
    }

    /// <summary>[rows, places, width] → [rows, places, width].</summary>
    public Tensor Forward(Tensor x, (int Rows, int Columns) grid, Pass pass)
    {
        using var scope = TensorScope.Enter("decoder");
        var (rows, places) = (x.Size(0), x.Size(1));
        x = pass.Low(x);
        foreach (var convolution in convolutions)
        {
            using var layer = TensorScope.Enter("decoder layer");
            var y = convolution.Forward(x.Reshape([rows, grid.Rows, grid.Columns, x.Size(-1)]), pass).Reshape([rows, places, convolution.Outputs]);
            var skip = residual && x.Size(-1) == convolution.Outputs ? x : null;
            x = layer.Keep(Ops.NormGelu(y, null, null, NormEps, skip));
        }
        for (var i = 0; i < projections.Length; i++)
            x = projections[i].Forward(i == 0 ? x : Ops.Gelu(x), pass);
        return scope.Keep(x);
    }
}

/// <summary>
/// A convolution over a grid of rows of channels (a sequence is a grid of one row), zero padding kernel div 2; for an even kernel the last
/// row and column are cut, so the grid stays as it is.
/// </summary>
/// <param name="at">Place of <c>weight</c> and <c>bias</c>.</param>
/// <param name="inputs">Channels in.</param>
/// <param name="outputs">Channels out.</param>
/// <param name="kernel">Side of the kernel.</param>
/// <param name="groups">Groups.</param>
/// <param name="twoDimensional">Square kernel, else along the columns only.</param>
public sealed class GridConvolution(Weights at, int inputs, int outputs, int kernel, int groups, bool twoDimensional)
{
    readonly Parameter weight = at.Get("weight", twoDimensional ? [outputs, inputs / groups, kernel, kernel] : [outputs, inputs / groups, kernel],
        Init.FanIn((long)inputs / groups * kernel * (twoDimensional ? kernel : 1)), Role.Matrix);
    readonly Parameter bias = at.Get("bias", [outputs], Init.FanIn((long)inputs / groups * kernel * (twoDimensional ? kernel : 1)), Role.Bias);

    /// <summary>Channels out.</summary>
    public int Outputs => outputs;

    /// <summary>[n, rows, columns, inputs] → [n, rows, columns, outputs].</summary>
    public Tensor Forward(Tensor x, Pass pass)
    {
        var kernels = weight.ForProduct(pass);
        return Ops.ConvRows(pass.Low(x), twoDimensional ? kernels : kernels.Unsqueeze(2), bias.ForProduct(pass), groups);
    }
}

/// <summary>Linear to the decoder's width, transformer blocks with 8 heads over all places, linear back.</summary>
/// <param name="at">Place in the store.</param>
/// <param name="options">Width and layers.</param>
/// <param name="block">The encoder's block options; width and heads are replaced.</param>
public sealed class TransformerDecoder(Weights at, DecoderOptions options, BlockOptions block)
{
    readonly Linear entry = new(at / "entry", block.Width, options.Width), exit = new(at / "projection", options.Width, block.Width);
    readonly Block[] blocks = Trunk.Stack(at / "blocks", block with { Width = options.Width, Heads = 8, XavierInit = false }, options.Layers, 0, 0, 0);

    /// <summary>[rows, places, width] → [rows, places, width].</summary>
    public Tensor Forward(Tensor x, Pass pass)
    {
        x = entry.Forward(x, pass);
        x = Trunk.Run(blocks, x, _ => default, 0, "", pass, null);
        return exit.Forward(x, pass);
    }
}

/// <summary>Cross attention from the positions of masked places to the visible features; predictions for masked places only.</summary>
public sealed class QueryDecoder
{
    const double NormEps = 1e-5;
    readonly Linear entry, exit;
    readonly (CrossAttention Attention, LayerNorm Norm1, LayerNorm Norm2, Mlp Mlp)[] blocks;

    /// <summary>Builds <c>entry</c>, <c>blocks.i</c>, <c>projection</c>.</summary>
    /// <param name="at">Place in the store.</param>
    /// <param name="options">Width and layers.</param>
    /// <param name="width">The encoder's width.</param>
    public QueryDecoder(Weights at, DecoderOptions options, int width)
    {
        entry = new(at / "entry", width, options.Width);
        exit = new(at / "projection", options.Width, width);
        blocks = [.. Enumerable.Range(0, options.Layers).Select(i => at / "blocks" / i).Select(b => (
            new CrossAttention(b / "attention", options.Width, width, 8), new LayerNorm(b / "norm1", options.Width, NormEps),
            new LayerNorm(b / "norm2", options.Width, NormEps), new Mlp(b / "mlp", options.Width, 4 * options.Width, 0)))];
    }

    /// <summary>queries [rows, masked, width], visible [rows, kept, width] → [rows, masked, width]. The first block has no residual around its attention.</summary>
    public Tensor Forward(Tensor queries, Tensor visible, Pass pass)
    {
        var x = entry.Forward(queries, pass);
        for (var i = 0; i < blocks.Length; i++)
        {
            var (attention, norm1, norm2, mlp) = blocks[i];
            var a = norm1.Forward(attention.Forward(x, visible, pass), pass, residual: i == 0 ? null : x);
            x = norm2.Forward(mlp.Forward(a, pass), pass, residual: a);
        }
        return exit.Forward(x, pass);
    }
}
