using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Tandem.Data.Sources;
using Tandem.Layers;
using Tandem.Models;
using Tandem.Networks;
using Tandem.Probes;
using Tandem.Torch;

using Tandem.Runs;

namespace Tandem;

/// <summary>
/// A trained encoder, ready for use: turns samples (pictures, recordings, texts) into vectors. Safe to use from several threads; all computing happens on the one compute
/// thread of the process, one batch after the other.
/// </summary>
/// <example><code>using var encoder = Encoder.Load("runs/first");
/// foreach (var embedding in encoder.Embed(Directory.EnumerateFiles("pictures")))
///     Console.WriteLine($"{embedding.Name}: {embedding.Vector.Length} numbers");</code></example>
public sealed class Encoder : IDisposable
{
    readonly EncoderNetwork network;
    readonly WeightStore weights;
    readonly Precision precision;
    volatile bool disposed;

    Encoder(EncoderConfig config, Preprocessing preprocessing, EncoderNetwork network, WeightStore weights, Precision precision)
    {
        Config = config;
        Preprocessing = preprocessing;
        this.network = network;
        this.weights = weights;
        this.precision = precision;
    }

    /// <summary>The architecture.</summary>
    public EncoderConfig Config { get; }

    /// <summary>How samples are prepared.</summary>
    public Preprocessing Preprocessing { get; }

    /// <summary>The model folder it was loaded from; null for one with fresh weights.</summary>
    public string? Path { get; private init; }

    /// <summary>Number of layers that can be asked for: the input of the shared blocks, and each of them.</summary>
    public int Layers => network.Layers;

    /// <summary>Numbers of a vector.</summary>
    public int Width => Config.Trunk.Block.Width;

    /// <summary>Where it computes.</summary>
    public Device Device => weights.Device;

    /// <summary>Numbers of its products; vectors are float32 in either case.</summary>
    public Precision Precision => precision;

    /// <summary>Loads a model.</summary>
    /// <param name="path">A model folder, a run folder (its best checkpoint, else its last) or a checkpoint folder.</param>
    /// <param name="device"><c>cpu</c>, <c>cuda:0</c> or <c>auto</c>.</param>
    /// <param name="precision"><c>auto</c> (bf16 where the hardware computes with it), <c>float32</c> or <c>bf16</c>.</param>
    /// <exception cref="TandemException">There is no model, it is damaged or of another kind (<see cref="ErrorKind.Input"/>); the device is not there (<see cref="ErrorKind.Machine"/>).</exception>
    public static Encoder Load(string path, string device = "auto", string precision = "auto")
    {
        var folder = ModelFolder.Open(ModelPath.Resolve(path));
        return ComputeThread.Run(() =>
        {
            var on = Device.Parse(device);
            var (network, weights) = folder.Load(on);
            return new Encoder(folder.Encoder, folder.Preprocessing, network, weights, PrecisionOf(precision, on)) { Path = folder.Path };
        });
    }

    /// <summary>The same architecture with fresh weights: what training must be better than.</summary>
    /// <param name="path">As for <see cref="Load"/>; only its description is read.</param>
    /// <param name="seed">Decides the weights.</param>
    /// <param name="device">As for <see cref="Load"/>.</param>
    /// <param name="precision">As for <see cref="Load"/>.</param>
    /// <exception cref="TandemException">As for <see cref="Load"/>.</exception>
    public static Encoder Untrained(string path, long seed = 0, string device = "auto", string precision = "auto")
    {
        var folder = ModelFolder.Open(ModelPath.Resolve(path));
        return Untrained(folder.Encoder, folder.Preprocessing, seed, device, precision);
    }

    /// <summary>An encoder with fresh weights.</summary>
    /// <param name="config">The architecture.</param>
    /// <param name="preprocessing">How samples are prepared.</param>
    /// <param name="seed">Decides the weights.</param>
    /// <param name="device">As for <see cref="Load"/>.</param>
    /// <param name="precision">As for <see cref="Load"/>.</param>
    public static Encoder Untrained(EncoderConfig config, Preprocessing preprocessing, long seed = 0, string device = "auto", string precision = "auto") => ComputeThread.Run(() =>
    {
        var on = Device.Parse(device);
        var weights = WeightStore.Fresh(seed, on);
        return new Encoder(config, preprocessing, config.Build(weights), weights, PrecisionOf(precision, on));
    });

    /// <summary>Vectors of files (pictures, recordings, files of a text a line), one by one in their order; a batch at a time is computed when it is asked for.</summary>
    /// <param name="files">Paths; taken in at once.</param>
    /// <param name="options">Batches, threads, what happens to damaged files.</param>
    /// <param name="cancellation">Ends the work between batches.</param>
    /// <exception cref="TandemException">A file is missing or damaged, and nobody hears of skipped ones (<see cref="ErrorKind.Input"/>).</exception>
    /// <exception cref="ObjectDisposedException">The encoder was disposed of.</exception>
    public IEnumerable<Embedding> Embed(IEnumerable<string> files, EmbedOptions? options = null, CancellationToken cancellation = default)
    {
        string[] paths = [.. files];
        return paths.Length == 0 ? [] : Embed(Preprocessing.Files(paths), options, cancellation);
    }

