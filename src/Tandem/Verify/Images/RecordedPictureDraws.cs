using System.Text.Json;
using Tandem.Data.Images;

namespace Tandem.Verify.Images;

/// <summary>
/// Draws of a publisher's transform, handed out in the order in which they were made. Each call checks that the publisher made a draw of the
/// same sort at that place (<c>t_</c> are torch's, the others Python's).
/// </summary>
sealed class RecordedPictureDraws(IEnumerable<(string Sort, JsonElement Value)> draws) : IPictureDraws
{
    readonly Queue<(string Sort, JsonElement Value)> left = new(draws);

    /// <summary>Reads a list of [sort, value].</summary>
    public static RecordedPictureDraws Of(JsonElement list) => new(list.EnumerateArray().Select(draw => (draw[0].GetString()!, draw[1])));

    /// <summary>How many draws nobody asked for.</summary>
    public int Left => left.Count;

    public float UniformFloat(double low, double high) => (float)Within(Number("t_uniform"), low, high);

    public double Uniform(double low, double high) => Within(Number("uniform"), low, high);

    public float ChanceFloat() => (float)Within(Number("t_rand"), 0, 1);

    public double Chance() => Within(Number("random"), 0, 1);

    public int Integer(int count)
    {
        var value = Scalar(Next("t_randint", "randint")).GetInt32();
        return value >= 0 && value < count ? value : throw new CaseFailedException($"the recorded draw {value} is not in 0 … {count - 1}");
    }

    public void Permutation(Span<int> order)
    {
        var value = Next("t_randperm");
        if (value.GetArrayLength() != order.Length)
            throw new CaseFailedException($"the recorded order has {value.GetArrayLength()} items instead of {order.Length}");
        for (var i = 0; i < order.Length; i++)
            order[i] = value[i].GetInt32();
    }

    double Number(string sort) => Scalar(Next(sort)).GetDouble();

    // Limits are rounded to single precision by torch, so a draw may lie a little outside.
    static double Within(double value, double low, double high) =>
        value >= low - 1e-6 && value <= high + 1e-6 ? value : throw new CaseFailedException($"the recorded draw {value} is not in {low} … {high}");

    static JsonElement Scalar(JsonElement value) => value.ValueKind == JsonValueKind.Array ? value[0] : value;

    JsonElement Next(params ReadOnlySpan<string> sorts)
    {
        if (!left.TryDequeue(out var draw))
            throw new CaseFailedException($"a draw of sort {sorts[0]} is needed where none was recorded");
        if (!sorts.Contains(draw.Sort))
            throw new CaseFailedException($"a draw of sort {sorts[0]} is needed where {draw.Sort} was recorded");
        return draw.Value;
    }
}
