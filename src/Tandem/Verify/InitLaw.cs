using System.Text.Json;
using Tandem.Layers;

namespace Tandem.Verify;

/// <summary>Whether a fresh parameter follows the law of the publisher's (kind <c>init_statistics</c>).</summary>
static class InitLaw
{
    // A uniform law's largest element is √3 deviations; a normal one's of 256 elements nearly surely more than 1.8.
    const double UniformBound = 1.8;

    public static void Compare(Comparison comparison, string name, Parameter parameter, JsonElement recorded)
    {
        double Number(string field) => recorded.GetProperty(field).GetDouble();
        var shape = recorded.GetProperty("shape").EnumerateArray().Select(s => s.GetInt64()).ToArray();
        comparison.Require(shape.AsSpan().SequenceEqual(parameter.Value.Shape), $"'{name}' has shape [{string.Join(", ", parameter.Value.Shape)}] instead of [{string.Join(", ", shape)}]");
        comparison.Require(recorded.GetProperty("trained").GetBoolean() == parameter.Trained, $"'{name}' is {(parameter.Trained ? "" : "not ")}trained");
        var values = parameter.Value.ToFloats();
        var (mean, std) = (Number("mean"), Number("std"));
        var own = values.Average(v => (double)v);
        var deviation = Math.Sqrt(values.Average(v => (v - own) * (v - own)));
        if (std == 0)
        {
            comparison.Require(values.All(v => v == (float)mean), $"'{name}' is not {mean} everywhere");
            return;
        }
        if (!parameter.Trained)
        {
            comparison.Near(name + ".min", values.Min(), Number("min"), 0, 1e-6);
            comparison.Near(name + ".max", values.Max(), Number("max"), 0, 1e-6);
            comparison.Near(name + ".mean", own, mean, 0, 1e-6);
            comparison.Near(name + ".std", deviation, std, 0, 1e-6);
            return;
        }
        var root = Math.Sqrt(values.Length);
        comparison.Near(name + ".mean", own, mean, 0, 8 * std / root);
        comparison.Near(name + ".std", deviation, std, 0, 8 * std / root);
        if (values.Length < 256)
            return;
        var largest = values.Max(Math.Abs);
        var theirs = Math.Max(Math.Abs(Number("min")), Math.Abs(Number("max"))) < UniformBound * std;
        comparison.Require(largest < UniformBound * deviation == theirs, $"'{name}' is {(theirs ? "not uniform" : "uniform instead of normal")}");
        if (theirs)
            comparison.Require(largest <= 1.7321 * std * (1 + (8 / root)), $"'{name}' reaches {largest}, further than its uniform law");
    }
}
