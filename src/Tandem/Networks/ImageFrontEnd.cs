using System.Text.Json.Serialization;
using Tandem.Data;
using Tandem.Data.Images;
using Tandem.Layers;
using Tandem.Torch;

namespace Tandem.Networks;

/// <summary>Options of pictures.</summary>
public sealed record ImageFrontEndOptions : FrontEndOptions
{
    /// <summary>Side of the square picture, in pixels.</summary>
    [Range(1)]
    public int InputSize { get; init; } = 224;

    /// <summary>Channels of a pixel.</summary>
    [Range(1)]
    public int Channels { get; init; } = 3;

    /// <summary>Side of a patch, in pixels.</summary>
    [Range(1)]
    public int PatchSize { get; init; } = 16;

    /// <summary>Width of the patch convolution, where a linear layer to the model's width follows; null for none.</summary>
    public int? PatchWidth { get; init; }

    /// <summary>Fixed sine-cosine positions; without them there are none at all.</summary>
    public bool FixedPositions { get; init; } = true;

    /// <summary>Patches of a side.</summary>
    [JsonIgnore]
    public int Side => InputSize / PatchSize;

    /// <summary>Patches of a picture.</summary>
    [JsonIgnore]
    public int Places => Side * Side;

    /// <summary>Values of a patch: channels · side².</summary>
    [JsonIgnore]
    public int PatchValues => Channels * PatchSize * PatchSize;
}

/// <summary>Cuts pictures into patches, each a product with one matrix (a convolution whose stride is its kernel).</summary>
public sealed class PatchEmbedding
{
    readonly ImageFrontEndOptions options;
    readonly Parameter weight, bias;
    readonly Linear? projection;

    /// <summary>Asks for <c>weight</c> [patch width, channels, p, p], <c>bias</c> and, if widths differ, <c>projection</c>.</summary>
    /// <param name="at">Place in the store.</param>
    /// <param name="options">Sizes.</param>
    /// <param name="width">The model's width.</param>
    /// <param name="xavierInit">Glorot's start of the projection instead of normal 0.02.</param>
    public PatchEmbedding(Weights at, ImageFrontEndOptions options, int width, bool xavierInit = false)
    {
        this.options = options;
        var patchWidth = options.PatchWidth ?? width;
        var values = options.PatchValues;
        weight = at.Get("weight", [patchWidth, options.Channels, options.PatchSize, options.PatchSize], Init.Xavier(values, patchWidth), Role.Matrix);
        bias = at.Get("bias", [patchWidth], Init.FanIn(values), Role.Bias);
        if (options.PatchWidth is not null && patchWidth != width)
            projection = new(at / "projection", patchWidth, width, xavierInit ? Init.Xavier(patchWidth, width) : null);
    }

    /// <summary>Where the weights lie.</summary>
    public Device Device => weight.Value.Device;

    /// <summary>[n, channels, size, size] → [n, patches, width], patches row by row.</summary>
    public Tensor Forward(Tensor pixels, Pass pass)
    {
        using var scope = TensorScope.Enter("patches");
        var x = Ops.Linear(pass.Low(Patches(pixels, options)), weight.ForProduct(pass).Reshape([weight.Value.Size(0), -1]), bias.ForProduct(pass));
        return scope.Keep(projection is null ? x : projection.Forward(x, pass));
    }

    /// <summary>[n, channels, size, size] → [n, patches, channels·p·p], values in the order channel, row, column.</summary>
    internal static Tensor Patches(Tensor pixels, ImageFrontEndOptions o) => pixels
        .Reshape([pixels.Size(0), o.Channels, o.Side, o.PatchSize, o.Side, o.PatchSize])
        .Permute([0, 2, 4, 1, 3, 5])
        .Reshape([pixels.Size(0), o.Places, o.PatchValues]);
}

/// <summary>The front end for pictures: patches, fixed two-dimensional sine-cosine positions, a convolutional decoder over the grid.</summary>
public sealed class ImageFrontEnd : FrontEnd
{
    readonly ImageFrontEndOptions options;
    readonly TrunkOptions trunk;
    readonly Parameter? positions;

    /// <summary>Builds the front end.</summary>
    /// <param name="at">Place in the store.</param>
    /// <param name="options">Sizes, masks, decoder.</param>
    /// <param name="trunk">The trunk that follows.</param>
    /// <param name="patches">A patch embedding to share (a teacher that looks through the student's); null for one of its own.</param>
    public ImageFrontEnd(Weights at, ImageFrontEndOptions options, TrunkOptions trunk, PatchEmbedding? patches = null)
        : base(at, options, trunk, trunk.Block.Norm == NormPlacement.Post)
    {
        if (options.InputSize < options.PatchSize)
        {
            throw new TandemException(ErrorKind.Usage, $"pictures of {options.InputSize} pixels hold no patch of {options.PatchSize}", "model",
                "an input size of at least one patch");
        }
        this.options = options;
        this.trunk = trunk;
        Patches = patches ?? new(at / "patches", options, trunk.Block.Width, trunk.Block.XavierInit);
        if (options.FixedPositions)
            positions = at.Get("positions", [1, options.Places, Width], Init.Values(SineCosine(options.Side, Width)), Role.Table, trained: false);
    }

