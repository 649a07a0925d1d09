using Tandem.Torch;

namespace Tandem.Data.Images;

/// <summary>A micro-batch of pictures.</summary>
public sealed class ImageBatch : Batch
{
    /// <summary>Normalised pixels: float32 [n, channels, height, width].</summary>
    public required HostTensor Pixels { get; init; }

    /// <summary>Another view of the same pictures, for the teacher; null if it sees the same.</summary>
    public HostTensor? SecondView { get; init; }

    /// <inheritdoc/>
    public override Batch TeacherView => SecondView is null ? this : new ImageBatch { Step = Step, Slot = Slot, Ids = Ids, Labels = Labels, Pixels = SecondView };

    /// <inheritdoc/>
    public override HostTensor Input => Pixels;

    /// <inheritdoc/>
    public override int Count => (int)Pixels.Shape[0];
}
