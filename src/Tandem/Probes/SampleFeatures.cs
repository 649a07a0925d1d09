namespace Tandem.Probes;

/// <summary>Features of samples with classes or scores at one or several layers, before a probe sees them.</summary>
/// <param name="Values">Row-major float32 [samples, parts, layers, width].</param>
/// <param name="Parts">Parts of a sample: 2 for pairs.</param>
/// <param name="Layers">Layers to choose from.</param>
/// <param name="Width">Numbers of a part at a layer.</param>
/// <param name="Labels">Each sample's class; empty where samples have scores.</param>
/// <param name="ClassNames">Names of the classes by number.</param>
public sealed record SampleFeatures(float[] Values, int Parts, int Layers, int Width, int[] Labels, IReadOnlyList<string> ClassNames)
{
    /// <summary>Each sample's score, where samples have scores instead of classes.</summary>
    public double[]? Scores { get; init; }

    /// <summary>Number of samples.</summary>
    public int Count => Scores?.Length ?? Labels.Length;

    /// <summary>A part's features at a layer.</summary>
    public ReadOnlySpan<float> Of(int sample, int part, int layer) => Values.AsSpan(checked(((((sample * Parts) + part) * Layers) + layer) * Width), Width);

    /// <summary>
    /// What a probe learns from at a layer: the features themselves; for pairs u, v the differences |u − v| and the products u · v beside each other
    /// (Conneau et al. 2017, arXiv 1705.02364), which do not change when the pair is turned round.
    /// </summary>
    /// <exception cref="TandemException"><see cref="ErrorKind.Input"/>: the samples have scores, no classes.</exception>
    public LabelledFeatures At(int layer)
    {
        if (Scores is not null)
            throw new TandemException(ErrorKind.Input, "the samples have scores, no classes", expected: "classes", remedy: "Judge them with the probe similarity.");
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

    /// <summary>All parts' features at a layer, row-major [samples · parts, width].</summary>
    public float[] PartsAt(int layer)
    {
        if (Layers == 1)
            return Values;
        var values = new float[checked(Count * Parts * Width)];
        for (var row = 0; row < Count * Parts; row++)
            Of(row / Parts, row % Parts, layer).CopyTo(values.AsSpan(row * Width, Width));
        return values;
    }

    /// <summary>Some of the samples.</summary>
    /// <param name="samples">Their numbers.</param>
    public SampleFeatures Only(IReadOnlyList<int> samples)
    {
        var size = Parts * Layers * Width;
        var values = new float[checked(samples.Count * size)];
        for (var i = 0; i < samples.Count; i++)
            Values.AsSpan(checked(samples[i] * size), size).CopyTo(values.AsSpan(i * size));
        return this with { Values = values, Labels = Scores is null ? [.. samples.Select(sample => Labels[sample])] : [], Scores = Scores is null ? null : [.. samples.Select(sample => Scores[sample])] };
    }
}
