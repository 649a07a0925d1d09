namespace Tandem.Data.Masks;

/// <summary>Masks that are drawn with the data.</summary>
/// <param name="Sampler">Draws the masks of a sample's copies.</param>
/// <param name="Grid">Rows and columns of places; one row for a sequence.</param>
public sealed record MaskPlan(MaskSampler Sampler, (int Rows, int Columns) Grid)
{
    /// <summary>Places of a mask.</summary>
    public int Places => Grid.Rows * Grid.Columns;
}
