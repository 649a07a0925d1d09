using Tandem.Data.Masks;
using Tandem.Torch;

namespace Tandem.Verify;

/// <summary>The draws of block masks as a publisher's program made them.</summary>
sealed class RecordedMaskDraws(TensorSet inputs) : IMaskDraws
{
    int row, pick;

    public int[] Centres(int count, int places)
    {
        var recorded = inputs["draw.mask_centers.000"];
        var width = (int)recorded.Shape[^1];
        if (width != count)
            throw new CaseFailedException($"{count} squares are to be drawn, the publisher drew {width}");
        var drawn = recorded.As<long>().Slice(row++ * width, width).ToArray();
        return [.. drawn.Select(cell => (int)cell)];
    }

    public int[] Pick(ReadOnlySpan<int> candidates, int count)
    {
        var recorded = inputs[FormattableString.Invariant($"draw.mask_picks.{pick:000}")];
        // Tiles come as one tensor with a row for each mask; everything else as one draw a call.
        var (width, at) = recorded.Shape.Length == 2 ? ((int)recorded.Shape[1], row++) : ((int)recorded.Shape[0], 0);
        if (recorded.Shape.Length == 1 || row == recorded.Shape[0])
            pick++;
        int[] drawn = [.. recorded.As<long>().Slice(at * width, width).ToArray().Select(cell => (int)cell)];
        if (drawn.Length != count)
            throw new CaseFailedException($"{count} cells are to be picked, the publisher picked {drawn.Length}");
        foreach (var cell in drawn)
        {
            if (!candidates.Contains(cell))
                throw new CaseFailedException($"the publisher picked cell {cell}, which is no candidate");
        }
        return drawn;
    }
}

/// <summary>The draws of span masks as a publisher's program made them, in order of execution.</summary>
sealed class RecordedSpanDraws(TensorSet inputs) : ISpanDraws
{
    int fraction, choice;

    public double Fraction() => inputs[FormattableString.Invariant($"draw.span_uniform.{fraction++:000}")].As<double>()[0];

    public int[] Pick(ReadOnlySpan<int> candidates, int count)
    {
        int[] drawn = [.. inputs[FormattableString.Invariant($"draw.span_choice.{choice++:000}")].As<long>().ToArray().Select(place => (int)place)];
        if (drawn.Length != count)
            throw new CaseFailedException($"{count} places are to be drawn, the publisher drew {drawn.Length}");
        foreach (var place in drawn)
        {
            if (!candidates.Contains(place))
                throw new CaseFailedException($"the publisher drew place {place}, which is no candidate");
        }
        return drawn;
    }
}
