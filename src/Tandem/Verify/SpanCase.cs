using Tandem.Data.Masks;
using Tandem.Models.Peers;
using Tandem.Torch;

namespace Tandem.Verify;

/// <summary>Cases of kinds <c>mask</c> and <c>mask_statistics</c> whose masks are spans.</summary>
static class SpanCase
{
    public static bool Is(ConfigReader config) => config.GetBool("spans", false);

    public static (SpanMaskOptions Options, (int Places, int[] Lengths) Row) Read(GoldenCase golden)
    {
        var c = golden.Config;
        var options = new SpanMaskOptions
        {
            Probability = c.GetDouble("mask_prob"),
            Length = c.GetInt("mask_length"),
            MinSpans = c.GetInt("min_masks", 0),
            SameCount = c.GetBool("require_same_masks", true),
            Add = c.GetBool("add_masks", false),
            Dropout = c.GetDouble("mask_dropout", 0),
        };
        var (places, rows) = (c.GetInt("L"), c.GetInt("rows", 1));
        var lengths = c.HasValue("lengths") ? c.GetInts("lengths") : [.. Enumerable.Repeat(places, rows)];
        if (lengths.Length != rows)
            throw new CaseFailedException($"there are {lengths.Length} lengths for {rows} rows");
        golden.Inputs.Known("padding_mask"); // says what the lengths say
        return (options, (places, lengths));
    }

    public static void Statistics(GoldenCase golden, Comparison comparison)
    {
        var (options, (places, lengths)) = Read(golden);
        var draws = comparison.Given("draws").GetInt32();
        var row = golden.Values!.Value.TryGetProperty("row", out _) ? comparison.Given("row").GetInt32() : 0;
        var statistics = new MaskStatistics(places, (1, places));
        for (var draw = 0; draw < draws; draw++)
        {
            var masks = SpanMask.Draw(options, places, lengths, new RandomMaskDraws(Randomness.Of(20_26, "span mask", draw)));
            statistics.Add(masks.AsSpan(row * places, places));
        }
        foreach (var statistic in comparison.Given("statistics").EnumerateObject())
            statistics.Compare(comparison, statistic.Name, statistic.Value);
    }
}
