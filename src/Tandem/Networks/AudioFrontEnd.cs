using Tandem.Data;
using Tandem.Data.Audio;
using Tandem.Layers;
using Tandem.Torch;

namespace Tandem.Networks;

/// <summary>Norms of the convolutional extractor.</summary>
public enum ExtractorNorm
{
    /// <summary>Layer norm over channels after every convolution.</summary>
    Layer,
    /// <summary>Group norm with one group a channel, over time, after the first convolution only.</summary>
    Group,
}

/// <summary>A convolution of the extractor.</summary>
/// <param name="Channels">Channels out.</param>
/// <param name="Kernel">Kernel, in rows of its input.</param>
/// <param name="Stride">Stride, in rows of its input.</param>
public sealed record ExtractorLayer(int Channels, int Kernel, int Stride);

/// <summary>Options of recordings.</summary>
public sealed record AudioFrontEndOptions : FrontEndOptions
{
    /// <summary>The extractor's convolutions; the published ones give a frame every 320 samples (20 ms) from 400.</summary>
    public IReadOnlyList<ExtractorLayer> Extractor { get; init; } =
        [new(512, 10, 5), new(512, 3, 2), new(512, 3, 2), new(512, 3, 2), new(512, 3, 2), new(512, 2, 2), new(512, 2, 2)];

    /// <summary>Norms of the extractor.</summary>
    public ExtractorNorm ExtractorNorm { get; init; }

    /// <summary>Convolutions that make positions.</summary>
    [Range(1)]
    public int PositionDepth { get; init; } = 5;

    /// <summary>Width of all of these together, in frames; each has a kernel of max(3, width div depth).</summary>
    [Range(1)]
    public int PositionWidth { get; init; } = 95;

    /// <summary>Groups of these.</summary>
    [Range(1)]
    public int PositionGroups { get; init; } = 16;

    /// <summary>Whether a norm with weights stands before these.</summary>
    public bool PositionNorm { get; init; }

    /// <summary>Frames of so many samples: each convolution gives floor((n − kernel) / stride) + 1; 0 if there are too few.</summary>
    public int Frames(int samples)
    {
        foreach (var layer in Extractor)
            samples = samples < layer.Kernel ? 0 : ((samples - layer.Kernel) / layer.Stride) + 1;
        return samples;
    }

    /// <summary>Samples that a recording needs for one frame.</summary>
    public int ReceptiveField
    {
        get
        {
            var (samples, step) = (1, 1);
            foreach (var layer in Extractor)
            {
                samples += (layer.Kernel - 1) * step;
                step *= layer.Stride;
            }
            return samples;
        }
    }
}

/// <summary>Samples to frames: convolutions without bias, norms, GELU (wav2vec 2.0's extractor), then layer norm and a linear layer.</summary>
public sealed class AudioExtractor
{
    const double NormEps = 1e-5;

    readonly AudioFrontEndOptions options;
    readonly (Parameter Weight, LayerNorm? Norm)[] layers;
    readonly (Parameter Factor, Parameter Offset)? group;
    readonly LayerNorm norm;
    readonly Linear linear;

    /// <summary>Builds <c>extractor.i</c> and <c>projection</c>.</summary>
    /// <param name="at">Place in the store.</param>
    /// <param name="options">The convolutions.</param>
    /// <param name="width">The model's width.</param>
    public AudioExtractor(Weights at, AudioFrontEndOptions options, int width)
    {
        this.options = options;
        layers = new (Parameter, LayerNorm?)[options.Extractor.Count];
        for (int i = 0, inputs = 1; i < layers.Length; i++)
        {
            var (layer, place) = (options.Extractor[i], at / "extractor" / i);
            var weight = place.Get("weight", [layer.Channels, inputs, layer.Kernel], Init.Normal(Math.Sqrt(2.0 / (inputs * layer.Kernel))), Role.Matrix);
            layers[i] = (weight, options.ExtractorNorm == ExtractorNorm.Layer ? new(place / "norm", layer.Channels, NormEps) : null);
            if (i == 0 && options.ExtractorNorm == ExtractorNorm.Group)
                group = ((place / "norm").Get("weight", [layer.Channels], Init.Ones, Role.Norm), (place / "norm").Get("bias", [layer.Channels], Init.Zeros, Role.Norm));
            inputs = layer.Channels;
        }
        var channels = options.Extractor[^1].Channels;
        norm = new(at / "projection" / "norm", channels, NormEps);
        linear = new(at / "projection" / "linear", channels, width, Init.FanIn(channels), Init.FanIn(channels));
    }

    /// <summary>Where the weights lie.</summary>
    public Device Device => layers[0].Weight.Value.Device;

    /// <summary>[n, samples] → [n, frames, channels].</summary>
    public Tensor Extract(Tensor samples, Pass pass)
    {
        using var scope = TensorScope.Enter("extractor");
        var x = pass.Low(samples).Unsqueeze(2);
        for (var i = 0; i < layers.Length; i++)
        {
            var (weight, layerNorm) = layers[i];
            var y = Ops.ConvFrames(x, weight.ForProduct(pass), options.Extractor[i].Stride);
            if (layerNorm is not null)
                x = layerNorm.Gelu(y, pass);
            else
                x = Ops.Gelu(i == 0 && group is { } g ? GroupNorm(y, g.Factor, g.Offset) : y);
        }
        return scope.Keep(x);
    }

