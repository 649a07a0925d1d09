namespace Tandem.Probes;

/// <summary>Features of labelled samples at one or several layers, before a probe sees them.</summary>
/// <param name="Values">Row-major float32 [samples, parts, layers, width].</param>
/// <param name="Parts">Parts of a sample: 2 for pairs.</param>
/// <param name="Layers">Layers to choose from.</param>
/// <param name="Width">Numbers of a part at a layer.</param>
/// <param name="Labels">Each sample's class.</param>
/// <param name="ClassNames">Names of the classes by number.</param>
public sealed record SampleFeatures(float[] Values, int Parts, int Layers, int Width, int[] Labels, IReadOnlyList<string> ClassNames)
{
    /// <summary>Number of samples.</summary>
    public int Count => Labels.Length;

    /// <summary>A part's features at a layer.</summary>
    public ReadOnlySpan<float> Of(int sample, int part, int layer) => Values.AsSpan(checked(((((sample * Parts) + part) * Layers) + layer) * Width), Width);

    /// <summary>
    /// What a probe learns from at a layer: the features themselves; for pairs u, v the differences |u − v| and the products u · v beside each other
    /// (Conneau et al. 2017, arXiv 1705.02364), which do not change when the pair is turned round.
    /// </summary>
    public LabelledFeatures At(int layer)
    {
        if (Parts == 1 && Layers == 1)
            return new(Values, Width, Labels, ClassNames);
        var width = Parts == 1 ? Width : 2 * Width;
        var values = new float[checked(Count * width)];
        for (var sample = 0; sample < Count; sample++)
        {
            var to = values.AsSpan(sample * width, width);
            var first = Of(sample, 0, layer);
            if (Parts == 1)
            {
                first.CopyTo(to);
                continue;
            }
            var second = Of(sample, 1, layer);
            for (var i = 0; i < Width; i++)
            {
                to[i] = MathF.Abs(first[i] - second[i]);
                to[Width + i] = first[i] * second[i];
            }
        }
        return new(values, width, Labels, ClassNames);
    }
}
