using Tandem.Data;
using Tandem.Data.Text;
using Tandem.Layers;
using Tandem.Torch;

namespace Tandem.Networks;

/// <summary>Options of text.</summary>
public sealed record TextFrontEndOptions : FrontEndOptions
{
    /// <summary>Tokens of the dictionary, special ones included.</summary>
    [Range(1)]
    public int Vocabulary { get; init; } = 50_265;

    /// <summary>Longest row of tokens that learned positions reach.</summary>
    [Range(1)]
    public int MaxTokens { get; init; } = 512;

    /// <summary>Whether positions are added to the embeddings.</summary>
    public bool EmbeddingPositions { get; init; } = true;

    /// <summary>Learned positions; else sinusoids.</summary>
    public bool LearnedPositions { get; init; } = true;

    /// <summary>Whether embeddings are multiplied by √width.</summary>
    public bool ScaleEmbedding { get; init; }

    /// <summary>Whether a norm follows the sum.</summary>
    public bool EmbeddingNorm { get; init; } = true;

    /// <summary>Dropout of the embeddings.</summary>
    [Range(0, 0.99)]
    public double EmbeddingDropout { get; init; } = 0.1;
}

/// <summary>Token ids to vectors: a table, positions, a norm, dropout (RoBERTa's embedding).</summary>
public sealed class TextEmbedding
{
    /// <summary>The id of padding, in every published dictionary.</summary>
    public const int Pad = 1;

    const double NormEps = 1e-5;

    readonly TextFrontEndOptions options;
    readonly int width;
    readonly Parameter? positions;
    readonly LayerNorm? norm;
    readonly string site;

    /// <summary>Asks for <c>tokens</c> [vocabulary, width], <c>positions</c> [max tokens + 2, width] and <c>norm</c>.</summary>
    /// <param name="at">Place in the store.</param>
    /// <param name="options">Sizes.</param>
    /// <param name="width">The model's width.</param>
    public TextEmbedding(Weights at, TextFrontEndOptions options, int width)
    {
        (this.options, this.width, site) = (options, width, at.Path);
        Tokens = at.Get("tokens", [options.Vocabulary, width], Init.Normal(0.02).WithZeroRow(Pad, width), Role.Table);
        if (options is { EmbeddingPositions: true, LearnedPositions: true })
            positions = at.Get("positions", [options.MaxTokens + Pad + 1, width], Init.Normal(0.02).WithZeroRow(Pad, width), Role.Table);
        if (options.EmbeddingNorm)
            norm = new(at / "norm", width, NormEps);
    }

    /// <summary>The table of tokens.</summary>
    public Parameter Tokens { get; }

    /// <summary>int64 [n, tokens] → [n, tokens, width].</summary>
    /// <exception cref="TandemException">An id is not in the dictionary, or a row is longer than positions reach.</exception>
    public Tensor Forward(HostTensor ids, Pass pass)
    {
        Check(ids);
        var x = Ops.Embedding(Tokens.Value, Tensor.From(ids, Tokens.Value.Device), Pad);
        if (options.ScaleEmbedding)
            x = x.Mul(Math.Sqrt(width));
        if (options.EmbeddingPositions)
            x = x.Add(positions is null ? Sinusoids(ids) : Ops.Embedding(positions.Value, Tensor.From(Places(ids), x.Device), Pad));
        if (norm is not null)
            x = norm.Forward(x, pass);
        return pass.Dropout(x, options.EmbeddingDropout, site + "/embedding");
    }

    void Check(HostTensor ids)
    {
        foreach (var id in ids.As<long>())
        {
            if (id < 0 || id >= options.Vocabulary)
                throw new TandemException(ErrorKind.Input, $"the token {id} is not in the model's dictionary", null, $"ids from 0 to {options.Vocabulary - 1}", "Use the tokenizer that the model was trained with.");
        }
        if (positions is not null && ids.Shape[1] > options.MaxTokens)
            throw new TandemException(ErrorKind.Input, $"a row of {ids.Shape[1]} tokens is too long", null, $"at most {options.MaxTokens}");
    }

    // pad + (tokens up to here that are none), pad at pads: the first token has 2.
    static HostTensor Places(HostTensor ids)
    {
        var (rows, columns) = ((int)ids.Shape[0], (int)ids.Shape[1]);
        var places = new long[rows * columns];
        var from = ids.As<long>();
        for (var row = 0; row < rows; row++)
        {
            var next = Pad;
            for (var t = 0; t < columns; t++)
                places[(row * columns) + t] = from[(row * columns) + t] == Pad ? Pad : ++next;
        }
        return HostTensor.From<long>(places, rows, columns);
    }

