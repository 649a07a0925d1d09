using Tandem.Torch;

namespace Tandem.Data;

/// <summary>Some pictures, ready for a network: plain data.</summary>
public sealed record ImageBatch
{
    /// <summary>The update that the batch belongs to; the batch's number in an evaluation.</summary>
    public required long Step { get; init; }

    /// <summary>Place of the first sample within its step.</summary>
    public required int Slot { get; init; }

    /// <summary>The pictures, float32 [n, 3, height, width], normalised.</summary>
    public required HostTensor Pixels { get; init; }

    /// <summary>A second view of the same pictures, or null.</summary>
    public HostTensor? SecondView { get; init; }

    /// <summary>The samples' numbers in their source, [n].</summary>
    public required long[] Ids { get; init; }

    /// <summary>The samples' classes, [n], or null without labels.</summary>
    public int[]? Labels { get; init; }

    /// <summary>Masks drawn with the data, uint8 [n · copies, places], the copies of a sample side by side; or null.</summary>
    public HostTensor? Masks { get; init; }

    /// <summary>Number of samples.</summary>
    public int Count => Ids.Length;
}

/// <summary>Draws one mask.</summary>
/// <param name="randomness">What to draw from; a function of seed, step, sample and copy.</param>
/// <param name="places">To be filled; zeros on entry.</param>
public delegate void MaskDraw(Randomness randomness, Span<byte> places);

/// <summary>Masks that are drawn with the data.</summary>
/// <param name="Copies">Masks for each sample.</param>
/// <param name="Places">Places of a mask: patches of a picture.</param>
/// <param name="Draw">Draws one mask.</param>
public sealed record MaskPlan(int Copies, int Places, MaskDraw Draw);
