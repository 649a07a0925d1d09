using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.Json.Serialization;
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
/// <remarks>Recipes write <c>512:10:5</c>.</remarks>
public sealed record ExtractorLayer(int Channels, int Kernel, int Stride) : IParsable<ExtractorLayer>
{
    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Channels}:{Kernel}:{Stride}");

    /// <inheritdoc/>
    public static ExtractorLayer Parse(string s, IFormatProvider? provider) => TryParse(s, provider, out var layer) ? layer : throw new FormatException($"'{s}' is no layer: CHANNELS:KERNEL:STRIDE");

    /// <inheritdoc/>
    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, [MaybeNullWhen(false)] out ExtractorLayer result)
    {
        int[] numbers = [.. (s ?? "").Split(':').Select(part => int.TryParse(part, NumberStyles.None, provider, out var number) ? number : 0)];
        result = numbers is [> 0, > 0, > 0] ? new(numbers[0], numbers[1], numbers[2]) : null;
        return result is not null;
    }
}

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

    /// <summary>Groups of the positional convolutions.</summary>
    [Range(1)]
    public int PositionGroups { get; init; } = 16;

    /// <summary>Whether a norm with weights stands before these.</summary>
    public bool PositionNorm { get; init; }

    /// <summary>Samples to frames through these convolutions.</summary>
    [JsonIgnore]
    public FrameCounts Frames => new([.. Extractor.Select(layer => (layer.Kernel, layer.Stride))]);
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
    /// <param name="samples">Recordings.</param>
    /// <param name="pass">Precision.</param>
    /// <param name="lengths">Samples of each recording that count in group norms; null: all.</param>
    public Tensor Extract(Tensor samples, Pass pass, int[]? lengths = null)
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
                x = Ops.Gelu(i == 0 && group is { } g ? GroupNorm(y, g.Factor, g.Offset, lengths) : y);
        }
        return scope.Keep(x);
    }

    /// <summary>[n, frames, channels] → [n, frames, width].</summary>
    public Tensor Project(Tensor frames, Pass pass) => linear.Forward(norm.Forward(frames, pass), pass);

    // Over time for every sample and channel, biased variance; frames that see padding do not count.
    Tensor GroupNorm(Tensor x, Parameter factor, Parameter offset, int[]? lengths)
    {
        var y = x.To(ScalarType.Float);
        if (lengths is null)
        {
            var centred = y.Sub(y.Mean([1], keepdim: true));
            return Finished(centred, centred.Square().Mean([1], keepdim: true));
        }
        var (layer, frames) = (options.Extractor[0], (int)x.Size(1));
        int[] counts = [.. lengths.Select(length => ((length - layer.Kernel) / layer.Stride) + 1)];
        var shares = new float[counts.Length * frames];
        for (var row = 0; row < counts.Length; row++)
            shares.AsSpan(row * frames, counts[row]).Fill(1f / counts[row]);
        var weights = Tensor.From(HostTensor.From<float>(shares, counts.Length, frames, 1), x.Device);
        var apart = y.Sub(y.Mul(weights).Sum([1], keepdim: true));
        return Finished(apart, apart.Square().Mul(weights).Sum([1], keepdim: true));

        Tensor Finished(Tensor centred, Tensor variance) => centred.Div(variance.Add(NormEps).Sqrt()).Mul(factor.Value).Add(offset.Value).To(x.Type);
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
    readonly FrameCounts counts;
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
        counts = options.Frames;
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
        if (counts.Of(shortest) <= 0)
            throw new TandemException(ErrorKind.Input, $"a recording of {shortest} samples is too short", null, $"at least {counts.ReceptiveField} samples ({counts.ReceptiveField / 16.0:0} ms at 16 kHz)");
        var frames = Frames(audio, pass);
        return new(Extractor.Project(frames, pass), Padding(audio, frames.Size(1))) { PaddingTakesPart = audio.PaddingTakesPart };
    }

    /// <inheritdoc/>
    protected override Tensor Place(LocalFeatures local, Masking? masking, bool remove, Pass pass)
    {
        // Where padding shall not matter, it is zero to every convolution, as what lies outside a recording is.
        var real = local.PaddingTakesPart ? null : local.Padding?.Eq(0).Unsqueeze(2);
        if (masking is null)
            return local.Features.Add(Positioned(local.Features, real, pass));
        // Positions never see what is masked; the kept rows themselves are the unaltered features.
        var covered = Cover(local.Features, masking, pass);
        var made = Positioned(covered, masking.Copies == 1 ? real : real?.RepeatInterleave(masking.Copies, 0), pass);
        return remove ? Choose(local.Features, masking).Add(Choose(made, masking with { Copies = 1 })) : covered.Add(made);
    }

    /// <inheritdoc/>
    public override Filler CreateDecoder(Weights at)
    {
        var decoder = new ConvolutionDecoder(at, options.Decoder, Width, twoDimensional: false, (inputs, _) => (Init.FanIn(inputs), Init.FanIn(inputs)));
        return new((input, _, masking, pass) => decoder.Forward(input, Grid(masking.Places), pass));
    }

    /// <inheritdoc/>
    public override int ReconstructedValues => LogMel.Bands;

    /// <summary>80 log-mel bands of the middle of each frame, each band standardised over the recording.</summary>
    public override Tensor Reconstruction(Batch batch, Device device)
    {
        using var scope = TensorScope.Enter("log-mel");
        var audio = (AudioBatch)batch;
        var samples = Tensor.From(audio.Samples, device);
        var frames = counts.Of((int)samples.Size(1));
        var start = Math.Max(0, (counts.ReceptiveField - LogMel.Window) / 2);
        var hop = counts.Hop;
        // Extractors that see less than a window end closer to the last sample than it does.
        var missing = start + ((frames - 1L) * hop) + LogMel.Window - samples.Size(1);
        if (missing > 0)
            samples = samples.ConstantPadNd([0, missing]);
        var kernels = Tensor.From(HostTensor.From<float>(LogMel.FourierKernels(), 2L * LogMel.Frequencies, 1, LogMel.Window), device);
        var waves = Ops.Conv1d(samples.Narrow(1, start, samples.Size(1) - start).Unsqueeze(1), kernels, stride: [hop]).Narrow(2, 0, frames).Square();
        var power = waves.Narrow(1, 0, LogMel.Frequencies).Add(waves.Narrow(1, LogMel.Frequencies, LogMel.Frequencies)).Transpose(1, 2);
        var weights = Tensor.From(HostTensor.From<float>(LogMel.BandWeights(), LogMel.Frequencies, LogMel.Bands), device);
        var bands = power.Matmul(weights).Add(1e-6).Log();
        var centred = bands.Sub(bands.Mean([1], keepdim: true));
        return scope.Keep(centred.Div(centred.Square().Mean([1], keepdim: true).Add(1e-4).Sqrt()));
    }

    Tensor Frames(AudioBatch audio, Pass pass)
    {
        var samples = Tensor.From(audio.Samples, Extractor.Device);
        var counted = audio.PaddingTakesPart ? null : audio.Lengths;
        if (options.LocalGradient != 0)
            return ScaleGradient(Extractor.Extract(samples, pass, counted), options.LocalGradient);
        using var noGrad = Libtorch.NoGrad();
        return Extractor.Extract(samples, pass, counted);
    }

    // True exactly from a recording's last whole frame on.
    Tensor? Padding(AudioBatch audio, long frames)
    {
        if (audio.Lengths is not { } lengths || lengths.All(length => length == audio.Samples.Shape[1]))
            return null;
        var mask = new bool[lengths.Length * frames];
        for (var row = 0; row < lengths.Length; row++)
        {
            var own = counts.Of(lengths[row]);
            mask.AsSpan((int)((row * frames) + own), (int)(frames - own)).Fill(true);
        }
        return Tensor.From(HostTensor.From<bool>(mask, lengths.Length, frames), Extractor.Device);
    }

    // Convolutions along the sequence, each with a layer norm without weights and a GELU: [rows, frames, width] → the same.
    Tensor Positioned(Tensor x, Tensor? real, Pass pass)
    {
        using var scope = TensorScope.Enter("positions");
        var y = pass.Low(positionNorm?.Forward(x, pass) ?? x);
        real = real?.To(y.Type);
        foreach (var convolution in positions)
        {
            var heard = real is null ? y : y.Mul(real);
            y = Ops.NormGelu(convolution.Forward(heard.Unsqueeze(1), pass).Reshape([.. x.Shape]), null, null, NormEps, null);
        }
        return scope.Keep(y);
    }
}
