namespace Tandem.Layers;

/// <summary>
/// Says what a setting of a recipe means. Belongs on the constructor parameter or property of an options record; the words appear in
/// <c>tandem recipes explain</c>, in errors and in the schema that editors use.
/// </summary>
/// <param name="text">One short sentence without a full stop: "share of patches that the student does not see".</param>
[AttributeUsage(AttributeTargets.Parameter | AttributeTargets.Property)]
public sealed class MeaningAttribute(string text) : Attribute
{
    /// <summary>The meaning.</summary>
    public string Text { get; } = text;

    /// <summary>The unit, in plural: "steps", "samples", "bytes" (then sizes such as <c>4GiB</c> are understood), "Hz".</summary>
    public string? Unit { get; init; }
}

/// <summary>Limits of a number in a recipe, both inclusive; for a list, of each of its numbers.</summary>
/// <param name="min">Smallest allowed value.</param>
/// <param name="max">Largest allowed value.</param>
[AttributeUsage(AttributeTargets.Parameter | AttributeTargets.Property)]
public sealed class RangeAttribute(double min, double max = double.PositiveInfinity) : Attribute
{
    /// <summary>Smallest allowed value.</summary>
    public double Min { get; } = min;

    /// <summary>Largest allowed value.</summary>
    public double Max { get; } = max;
}
