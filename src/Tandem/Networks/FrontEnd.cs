using Tandem.Data;
using Tandem.Data.Masks;
using Tandem.Layers;
using Tandem.Torch;

namespace Tandem.Networks;

/// <summary>What every front end can be told, whatever its modality.</summary>
public abstract record FrontEndOptions
{
    /// <summary>Blocks of the front end's own, before the shared trunk.</summary>
    [Range(0)]
    public int PrenetDepth { get; init; }

    /// <summary>Chance that one of these is skipped in a training step.</summary>
    [Range(0, 1)]
    public double PrenetLayerDrop { get; init; }

    /// <summary>Dropout before the front end's own blocks.</summary>
    [Range(0, 0.99)]
    public double PrenetDropout { get; init; }

    /// <summary>Drop path of the first of these.</summary>
    [Range(0, 0.99)]
    public double PrenetDropPathStart { get; init; }

    /// <summary>Drop path of the last of these.</summary>
    [Range(0, 0.99)]
    public double PrenetDropPathEnd { get; init; }

    /// <summary>Learned tokens in front of the places.</summary>
    [Range(0)]
    public int ExtraTokens { get; init; }

    /// <summary>Whether the first of them begins as zeros (else normal, as the others).</summary>
    public bool FirstTokenZero { get; init; } = true;

    /// <summary>Factor on the gradient that flows into the local encoder; 0 freezes it.</summary>
    [Range(0)]
    public double LocalGradient { get; init; } = 1;

    /// <summary>Distance biases in attention; null for none.</summary>
    public DistanceBiasOptions? DistanceBias { get; init; }

    /// <summary>Which places are masked.</summary>
    public MaskOptions Mask { get; init; } = new();

    /// <summary>Share of masked places that the encoder sees all the same.</summary>
    [Range(0, 1)]
    public double KeepMasked { get; init; }

    /// <summary>Deviation of the noise that stands for masked places.</summary>
    [Range(0)]
    public double MaskNoise { get; init; } = 0.01;

    /// <summary>Masked places that stay in the input are zeroed; else they become noise.</summary>
    public bool ZeroMasked { get; init; } = true;

    /// <summary>The decoder that fills masked places.</summary>
    public DecoderOptions Decoder { get; init; } = new();
}

/// <summary>Features of a batch before positions.</summary>
/// <param name="Features">[n, places, width].</param>
/// <param name="Padding">True where a place is padding: [n, places]; null if none is.</param>
public sealed record LocalFeatures(Tensor Features, Tensor? Padding = null)
{
    /// <summary>Whether padded places take part in positions that depend on their neighbours (convolutions along the sequence).</summary>
    public bool PaddingTakesPart { get; init; }
}

/// <summary>Tokens ready for the trunk, with the biases of its blocks.</summary>
/// <param name="Tokens">[rows, extra + places, width], the front end's own blocks included.</param>
/// <param name="Context">Bias and padding of a trunk block, by its number in the trunk.</param>
/// <param name="Bias">The bias as all blocks share it; before the blocks' own scales, if they have some. Null for none.</param>
/// <param name="Padding">True at tokens that are padding: [rows, extra + places]; null if none is.</param>
public sealed record Embedded(Tensor Tokens, Func<int, AttentionContext> Context, Tensor? Bias = null, Tensor? Padding = null);

/// <summary>
/// What a method sees of a modality: local features of a batch, positions at chosen places, attention biases, masks, the grid, its decoder,
/// and what a reconstruction loss would reconstruct. Methods know nothing else of pictures, sound or text.
/// </summary>
public abstract class FrontEnd
{
    readonly FrontEndOptions options;
    readonly TrunkOptions trunk;
    readonly Parameter? tokens;
    readonly LayerNorm? norm;
    readonly Block[] prenet;
    readonly string site;

