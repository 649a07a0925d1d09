using Tandem.Probes;
using Tandem.Torch;

namespace Tandem.Tests.Probes;

/// <summary>Clouds of points around the corners of a simplex, one a class; the first coordinates are stretched and moved.</summary>
static class Clouds
{
    public static LabelledFeatures Make(int classes, int each, int width, long seed, double spread = 0.5)
    {
        var draw = Randomness.Of(seed, "clouds");
        var labels = Enumerable.Range(0, classes * each).Select(i => i % classes).ToArray();
        var values = new float[labels.Length * width];
        for (var i = 0; i < values.Length; i++)
        {
            var coordinate = i % width;
            var value = draw.NextNormal(coordinate % classes == labels[i / width] ? 1 : 0, spread);
            values[i] = (float)(coordinate == 0 ? (100 * value) + 1000 : value);
        }
        return new(values, width, labels, [.. Enumerable.Range(0, classes).Select(c => $"class {c}")]);
    }
}
