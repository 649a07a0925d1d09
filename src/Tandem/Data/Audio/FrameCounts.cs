namespace Tandem.Data.Audio;

/// <summary>Samples to frames through convolutions without padding.</summary>
/// <param name="Layers">Kernel and stride of each.</param>
public sealed record FrameCounts(IReadOnlyList<(int Kernel, int Stride)> Layers)
{
    /// <summary>The published extractor: a frame every 320 samples (20 ms), from 400.</summary>
    public static FrameCounts Published { get; } = new([(10, 5), (3, 2), (3, 2), (3, 2), (3, 2), (2, 2), (2, 2)]);

    /// <summary>Frames of so many samples, layer by layer ⌊(n − kernel) / stride⌋ + 1; 0 or less below the receptive field.</summary>
    public int Of(int samples)
    {
        foreach (var (kernel, stride) in Layers)
            samples = (int)Math.Floor((double)(samples - kernel) / stride) + 1;
        return samples;
    }

    /// <summary>Samples that the first frame sees.</summary>
    public int ReceptiveField => Layers.Reverse().Aggregate(1, (seen, layer) => ((seen - 1) * layer.Stride) + layer.Kernel);

    /// <summary>Samples from one frame to the next.</summary>
    public int Hop => Layers.Aggregate(1, (hop, layer) => hop * layer.Stride);
}