    /// <summary>Vectors of a source's samples, one by one in the source's order.</summary>
    /// <param name="source">The samples; not disposed of.</param>
    /// <param name="options">Batches, threads, limit, what happens to damaged samples.</param>
    /// <param name="cancellation">Ends the work between batches.</param>
    /// <exception cref="TandemException">A sample is damaged, and nobody hears of skipped ones (<see cref="ErrorKind.Input"/>).</exception>
    /// <exception cref="ObjectDisposedException">The encoder was disposed of.</exception>
    public IEnumerable<Embedding> Embed(Source source, EmbedOptions? options = null, CancellationToken cancellation = default)
    {
        if (source.Parts > 1)
            throw new TandemException(ErrorKind.Usage, $"a {Preprocessing.Sample} of this data has {source.Parts} parts", source.Description, "one text a sample", "Say which column: column=sentence1.");
        options ??= new();
        var features = new FeatureOptions { Batch = options.Batch, Workers = options.Workers, Layer = options.Layer, Limit = options.Limit, Seed = options.Seed, Skipped = options.Skipped, Progress = options.Progress };
        foreach (var block in Features(source, features, cancellation))
        {
            for (var i = 0; i < block.Samples.Length; i++)
                yield return new(source.Name(block.Samples[i]), block.Values.AsSpan(i * Width, Width).ToArray());
        }
    }

    /// <summary>As <see cref="Embed(IEnumerable{string}, EmbedOptions?, CancellationToken)"/>, without holding up the calling thread.</summary>
    /// <inheritdoc cref="Embed(IEnumerable{string}, EmbedOptions?, CancellationToken)"/>
    public IAsyncEnumerable<Embedding> EmbedAsync(IEnumerable<string> files, EmbedOptions? options = null, CancellationToken cancellation = default)
    {
        string[] paths = [.. files];
        return Later(stop => Embed(paths, options, stop), cancellation);
    }

    /// <summary>As <see cref="Embed(Source, EmbedOptions?, CancellationToken)"/>, without holding up the calling thread.</summary>
    /// <inheritdoc cref="Embed(Source, EmbedOptions?, CancellationToken)"/>
    public IAsyncEnumerable<Embedding> EmbedAsync(Source source, EmbedOptions? options = null, CancellationToken cancellation = default) =>
        Later(stop => Embed(source, options, stop), cancellation);

    /// <summary>Features in blocks, for probes; <see cref="FeatureOptions.Precision"/> is the model's.</summary>
    /// <param name="source">The samples; not disposed of.</param>
    /// <param name="options">Batches, threads, layer, limit, what happens to damaged samples.</param>
    /// <param name="cancellation">Ends the work between batches.</param>
    public IEnumerable<FeatureBlock> Features(Source source, FeatureOptions options, CancellationToken cancellation = default)
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        foreach (var block in FeatureExtraction.Encode(network, Preprocessing, source, options with { Precision = precision }, cancellation))
        {
            yield return block;
            ObjectDisposedException.ThrowIf(disposed, this);
        }
    }

    /// <summary>Frees the weights, after the batch that is being computed.</summary>
    public void Dispose()
    {
        if (disposed)
            return;
        disposed = true;
        ComputeThread.Run(weights.Dispose);
    }

    internal static Precision PrecisionOf(string name, Device device) => name switch
    {
        "auto" => device.Kind == DeviceKind.Cuda || Libtorch.CpuHasBf16 ? Precision.BFloat16 : Precision.Float32,
        "float32" => Precision.Float32,
        "bf16" => Precision.BFloat16,
        _ => throw new TandemException(ErrorKind.Usage, $"there is no precision '{name}'", "--precision", "auto, float32 or bf16"),
    };

    static async IAsyncEnumerable<Embedding> Later(Func<CancellationToken, IEnumerable<Embedding>> embed, [EnumeratorCancellation] CancellationToken cancellation)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        // Bounded: whoever reads slowly must not fill the memory.
        var channel = Channel.CreateBounded<Embedding>(256);
        var work = Task.Run(async () =>
        {
            try
            {
                foreach (var embedding in embed(stop.Token))
                    await channel.Writer.WriteAsync(embedding, stop.Token).ConfigureAwait(false);
                channel.Writer.Complete();
            }
            catch (Exception cause)
            {
                channel.Writer.Complete(cause);
            }
        }, CancellationToken.None);
        try
        {
            await foreach (var embedding in channel.Reader.ReadAllAsync(cancellation).ConfigureAwait(false))
                yield return embedding;
        }
        finally
        {
            await stop.CancelAsync().ConfigureAwait(false);
            await work.ConfigureAwait(false);
        }
    }
}