    /// <summary>[n, frames, channels] → [n, frames, width].</summary>
    public Tensor Project(Tensor frames, Pass pass) => linear.Forward(norm.Forward(frames, pass), pass);

    // Over time for every sample and channel, biased variance.
    static Tensor GroupNorm(Tensor x, Parameter factor, Parameter offset)
    {
        var y = x.To(ScalarType.Float);
        var centred = y.Sub(y.Mean([1], keepdim: true));
        var standard = centred.Div(centred.Square().Mean([1], keepdim: true).Add(NormEps).Sqrt());
        return standard.Mul(factor.Value).Add(offset.Value).To(x.Type);
    }
}

/// <summary>
/// The front end for recordings: a convolutional extractor, positions made by convolutions over the sequence whose masked places are zeroed,
/// distance biases, a decoder along the sequence.
/// </summary>
public sealed class AudioFrontEnd : FrontEnd
{
    const double NormEps = 1e-5;

    readonly AudioFrontEndOptions options;
    readonly LayerNorm? positionNorm;
    readonly GridConvolution[] positions;

    /// <summary>Builds the front end.</summary>
    /// <param name="at">Place in the store.</param>
    /// <param name="options">Extractor, positions, masks, decoder.</param>
    /// <param name="trunk">The trunk that follows.</param>
    /// <param name="extractor">An extractor to share (a teacher that hears through the student's); null for one of its own.</param>
    public AudioFrontEnd(Weights at, AudioFrontEndOptions options, TrunkOptions trunk, AudioExtractor? extractor = null)
        : base(at, options, trunk, trunk.Block.Norm == NormPlacement.Post)
    {
        this.options = options;
        Extractor = extractor ?? new(at, options, trunk.Block.Width);
        if (options.PositionNorm)
            positionNorm = new(at / "positions" / "norm", Width, NormEps);
        positions = [.. Enumerable.Range(0, options.PositionDepth).Select(i =>
            new GridConvolution(at / "positions" / i, Width, Width, Math.Max(3, options.PositionWidth / options.PositionDepth), options.PositionGroups, twoDimensional: false))];
    }

    /// <summary>The extractor with its projection.</summary>
    public AudioExtractor Extractor { get; }

    /// <inheritdoc/>
    public override (int Rows, int Columns) Grid(long places) => (1, (int)places);

    /// <inheritdoc/>
    /// <exception cref="TandemException">A recording is shorter than one frame needs.</exception>
    public override LocalFeatures Local(Batch batch, Pass pass)
    {
        var audio = (AudioBatch)batch;
        var samples = (int)audio.Samples.Shape[1];
        var shortest = audio.Lengths is { Length: > 0 } lengths ? lengths.Min() : samples;
        if (options.Frames(shortest) == 0)
            throw new TandemException(ErrorKind.Input, $"a recording of {shortest} samples is too short", null, $"at least {options.ReceptiveField} samples ({options.ReceptiveField / 16.0:0} ms at 16 kHz)");
        var frames = Frames(audio, pass);
        return new(Extractor.Project(frames, pass), Padding(audio, frames.Size(1)));
    }

    /// <inheritdoc/>
    protected override Tensor Place(Tensor local, Masking? masking, bool remove, Pass pass)
    {
        if (masking is null)
            return local.Add(Positioned(local, pass));
        // Positions never see what is masked; the kept rows themselves are the unaltered features.
        var covered = Cover(local, masking, pass);
        var made = Positioned(covered, pass);
        return remove ? Choose(local, masking).Add(Choose(made, masking with { Copies = 1 })) : covered.Add(made);
    }

    /// <inheritdoc/>
    public override Filler CreateDecoder(Weights at)
    {
        var decoder = new ConvolutionDecoder(at, options.Decoder, Width, twoDimensional: false, (inputs, _) => (Init.FanIn(inputs), Init.FanIn(inputs)));
        return new((input, _, masking, pass) => decoder.Forward(input, Grid(masking.Places), pass));
    }

    Tensor Frames(AudioBatch audio, Pass pass)
    {
        var samples = Tensor.From(audio.Samples, Extractor.Device);
        if (options.LocalGradient != 0)
            return ScaleGradient(Extractor.Extract(samples, pass), options.LocalGradient);
        using var noGrad = Libtorch.NoGrad();
        return Extractor.Extract(samples, pass);
    }

    // True exactly from a recording's last whole frame on.
    Tensor? Padding(AudioBatch audio, long frames)
    {
        if (audio.Lengths is not { } lengths || lengths.All(length => length == audio.Samples.Shape[1]))
            return null;
        var mask = new bool[lengths.Length * frames];
        for (var row = 0; row < lengths.Length; row++)
            mask.AsSpan((int)((row * frames) + options.Frames(lengths[row])), (int)(frames - options.Frames(lengths[row]))).Fill(true);
        return Tensor.From(HostTensor.From<bool>(mask, lengths.Length, frames), Extractor.Device);
    }

    // Convolutions along the sequence, each with a layer norm without weights and a GELU: [rows, frames, width] → the same.
    Tensor Positioned(Tensor x, Pass pass)
    {
        using var scope = TensorScope.Enter("positions");
        var y = pass.Low(positionNorm?.Forward(x, pass) ?? x);
        foreach (var convolution in positions)
            y = Ops.NormGelu(convolution.Forward(y.Unsqueeze(1), pass).Reshape([.. x.Shape]), null, null, NormEps, null);
        return scope.Keep(y);
    }
}