    // Row p: sin(p·f) then cos(p·f), f_j = exp(−j·ln(10000)/(half − 1)); a zero at the end if the width is odd; all zeros at pads.
    Tensor Sinusoids(HostTensor ids)
    {
        var places = Places(ids).As<long>();
        var half = width / 2;
        var values = new float[(long)places.Length * width];
        for (var i = 0; i < places.Length; i++)
        {
            if (places[i] == Pad)
                continue;
            for (var j = 0; j < half; j++)
            {
                var angle = (float)places[i] * (float)Math.Exp(-j * (Math.Log(10000) / (half - 1)));
                values[(i * width) + j] = MathF.Sin(angle);
                values[(i * width) + half + j] = MathF.Cos(angle);
            }
        }
        return Tensor.From(HostTensor.From<float>(values, ids.Shape[0], ids.Shape[1], width), Tokens.Value.Device);
    }
}

/// <summary>The front end for text: embeddings with positions, a decoder along the sequence.</summary>
public sealed class TextFrontEnd : FrontEnd
{
    const int CodeWidth = 64;

    readonly TextFrontEndOptions options;
    readonly Lazy<float[]> codes;

    /// <summary>Builds the front end.</summary>
    /// <param name="at">Place in the store.</param>
    /// <param name="options">Dictionary, positions, masks, decoder.</param>
    /// <param name="trunk">The trunk that follows.</param>
    /// <param name="embedding">An embedding to share; null for one of its own.</param>
    public TextFrontEnd(Weights at, TextFrontEndOptions options, TrunkOptions trunk, TextEmbedding? embedding = null)
        : base(at, options, trunk, trunk.Block.Norm == NormPlacement.Post && options.PrenetDepth > 0)
    {
        this.options = options;
        codes = new(Codes);
        Embedding = embedding ?? new(at / "embedding", options, trunk.Block.Width);
    }

    /// <summary>The embedding.</summary>
    public TextEmbedding Embedding { get; }

    /// <inheritdoc/>
    protected override bool PrenetDropoutWithoutBlocks => false;

    /// <inheritdoc/>
    public override (int Rows, int Columns) Grid(long places) => (1, (int)places);

    /// <inheritdoc/>
    public override LocalFeatures Local(Batch batch, Pass pass)
    {
        var text = (TextBatch)batch;
        return new(Features(text.Tokens, pass), Padding(text));
    }

    /// <inheritdoc/>
    protected override Tensor Place(LocalFeatures local, Masking? masking, bool remove, Pass pass) =>
        masking is null ? local.Features : remove ? Choose(local.Features, masking) : Cover(local.Features, masking, pass);

    /// <inheritdoc/>
    public override Filler CreateDecoder(Weights at)
    {
        var decoder = new ConvolutionDecoder(at, options.Decoder, Width, twoDimensional: false, (_, _) => (Init.Normal(0.02), Init.Zeros));
        return new((input, _, masking, pass) => decoder.Forward(input, Grid(masking.Places), pass));
    }

    /// <inheritdoc/>
    public override int ReconstructedValues => CodeWidth;

    /// <summary>
    /// A fixed random code of each token, 64 normal numbers: the best prediction is the mean code of the tokens that fit, so predicting it is what
    /// masked language models do, without a product with the whole vocabulary.
    /// </summary>
    public override Tensor Reconstruction(Batch batch, Device device)
    {
        var tokens = ((TextBatch)batch).Tokens;
        var ids = tokens.As<long>();
        var values = new float[ids.Length * CodeWidth];
        for (var i = 0; i < ids.Length; i++)
            codes.Value.AsSpan((int)ids[i] * CodeWidth, CodeWidth).CopyTo(values.AsSpan(i * CodeWidth));
        return Tensor.From(HostTensor.From<float>(values, tokens.Shape[0], tokens.Shape[1], CodeWidth), device);
    }

    float[] Codes()
    {
        var draw = Randomness.Of(0, "token codes");
        var all = new float[options.Vocabulary * CodeWidth];
        foreach (ref var value in all.AsSpan())
            value = (float)draw.NextNormal();
        return all;
    }

    Tensor Features(HostTensor tokens, Pass pass)
    {
        if (options.LocalGradient != 0)
            return ScaleGradient(Embedding.Forward(tokens, pass), options.LocalGradient);
        using var noGrad = Libtorch.NoGrad();
        return Embedding.Forward(tokens, pass);
    }

    Tensor? Padding(TextBatch text)
    {
        var columns = (int)text.Tokens.Shape[1];
        if (text.Lengths.All(length => length == columns))
            return null;
        var mask = new bool[text.Count * columns];
        for (var row = 0; row < text.Count; row++)
            mask.AsSpan((row * columns) + text.Lengths[row], columns - text.Lengths[row]).Fill(true);
        return Tensor.From(HostTensor.From<bool>(mask, text.Count, columns), Embedding.Tokens.Value.Device);
    }
}
