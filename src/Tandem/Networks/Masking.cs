using Tandem.Torch;

namespace Tandem.Networks;

/// <summary>
/// Which places each masked copy of a sample hides. Copies of a sample are adjacent: copy m of sample b is row b·copies + m.
/// </summary>
/// <param name="Mask">1 at hidden places: uint8 [samples·copies, places].</param>
/// <param name="Keep">Places that the encoder sees: int64 [samples·copies, kept].</param>
/// <param name="Restore">Where each place stands when kept places come first: int64 [samples·copies, places].</param>
/// <param name="Copies">Masked copies of a sample.</param>
public sealed record Masking(Tensor Mask, Tensor Keep, Tensor Restore, int Copies)
{
    /// <summary>1 at feature channels that are zeroed where masked places stay in the input: uint8 [rows, width]; null for none.</summary>
    public Tensor? Channels { get; init; }

    /// <summary>Number of masked places in all rows.</summary>
    public long Masked { get; } = (long)Mask.Sum(dtype: ScalarType.Long).Item();

    /// <summary>Kept places of a row.</summary>
    public long Kept => Keep.Size(1);

    /// <summary>Places of a row.</summary>
    public long Places => Mask.Size(1);

    /// <summary>Orders the places of a drawn mask: visible ones first, ascending.</summary>
    /// <param name="mask">uint8 [rows, places]; every row hides as many places as the first.</param>
    /// <param name="copies">Masked copies of a sample.</param>
    /// <param name="keepMasked">Share of the masked places that the encoder sees all the same, while they stay masked for the loss.</param>
    /// <param name="draw">Which masked places these are.</param>
    /// <param name="device">Where the ids shall lie.</param>
    public static Masking From(HostTensor mask, int copies, double keepMasked, Randomness draw, Device device)
    {
        var (rows, places) = (mask.Shape[0], (int)mask.Shape[1]);
        var bits = mask.As<byte>();
        var kept = VisibleCount(bits[..places], keepMasked);
        var keep = new long[rows * kept];
        var restore = new long[rows * places];
        var order = new int[places];
        for (var row = 0; row < rows; row++)
        {
            var of = bits.Slice(row * places, places);
            var visible = 0;
            for (var t = 0; t < places; t++)
            {
                if (of[t] == 0)
                    order[visible++] = t;
            }
            var next = visible;
            for (var t = 0; t < places; t++)
            {
                if (of[t] != 0)
                    order[next++] = t;
            }
            if (keepMasked > 0)
                draw.Pick(order.AsSpan(visible), Math.Max(0, kept - visible));
            for (var i = 0; i < places; i++)
                restore[((long)row * places) + order[i]] = i;
            for (var i = 0; i < kept; i++)
                keep[((long)row * kept) + i] = order[i];
        }
        return new(Tensor.From(mask, device), Tensor.From(HostTensor.From<long>(keep, rows, kept), device), Tensor.From(HostTensor.From<long>(restore, rows, places), device), copies);
    }

    /// <summary>How many places the encoder sees of a row with this mask: the free ones, and round-half-even(masked · share) masked ones.</summary>
    public static int VisibleCount(ReadOnlySpan<byte> row, double keepMasked)
    {
        var masked = 0;
        foreach (var bit in row)
            masked += bit;
        return row.Length - masked + (int)Math.Round(masked * keepMasked, MidpointRounding.ToEven);
    }
}
