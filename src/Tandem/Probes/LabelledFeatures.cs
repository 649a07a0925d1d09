using Tandem.Torch;

namespace Tandem.Probes;

/// <summary>Features of samples whose classes are known: what a probe learns from, or is judged on.</summary>
/// <param name="Values">Row-major float32 [count, width].</param>
/// <param name="Width">Numbers of a sample.</param>
/// <param name="Labels">Each sample's class, a number of <paramref name="ClassNames"/>.</param>
/// <param name="ClassNames">Names of the classes by number.</param>
public sealed record LabelledFeatures(float[] Values, int Width, int[] Labels, IReadOnlyList<string> ClassNames)
{
    /// <summary>Number of samples.</summary>
    public int Count => Labels.Length;

    /// <summary>Number of classes.</summary>
    public int Classes => ClassNames.Count;

    /// <summary>A sample's features.</summary>
    public ReadOnlySpan<float> Row(int sample) => Values.AsSpan(checked(sample * Width), Width);

    /// <summary>Some of the samples.</summary>
    /// <param name="samples">Their numbers.</param>
    public LabelledFeatures Only(IReadOnlyList<int> samples)
    {
        var values = new float[checked(samples.Count * Width)];
        for (var i = 0; i < samples.Count; i++)
            Row(samples[i]).CopyTo(values.AsSpan(i * Width));
        return this with { Values = values, Labels = [.. samples.Select(sample => Labels[sample])] };
    }

    /// <summary>The same samples numbered as <paramref name="train"/> numbers its classes; classes are the same where their names are.</summary>
    /// <exception cref="TandemException"><see cref="ErrorKind.Input"/>: a sample is of a class that <paramref name="train"/> does not have.</exception>
    public LabelledFeatures NumberedAs(LabelledFeatures train)
    {
        if (ClassNames.SequenceEqual(train.ClassNames, StringComparer.Ordinal))
            return this;
        return this with { Labels = MatchClasses(Labels, ClassNames, train.ClassNames), ClassNames = train.ClassNames };
    }

    /// <summary>Numbers labels anew by the names of their classes.</summary>
    /// <param name="labels">Numbers of <paramref name="names"/>.</param>
    /// <param name="names">Names by old number.</param>
    /// <param name="known">Names by new number.</param>
    /// <exception cref="TandemException"><see cref="ErrorKind.Input"/>: a label's name is not known.</exception>
    public static int[] MatchClasses(IReadOnlyList<int> labels, IReadOnlyList<string> names, IReadOnlyList<string> known)
    {
        var numbers = known.Select((name, number) => (name, number)).ToDictionary(pair => pair.name, pair => pair.number, StringComparer.Ordinal);
        var unknown = labels.Distinct().Select(label => names[label]).Where(name => !numbers.ContainsKey(name)).Order(StringComparer.Ordinal).ToList();
        if (unknown.Count > 0)
        {
            throw new TandemException(ErrorKind.Input, $"{unknown.Count} {(unknown.Count == 1 ? "class" : "classes")} of the test data {(unknown.Count == 1 ? "is" : "are")} unknown in the training data: {Some(unknown)}", "test",
                $"classes named as in train: {Some(known)}", "Classes are matched by name: give both sets the same class folders, or the same labels= rule.");
        }
        return [.. labels.Select(label => numbers[names[label]])];
    }

    /// <summary>Looks whether a probe can learn from these features and be judged on others.</summary>
    /// <param name="test">What it shall be judged on.</param>
    /// <exception cref="TandemException"><see cref="ErrorKind.Input"/>: no samples, one class only, other widths, or numbers that are not finite.</exception>
    internal void CheckAgainst(LabelledFeatures test)
    {
        if (Count == 0 || test.Count == 0)
            throw new TandemException(ErrorKind.Input, $"there are no {(Count == 0 ? "training" : "test")} samples", Count == 0 ? "train" : "test");
        if (Labels.All(label => label == Labels[0]))
            throw new TandemException(ErrorKind.Input, $"all training samples are of one class, '{ClassNames[Labels[0]]}'", "train", "at least two classes", "Give labelled data of several classes; labels= says where labels come from.");
        if (Width != test.Width)
            throw new ArgumentException($"training features have width {Width}, test features {test.Width}", nameof(test));
        if (!Finite(Values) || !Finite(test.Values))
            throw new TandemException(ErrorKind.Input, "the encoder's features are not finite", expected: "numbers", remedy: "The model is damaged, or its training diverged: take an earlier checkpoint.");
    }

    static bool Finite(float[] values)
    {
        foreach (var value in values)
        {
            if (!float.IsFinite(value))
                return false;
        }
        return true;
    }

    static string Some(IReadOnlyList<string> names) => string.Join(", ", names.Take(5)) + (names.Count > 5 ? ", …" : "");
}
