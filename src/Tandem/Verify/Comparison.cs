using System.Globalization;
using System.Text.Json;
using Tandem.Torch;

namespace Tandem.Verify;

/// <summary>The largest deviation of a case.</summary>
/// <param name="Tensor">The tensor, or <c>values.</c> and the value's place.</param>
/// <param name="Absolute">|a − b| at the element that deviates most against its tolerance.</param>
/// <param name="Relative">The same divided by |b|; infinite where b is 0 and a is not.</param>
public sealed record Deviation(string Tensor, double Absolute, double Relative);

/// <summary>
/// Collects what a check computed and compares it with what was recorded, by the rules of the golden cases' README: every expected tensor must
/// be produced with its shape and type; floats pass where |a − b| ≤ atol + rtol·|b| in double precision; an infinity only against the same;
/// NaN never; everything else must be equal. Method <c>formats</c> compares bits.
/// </summary>
public sealed class Comparison(GoldenCase golden)
{
    readonly HashSet<string> produced = new(StringComparer.Ordinal);
    readonly HashSet<string> valuesSeen = new(StringComparer.Ordinal);
    readonly List<string> failures = [];
    readonly bool bits = golden.Method == "formats";
    readonly bool gradientsRecorded = golden.Expect.Names.Any(name => name.StartsWith("grad.", StringComparison.Ordinal));
    double worstShare = -1;

    /// <summary>What went wrong so far, one sentence each.</summary>
    public IReadOnlyList<string> Failures => failures;

    /// <summary>The largest deviation so far, or null before the first comparison of floats.</summary>
    public Deviation? Worst { get; private set; }

    /// <summary>Whether the case recorded this tensor. Results that no case expects need not be computed.</summary>
    public bool Expects(string tensor) => golden.Expect.Contains(tensor);

    /// <summary>Names of the expected tensors.</summary>
    public IReadOnlyCollection<string> Expected => golden.Expect.Names;

    /// <summary>Whether the case has a value of this name.</summary>
    public bool ExpectsValue(string name) => golden.Values is { } values && values.TryGetProperty(name, out _);

    /// <summary>
    /// Hands over a result. One that the case did not record is ignored, except a gradient where gradients were recorded: having one there
    /// is a failure.
    /// </summary>
    /// <param name="name">The name in <c>expect.safetensors</c>.</param>
    /// <param name="tensor">The result, in the publisher's type.</param>
    public void Tensor(string name, HostTensor tensor)
    {
        if (!produced.Add(name))
        {
            Fail($"tensor '{name}' was produced twice");
            return;
        }
        var expected = golden.Expect.TryGet(name);
        if (expected is null)
        {
            if (gradientsRecorded && name.StartsWith("grad.", StringComparison.Ordinal))
                Fail($"'{name}' has a gradient, and should have none");
            return;
        }
        if (tensor.Type != expected.Type)
            Fail($"'{name}' has type {tensor.Type} instead of {expected.Type}");
        else if (!tensor.Shape.AsSpan().SequenceEqual(expected.Shape))
            Fail($"'{name}' has shape [{string.Join(", ", tensor.Shape)}] instead of [{string.Join(", ", expected.Shape)}]");
        else if (bits || !(expected.Type.IsFloating() || expected.Type is ScalarType.ComplexFloat or ScalarType.ComplexDouble))
            CompareExactly(name, tensor, expected);
        else
            CompareFloats(name, tensor, expected);
    }

    /// <summary>Hands over a value.</summary>
    /// <param name="name">The field of <c>values</c>.</param>
    /// <param name="value">Null, a bool, a number, a text, a list of these, a dictionary by text, or JSON.</param>
    public void Value(string name, object? value)
    {
        valuesSeen.Add(name);
        if (golden.Values is not { } values || !values.TryGetProperty(name, out var expected))
            return;
        new ValueComparison(golden.ValuesTolerance, (place, a, b, tolerance) => Within($"values.{place}", a, b, tolerance), Fail).Compare(name, expected, value);
    }

    /// <summary>Takes a value that is an input to the check, not a result; it counts as handled.</summary>
    /// <exception cref="CaseFailedException">The case lacks it.</exception>
    public JsonElement Given(string name)
    {
        valuesSeen.Add(name);
        return golden.Values is { } values && values.TryGetProperty(name, out var value) ? value : throw new CaseFailedException($"the case has no value '{name}'");
    }

    /// <summary>Compares one number by a tolerance of the check's own (statistics, limits that the page states).</summary>
    /// <param name="what">What the number is, for the report.</param>
    /// <param name="actual">Computed.</param>
    /// <param name="expected">Recorded.</param>
    /// <param name="relative">Relative tolerance.</param>
    /// <param name="absolute">Absolute tolerance.</param>
    public void Near(string what, double actual, double expected, double relative, double absolute)
    {
        if (!Within(what, actual, expected, (relative, absolute)))
            Fail(string.Create(CultureInfo.InvariantCulture, $"{what} is {actual:R} instead of {expected:R}"));
    }

