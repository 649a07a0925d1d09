using Tandem.Torch;

namespace Tandem.Data.Audio;

/// <summary>A micro-batch of recordings, 16 kHz, one channel.</summary>
public sealed class AudioBatch : Batch
{
    /// <summary>Samples, each recording standardised by itself: float32 [n, samples], zeros behind the end.</summary>
    public required HostTensor Samples { get; init; }

    /// <summary>Samples of each recording, padding not counted; null if nothing is padded.</summary>
    public int[]? Lengths { get; init; }

    /// <summary>
    /// Whether padded frames take part in group norms and positions, as they do in the publisher's program. Else a padded recording has the features
    /// that it has alone. For verification.
    /// </summary>
    public bool PaddingTakesPart { get; init; }

    /// <inheritdoc/>
    public override long Weight(int row) => Lengths?[row] ?? Samples.Shape[1];

    /// <inheritdoc/>
    public override HostTensor Input => Samples;

    /// <summary>Room for recordings: float32 zeros [n, samples].</summary>
    internal static HostTensor Room(int n, int samples) => new(ScalarType.Float, [n, samples], new byte[checked(n * samples * sizeof(float))]);

    /// <inheritdoc/>
    public override int Count => (int)Samples.Shape[0];
}
