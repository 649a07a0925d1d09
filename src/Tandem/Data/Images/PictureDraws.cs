using Tandem.Torch;

namespace Tandem.Data.Images;

/// <summary>
/// The draws of a transform. The publishers draw some numbers in single precision (torch) and some in double (Python); which one matters
/// for the last bit, so both are here. <see cref="RandomPictureDraws"/> draws afresh; golden cases give recorded draws.
/// </summary>
public interface IPictureDraws
{
    /// <summary>Uniform between low and high, single precision.</summary>
    float UniformFloat(double low, double high);

    /// <summary>Uniform between low and high, double precision.</summary>
    double Uniform(double low, double high);

    /// <summary>Uniform in [0, 1), single precision: the chance of torchvision's mirror.</summary>
    float ChanceFloat();

    /// <summary>Uniform in [0, 1), double precision.</summary>
    double Chance();

    /// <summary>A whole number, uniform in 0 … count − 1.</summary>
    int Integer(int count);

    /// <summary>Fills with 0 … length − 1 in random order.</summary>
    void Permutation(Span<int> order);
}

/// <summary>Fresh draws, a function of the <see cref="Randomness"/> given.</summary>
public sealed class RandomPictureDraws(Randomness randomness) : IPictureDraws
{
    Randomness randomness = randomness;

    /// <inheritdoc/>
    public float UniformFloat(double low, double high) => (float)low + (((float)high - (float)low) * randomness.NextFloat());

    /// <inheritdoc/>
    public double Uniform(double low, double high) => randomness.NextDouble(low, high);

    /// <inheritdoc/>
    public float ChanceFloat() => randomness.NextFloat();

    /// <inheritdoc/>
    public double Chance() => randomness.NextDouble();

    /// <inheritdoc/>
    public int Integer(int count) => (int)randomness.Next(count);

    /// <inheritdoc/>
    public void Permutation(Span<int> order)
    {
        for (var i = 0; i < order.Length; i++)
            order[i] = i;
        randomness.Shuffle(order);
    }
}

/// <summary>For transforms that draw nothing.</summary>
public sealed class NoPictureDraws : IPictureDraws
{
    /// <summary>The only one needed.</summary>
    public static NoPictureDraws Instance { get; } = new();

    /// <inheritdoc/>
    public float UniformFloat(double low, double high) => throw None();

    /// <inheritdoc/>
    public double Uniform(double low, double high) => throw None();

    /// <inheritdoc/>
    public float ChanceFloat() => throw None();

    /// <inheritdoc/>
    public double Chance() => throw None();

    /// <inheritdoc/>
    public int Integer(int count) => throw None();

    /// <inheritdoc/>
    public void Permutation(Span<int> order) => throw None();

    static InvalidOperationException None() => new("this transform was said to draw nothing");
}
