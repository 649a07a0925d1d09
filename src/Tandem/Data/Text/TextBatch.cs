using Tandem.Data.Masks;
using Tandem.Torch;

namespace Tandem.Data.Text;

/// <summary>Token rows of one micro-batch.</summary>
public sealed class TextBatch : Batch
{
    /// <summary>Token ids: int64 [n, tokens], padded at the right.</summary>
    public required HostTensor Tokens { get; init; }

    /// <summary>Tokens of each row, padding not counted.</summary>
    public required int[] Lengths { get; init; }

    /// <inheritdoc/>
    public override long Weight(int row) => Lengths[row];

    /// <inheritdoc/>
    public override HostTensor Input => Tokens;

    /// <inheritdoc/>
    public override int Count => Lengths.Length;
}

/// <summary>Makes batches of token blocks.</summary>
/// <param name="blocks">The samples.</param>
/// <param name="pad">The id that fills rows up: <see cref="SpecialTokens.Pad"/>.</param>
/// <param name="masks">
/// Masks drawn with the data, or null. Their grid is one row of <see cref="TokenBlocks.Tokens"/> places, and all batches are then padded to that
/// length; without masks, to the longest row.
/// </param>
public sealed class TextBatchMaker(TokenBlocks blocks, int pad, MaskPlan? masks = null) : IBatchMaker<TextBatch>
{
    readonly MaskPlan? masks = masks is null || masks.Grid == (1, blocks.Tokens) ? masks
        : throw new ArgumentException($"the masks' grid is {masks.Grid}, the samples have {blocks.Tokens} tokens", nameof(masks));

    /// <inheritdoc/>
    public TextBatch Make(BatchPlan plan, BatchPlace place, CancellationToken stop)
    {
        var n = place.Count;
        var (ids, lengths) = (new long[n], new int[n]);
        for (var i = 0; i < n; i++)
        {
            ids[i] = plan.Sample(place.Step, place.Slot + i);
            lengths[i] = blocks.Slice((int)ids[i]).Length + 1;
        }
        var width = masks is null ? lengths.Max() : blocks.Tokens;
        var tokens = new HostTensor(ScalarType.Long, [n, width], new byte[checked(n * width * sizeof(long))]);
        var drawn = masks?.Empty(n);
        for (var i = 0; i < n; i++)
        {
            stop.ThrowIfCancellationRequested();
            var row = tokens.As<long>().Slice(i * width, width);
            blocks.Read((int)ids[i], row);
            row[lengths[i]..].Fill(pad);
        }
        masks?.Draw(drawn!, lengths, place.Step, place.Slot);
        return new() { Step = place.Step, Slot = place.Slot, Ids = ids, Tokens = tokens, Lengths = lengths, Masks = drawn };
    }
}
