using System.Text.Json.Nodes;
using Tandem.Runs;

namespace Tandem;

/// <summary>How some numbers are spread.</summary>
/// <param name="Least">The smallest.</param>
/// <param name="Median">The one in the middle; of an even number of them the upper.</param>
/// <param name="Most">The largest.</param>
public sealed record Spread(double Least, double Median, double Most)
{
    /// <summary>The spread of numbers, each with how often it stands there; null when there are none.</summary>
    public static Spread? Of(IEnumerable<(double Value, long Times)> numbers)
    {
        var sorted = numbers.OrderBy(number => number.Value).ToList();
        if (sorted.Count == 0)
            return null;
        var (left, median) = (sorted.Sum(number => number.Times) / 2, 0);
        while (left >= sorted[median].Times)
            left -= sorted[median++].Times;
        return new(sorted[0].Value, sorted[median].Value, sorted[^1].Value);
    }

    /// <summary>The spread of numbers; null when there are none.</summary>
    public static Spread? Of(IEnumerable<double> numbers) => Of(numbers.Select(number => (number, 1L)));

    /// <summary>For people: "12 to 640, half below 96".</summary>
    /// <param name="unit">The numbers' unit, with the space before it if there is one.</param>
    public string InWords(string unit = "") => Least == Most ? Units.Number(Least) + unit : $"{Units.Number(Least)} to {Units.Number(Most)}{unit}, half below {Units.Number(Median)}";

    /// <summary><c>{"least", "median", "most"}</c>.</summary>
    public JsonObject ToJson() => new() { ["least"] = Least, ["median"] = Median, ["most"] = Most };
}
