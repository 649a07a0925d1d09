using Tandem.Torch;

namespace Tandem.Data.Masks;

/// <summary>Masks that are drawn with the data.</summary>
/// <param name="Sampler">Draws the masks of a sample's copies.</param>
/// <param name="Grid">Rows and columns of places; one row for a sequence.</param>
public sealed record MaskPlan(MaskSampler Sampler, (int Rows, int Columns) Grid)
{
    /// <summary>Places of a mask.</summary>
    public int Places => Grid.Rows * Grid.Columns;

    /// <summary>Room for the masks of so many samples: uint8 [samples·copies, places].</summary>
    public HostTensor Empty(int samples) => new(ScalarType.Byte, [(long)samples * Sampler.Copies, Places], new byte[checked(samples * Sampler.Copies * Places)]);

    /// <summary>Draws the masks of one sample.</summary>
    /// <param name="masks">What <see cref="Empty"/> made.</param>
    /// <param name="row">The sample's place in the batch.</param>
    /// <param name="step">The update that the batch belongs to.</param>
    /// <param name="slot">The sample's place within its step.</param>
    public void Draw(HostTensor masks, int row, long step, int slot)
    {
        var drawn = Sampler.Draw(Grid, step, slot);
        drawn.CopyTo(masks.Bytes.AsSpan(row * drawn.Length));
    }
}
