using Tandem.Layers;

namespace Tandem.Bench;

/// <summary>Something whose training step is measured.</summary>
abstract class Row(string name, int batch, double operationsOfASample) : IDisposable
{
    public string Name => name;

    /// <summary>Samples of a step.</summary>
    public int Batch => batch;

    /// <summary>Useful floating-point operations of a sample.</summary>
    public double OperationsOfASample => operationsOfASample;

    /// <summary>One whole step; gives the loss.</summary>
    public abstract double Step();

    public abstract void Dispose();

    /// <summary>The rows by name.</summary>
    public static IReadOnlyDictionary<string, Func<Precision, Row>> All { get; } = new SortedDictionary<string, Func<Precision, Row>>(StringComparer.Ordinal)
    {
        ["audio-small"] = precision => new AudioRow("audio-small", AudioShape.Small, precision),
        ["image-base"] = precision => new ImageRow("image-base", ImageShape.Base, precision),
        ["image-small"] = precision => new ImageRow("image-small", ImageShape.Small, precision),
        ["text-small"] = precision => new TextRow("text-small", TextShape.Small, precision),
    };
}