    /// <summary>Builds what all modalities have: <c>tokens</c>, <c>prenet.norm</c>, <c>prenet.blocks.i</c>, <c>bias.scale</c>.</summary>
    /// <param name="at">Place in the store.</param>
    /// <param name="options">The modality's options.</param>
    /// <param name="trunk">The trunk that follows.</param>
    /// <param name="prenetNorm">Whether a norm stands before the front end's own blocks.</param>
    protected FrontEnd(Weights at, FrontEndOptions options, TrunkOptions trunk, bool prenetNorm)
    {
        this.options = options;
        this.trunk = trunk;
        site = at.Path;
        if (options.ExtraTokens > 0)
        {
            tokens = at.Get("tokens", [1, options.ExtraTokens, Width],
                Init.FirstRow(Width, options.FirstTokenZero ? Init.Zeros : Init.Normal(1), Init.Normal(1)), Role.Table);
        }
        if (prenetNorm)
            norm = new(at / "prenet" / "norm", Width, trunk.Block.NormEps, trunk.Block.NormAffine);
        prenet = Trunk.Stack(at / "prenet" / "blocks", trunk.Block, options.PrenetDepth, options.PrenetDropPathStart, options.PrenetDropPathEnd, 0);
        if (options.DistanceBias is not null)
            Bias = new(at / "bias", options.DistanceBias, trunk.Block.Heads, options.PrenetDepth + trunk.Depth);
    }

    /// <summary>Width of the tokens.</summary>
    public int Width => trunk.Block.Width;

    /// <summary>Number of learned tokens in front.</summary>
    public int ExtraTokens => options.ExtraTokens;

    /// <summary>The options.</summary>
    public FrontEndOptions Options => options;

    /// <summary>The distance biases, if there are any.</summary>
    protected DistanceBias? Bias { get; }

    /// <summary>Whether the dropout before the front end's own blocks acts even if there are none, as the publisher's does for pictures and sound.</summary>
    protected virtual bool PrenetDropoutWithoutBlocks => true;

    /// <summary>How places lie: rows and columns; one row for a sequence.</summary>
    public abstract (int Rows, int Columns) Grid(long places);

    /// <summary>Local features of a batch, with the gradient factor of the options applied.</summary>
    public abstract LocalFeatures Local(Batch batch, Pass pass);

    /// <summary>Local features with positions, at the places that the encoder sees: [rows, kept, width].</summary>
    /// <param name="local">Features of all places, [n, places, width].</param>
    /// <param name="masking">Which places are masked; null for none.</param>
    /// <param name="remove">Masked places are left out; else they are zeroed or replaced by noise.</param>
    /// <param name="pass">Mode, precision, draws.</param>
    protected abstract Tensor Place(LocalFeatures local, Masking? masking, bool remove, Pass pass);

    /// <summary>Positions of all places [1, places, width], where they do not depend on the sample; null otherwise.</summary>
    public virtual Tensor? Positions(long places) => null;

    /// <summary>The modality's decoder.</summary>
    public abstract Filler CreateDecoder(Weights at);

    /// <summary>Values of a place that a reconstruction loss would reconstruct; 0 if the modality has nothing.</summary>
    public virtual int ReconstructedValues => 0;

    /// <summary>What a reconstruction loss would reconstruct, standardised: [n, places, values]; null if the modality has nothing.</summary>
    public virtual Tensor? Reconstruction(Batch batch, Device device) => null;

    /// <summary>Tokens for the trunk: positions, masking, extra tokens, the front end's own blocks.</summary>
    /// <param name="local">Features of all places.</param>
    /// <param name="masking">Which places are masked, for m copies of each sample; null for none.</param>
    /// <param name="remove">Masked places are left out of the encoder's input.</param>
    /// <param name="pass">Mode, precision, draws.</param>
    public Embedded Embed(LocalFeatures local, Masking? masking, bool remove, Pass pass)
    {
        var x = Place(local, masking, remove, pass);
        var keep = masking is not null && remove ? masking.Keep : null;
        var padding = Chosen(local.Padding, masking, keep);
        if (tokens is not null)
            x = Ops.Cat([tokens.Value.Expand([x.Size(0), options.ExtraTokens, Width]).To(x.Type), x], 1);
        if (padding is not null && options.ExtraTokens > 0)
            padding = padding.ConstantPadNd([options.ExtraTokens, 0]);
        var (contexts, bias) = Contexts(local.Features, keep, padding);
        if (norm is not null)
            x = norm.Forward(x, pass);
        if (prenet.Length > 0 || PrenetDropoutWithoutBlocks)
            x = pass.Dropout(x, options.PrenetDropout, site + "/prenet");
        x = Trunk.Run(prenet, x, contexts, options.PrenetLayerDrop, site + "/prenet", pass, null);
        return new(x, block => contexts(options.PrenetDepth + block), bias, padding);
    }