    /// <summary>The patch embedding.</summary>
    public PatchEmbedding Patches { get; }

    /// <inheritdoc/>
    public override (int Rows, int Columns) Grid(long places) => (options.Side, options.Side);

    /// <inheritdoc/>
    public override LocalFeatures Local(Batch batch, Pass pass) => new(Features(Pixels(batch), pass));

    /// <inheritdoc/>
    public override Tensor? Positions(long places) => positions?.Value;

    /// <inheritdoc/>
    protected override Tensor Place(LocalFeatures local, Masking? masking, bool remove, Pass pass)
    {
        var x = positions is null ? local.Features : local.Features.Add(positions.Value);
        return masking is null ? x : remove ? Choose(x, masking) : Cover(x, masking, pass);
    }

    /// <inheritdoc/>
    public override Filler CreateDecoder(Weights at)
    {
        var decoder = options.Decoder;
        switch (decoder.Kind)
        {
            case DecoderKind.Transformer:
                var transformer = new TransformerDecoder(at, decoder, trunk.Block);
                return new((input, _, _, pass) => transformer.Forward(input, pass));
            case DecoderKind.Queries:
                var queries = new QueryDecoder(at, decoder, Width);
                return new((input, visible, masking, pass) => queries.Forward(input, WithPositions(visible, masking), pass), MaskedPositions);
            default:
                var convolutions = new ConvolutionDecoder(at, decoder, Width, twoDimensional: true, (inputs, _) => (Init.FanIn(inputs), Init.FanIn(inputs)));
                return new((input, _, masking, pass) => convolutions.Forward(input, Grid(masking.Places), pass));
        }
    }

    /// <inheritdoc/>
    public override int ReconstructedValues => options.PatchValues;

    /// <summary>Pixels of each patch in the order row, column, channel, standardised by the patch's mean and unbiased variance (eps 1e-6).</summary>
    public override Tensor Reconstruction(Batch batch, Device device)
    {
        var pixels = PatchEmbedding.Patches(Tensor.From(((ImageBatch)batch).Pixels, device), options)
            .Reshape([batch.Count, options.Places, options.Channels, options.PatchSize * options.PatchSize])
            .Transpose(2, 3).Reshape([batch.Count, options.Places, -1]);
        var mean = pixels.Mean([-1], keepdim: true);
        return pixels.Sub(mean).Div(pixels.Var([-1], unbiased: true, keepdim: true).Add(1e-6).Sqrt());
    }

    Tensor Features(Tensor pixels, Pass pass)
    {
        if (options.LocalGradient != 0)
            return ScaleGradient(Patches.Forward(pixels, pass), options.LocalGradient);
        using var noGrad = Libtorch.NoGrad();
        return Patches.Forward(pixels, pass);
    }

    Tensor Pixels(Batch batch)
    {
        var pixels = ((ImageBatch)batch).Pixels;
        if (pixels.Shape[1] != options.Channels || pixels.Shape[2] != options.InputSize || pixels.Shape[3] != options.InputSize)
        {
            throw new TandemException(ErrorKind.Input, $"the pictures are [{string.Join(", ", pixels.Shape)}]", null,
                $"[n, {options.Channels}, {options.InputSize}, {options.InputSize}]", "Set the transform's size to the model's input size.");
        }
        return Tensor.From(pixels, Patches.Device);
    }

    // Positions of the masked places of each row, row-major: [rows, masked, width].
    Tensor MaskedPositions(Masking masking)
    {
        var table = positions?.Value.Expand([masking.Mask.Size(0), masking.Places, Width])
            ?? throw new TandemException(ErrorKind.Usage, "a decoder of queries needs fixed positions", "model.decoder.kind");
        return table.Index([masking.Mask.Ne(0)]).Reshape([masking.Mask.Size(0), -1, Width]);
    }

    Tensor WithPositions(Tensor visible, Masking masking) =>
        options.Decoder.PositionsAll && positions is not null
            ? visible.Add(Choose(positions.Value.Expand([masking.Mask.Size(0), masking.Places, Width]), masking with { Copies = 1 }))
            : visible;

    /// <summary>
    /// For place y·side + x: [sin(x·w), cos(x·w), sin(y·w), cos(y·w)] with w_j = 10000^(−j/d), d = width / 4. Computed in double; the first
    /// half encodes the column.
    /// </summary>
    /// <param name="side">Places of a side.</param>
    /// <param name="width">A multiple of 4.</param>
    public static float[] SineCosine(int side, int width)
    {
        if (width % 4 != 0)
            throw new TandemException(ErrorKind.Usage, $"two-dimensional positions need a width that is a multiple of 4, not {width}", "model.width");
        var quarter = width / 4;
        var table = new float[side * side * width];
        for (var place = 0; place < side * side; place++)
        {
            for (var j = 0; j < quarter; j++)
            {
                var w = 1 / Math.Pow(10000, (double)j / quarter);
                var (x, y) = (place % side * w, place / side * w);
                table[(place * width) + j] = (float)Math.Sin(x);
                table[(place * width) + quarter + j] = (float)Math.Cos(x);
                table[(place * width) + (2 * quarter) + j] = (float)Math.Sin(y);
                table[(place * width) + (3 * quarter) + j] = (float)Math.Cos(y);
            }
        }
        return table;
    }
}
