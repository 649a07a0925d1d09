using Tandem.Torch;

namespace Tandem.Data;

/// <summary>Samples for one micro-batch, as plain data: made by loader threads, which never compute with tensors.</summary>
public abstract class Batch
{
    /// <summary>Number of samples.</summary>
    public abstract int Count { get; }

    /// <summary>What the network takes: pixels, samples, token ids; rows first.</summary>
    public abstract HostTensor Input { get; }

    /// <summary>The update that the batch belongs to; the batch's number in an evaluation.</summary>
    public long Step { get; init; }

    /// <summary>Place of the first sample within its step.</summary>
    public int Slot { get; init; }

    /// <summary>Each sample's number in its source.</summary>
    public required long[] Ids { get; init; }

    /// <summary>Each sample's class, where labels were asked for.</summary>
    public int[]? Labels { get; init; }

    /// <summary>The batch as a teacher sees it: another view of the same samples, where the data has one.</summary>
    public virtual Batch TeacherView => this;

    /// <summary>Places of a row that are no padding, in the modality's own unit (samples, tokens): how much a row counts where several rows are one sample.</summary>
    public virtual long Weight(int row) => 1;

    /// <summary>Masks drawn with the data: uint8 [count·copies, places], 1 = masked, copies of a sample adjacent; null if none were drawn.</summary>
    public HostTensor? Masks { get; init; }
}
