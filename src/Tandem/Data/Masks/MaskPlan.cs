using Tandem.Torch;

namespace Tandem.Data.Masks;

/// <summary>Masks that are drawn with the data.</summary>
/// <param name="Sampler">Draws the masks of a sample's copies.</param>
/// <param name="Grid">Rows and columns of places; one row for a sequence.</param>
public sealed record MaskPlan(MaskSampler Sampler, (int Rows, int Columns) Grid)
{
    /// <summary>Whether masks are spans that leave padding alone, drawn for a whole batch; else each sample's are drawn by themselves, over all places.</summary>
    public bool Spans { get; init; }

    /// <summary>The masks of text: single places anywhere, padding included, as published, but at least one place of each row that is none stays visible; spans outside of padding where <see cref="MaskOptions.Length"/> is more than 1.</summary>
    /// <param name="options">The law.</param>
    /// <param name="copies">Masked copies of a sample.</param>
    /// <param name="seed">The run's seed.</param>
    /// <param name="tokens">Places of a row.</param>
    public static MaskPlan OfText(MaskOptions options, int copies, long seed, int tokens) => new(new(options, copies, seed), (1, tokens)) { Spans = options.Length > 1 };

    /// <summary>Places of a mask.</summary>
    public int Places => Grid.Rows * Grid.Columns;

    /// <summary>Room for the masks of so many samples: uint8 [samples·copies, places].</summary>
    public HostTensor Empty(int samples) => new(ScalarType.Byte, [(long)samples * Sampler.Copies, Places], new byte[checked(samples * Sampler.Copies * Places)]);

    /// <summary>Draws the masks of all rows of a batch.</summary>
    /// <param name="masks">What <see cref="Empty"/> made.</param>
    /// <param name="lengths">Places of each row that are no padding.</param>
    /// <param name="step">The update that the batch belongs to.</param>
    /// <param name="slot">The first row's place within its step.</param>
    public void Draw(HostTensor masks, IReadOnlyList<int> lengths, long step, int slot)
    {
        if (Spans)
        {
            Sampler.DrawSpans(Places, lengths, step, slot).CopyTo(masks.Bytes.AsSpan());
            return;
        }
        for (var row = 0; row < lengths.Count; row++)
        {
            Draw(masks, row, step, slot + row);
            KeepOneVisible(masks, row, lengths[row]);
        }
    }

    // Of a short row all visible places may be padding. An encoder that sees nothing has features of no variance, and gradients beyond all bounds: such
    // a copy gets its first place for one of padding.
    void KeepOneVisible(HostTensor masks, int row, int length)
    {
        for (var copy = 0; copy < Sampler.Copies; copy++)
        {
            var mask = masks.Bytes.AsSpan(((row * Sampler.Copies) + copy) * Places, Places);
            if (mask[..length].Contains((byte)0))
                continue;
            var visible = mask.IndexOf((byte)0);
            if (visible >= 0)
                (mask[0], mask[visible]) = (0, 1);
        }
    }

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