    /// <summary>Records a failure unless <paramref name="condition"/> holds.</summary>
    public void Require(bool condition, string reason)
    {
        if (!condition)
            Fail(reason);
    }

    /// <summary>Records a failure; the comparison goes on.</summary>
    public void Fail(string reason) => failures.Add(reason);

    /// <summary>Looks for what is missing: expected tensors and values that no one produced, inputs and configuration no one read.</summary>
    internal void Finish()
    {
        foreach (var field in golden.Config.Unread())
            Fail($"the configuration's field '{field}' is not understood");
        foreach (var input in golden.Inputs.Unread)
            Fail($"the input '{input}' is not understood");
        foreach (var name in golden.Expect.Names.Where(name => !produced.Contains(name)).Order(StringComparer.Ordinal))
            Fail($"tensor '{name}' was not produced");
        if (golden.Values is { } values)
        {
            foreach (var value in values.EnumerateObject().Where(value => !valuesSeen.Contains(value.Name)))
                Fail($"the value '{value.Name}' was not produced");
        }
    }

    void CompareExactly(string name, HostTensor actual, HostTensor expected)
    {
        if (actual.Bytes.AsSpan().SequenceEqual(expected.Bytes))
        {
            Note(name, 0, 0, 0);
            return;
        }
        var size = expected.Type.Size();
        long different = 0, first = -1;
        double largest = 0, relative = 0;
        for (long i = 0; i < expected.Count; i++)
        {
            if (actual.Bytes.AsSpan((int)(i * size), size).SequenceEqual(expected.Bytes.AsSpan((int)(i * size), size)))
                continue;
            if (different++ == 0)
                first = i;
            if (expected.Type is ScalarType.ComplexFloat or ScalarType.ComplexDouble)
                continue;
            var (a, b) = (Elements.At(actual, i), Elements.At(expected, i));
            if (Math.Abs(a - b) > largest)
                (largest, relative) = (Math.Abs(a - b), Math.Abs(a - b) / Math.Abs(b));
        }
        Note(name, largest, relative, double.PositiveInfinity);
        Fail($"'{name}' differs in {different} of {expected.Count} elements, first at {Elements.Place(first, expected.Shape)}{Told(actual, expected, first)}");
    }

    void CompareFloats(string name, HostTensor actual, HostTensor expected)
    {
        var tolerance = golden.ToleranceOf(name);
        var complex = expected.Type is ScalarType.ComplexFloat or ScalarType.ComplexDouble;
        var count = complex ? expected.Count * 2 : expected.Count;
        long wrong = 0, first = -1;
        for (long i = 0; i < count; i++)
        {
            if (!Within(name, Elements.At(actual, i), Elements.At(expected, i), tolerance) && wrong++ == 0)
                first = i;
        }
        if (wrong > 0)
        {
            Fail(string.Create(CultureInfo.InvariantCulture,
                $"'{name}' leaves [rtol {tolerance.Relative:R}, atol {tolerance.Absolute:R}] in {wrong} of {count} elements, ")
                + $"first at {Elements.Place(complex ? first / 2 : first, expected.Shape)}{Told(actual, expected, first)}");
        }
    }

    static string Told(HostTensor actual, HostTensor expected, long at) =>
        string.Create(CultureInfo.InvariantCulture, $": {Elements.At(actual, at):R} instead of {Elements.At(expected, at):R}");

    bool Within(string name, double a, double b, (double Relative, double Absolute) tolerance)
    {
        if (double.IsNaN(a) || double.IsNaN(b))
        {
            Note(name, double.NaN, double.NaN, double.PositiveInfinity);
            return false;
        }
        if (double.IsInfinity(a) || double.IsInfinity(b))
        {
            if (a != b)
                Note(name, double.PositiveInfinity, double.PositiveInfinity, double.PositiveInfinity);
            return a == b;
        }
        var absolute = Math.Abs(a - b);
        var allowed = tolerance.Absolute + (tolerance.Relative * Math.Abs(b));
        Note(name, absolute, absolute == 0 ? 0 : absolute / Math.Abs(b), absolute == 0 ? 0 : absolute / allowed);
        return absolute <= allowed;
    }

    /// <summary>Keeps the deviation that uses most of what it is allowed.</summary>
    void Note(string name, double absolute, double relative, double share)
    {
        if (share <= worstShare)
            return;
        worstShare = share;
        Worst = new Deviation(name, absolute, relative);
    }
}