    static Tensor? Chosen(Tensor? padding, Masking? masking, Tensor? keep)
    {
        if (padding is null || masking is null)
            return padding;
        var repeated = masking.Copies == 1 ? padding : padding.RepeatInterleave(masking.Copies, 0);
        return keep is null ? repeated : repeated.Gather(1, keep);
    }

    // Biases by block of the whole encoder; one scale for all is multiplied on once.
    (Func<int, AttentionContext>, Tensor?) Contexts(Tensor local, Tensor? keep, Tensor? padding)
    {
        if (Bias is null)
            return (_ => new(null, padding), null);
        var chosen = DistanceBias.Chosen(Bias.Base(Grid(local.Size(1)), local.Device), keep, options.ExtraTokens);
        if (options.DistanceBias!.PerBlock)
            return (block => new(Bias.Scaled(chosen, block), padding), chosen);
        var shared = Bias.Scaled(chosen, 0);
        return (_ => new(shared, padding), shared);
    }

    /// <summary>The value unchanged; the gradient that flows back is multiplied.</summary>
    protected static Tensor ScaleGradient(Tensor x, double factor)
    {
        if (factor == 1)
            return x;
        var still = x.Detach();
        return factor == 0 ? still : still.Add(x.Sub(still).Mul(factor));
    }

    /// <summary>Rows of the masked copies at the kept places: [n, places, width] → [n·copies, kept, width].</summary>
    protected static Tensor Choose(Tensor x, Masking masking) => Ops.Choose(x, masking.Keep, masking.Copies);

    /// <summary>Copies with masked places zeroed or replaced by noise, then masked channels zeroed: [n, places, width] → [n·copies, places, width].</summary>
    protected Tensor Cover(Tensor x, Masking masking, Pass pass)
    {
        var copies = masking.Copies == 1 ? x : x.RepeatInterleave(masking.Copies, 0);
        if (options.ZeroMasked)
        {
            copies = copies.Mul(masking.Mask.Eq(0).Unsqueeze(2).To(copies.Type));
        }
        else
        {
            // Noise rows stand behind the features, and every masked place points at the next of them.
            var bits = masking.Mask.ToHost().As<byte>();
            var ids = new long[bits.Length];
            long next = bits.Length;
            for (var i = 0; i < ids.Length; i++)
                ids[i] = bits[i] == 0 ? i : next++;
            var noise = pass.Draws.Noise([next - bits.Length, Width], options.MaskNoise, site + "/masked", copies.Type, copies.Device);
            copies = Ops.Cat([copies.Reshape([-1, Width]), noise], 0).IndexSelect(0, Tensor.From(HostTensor.From<long>(ids, ids.Length), x.Device)).Reshape([.. copies.Shape]);
        }
        return masking.Channels is null ? copies : copies.Mul(masking.Channels.Eq(0).Unsqueeze(1).To(copies.Type));
    }
}

/// <summary>A decoder with its input: fills masked places and predicts at every one.</summary>
/// <param name="forward">Decoder input, features of the visible places, masking, pass → predictions [rows, places, width].</param>
/// <param name="queries">Where predictions are asked for by queries at masked places, these: [rows, masked, width].</param>
public sealed class Filler(Func<Tensor, Tensor, Masking, Pass, Tensor> forward, Func<Masking, Tensor>? queries = null)
{
    /// <summary>Whether predictions come for masked places only, in row-major order.</summary>
    public bool MaskedOnly => queries is not null;

    /// <summary>The queries of a decoder that predicts at masked places only.</summary>
    public Tensor Queries(Masking masking) => queries!(masking);

    /// <summary>Predictions.</summary>
    /// <param name="input">Features at their places, noise at masked ones: [rows, places, width]; or the queries.</param>
    /// <param name="visible">Features of the visible places, in the order of <see cref="Masking.Keep"/>.</param>
    /// <param name="masking">Which places are masked.</param>
    /// <param name="pass">Mode, precision, draws.</param>
    public Tensor Forward(Tensor input, Tensor visible, Masking masking, Pass pass) => forward(input, visible, masking, pass);
}
