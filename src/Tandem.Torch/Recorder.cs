namespace Tandem.Torch;

/// <summary>
/// Listens to every operator called from C# on this thread while it is active: counts calls and the multiply-adds of matrix products,
/// convolutions and attention (nothing else counts; gradients run inside libtorch and are not seen).
/// </summary>
public sealed unsafe class Recorder : IDisposable
{
    [ThreadStatic]
    static Recorder? current;

    readonly Recorder? outer;
    readonly Dictionary<string, long> calls = new(StringComparer.Ordinal);

    /// <summary>Begins to listen on this thread.</summary>
    public Recorder()
    {
        outer = current;
        current = this;
    }

    /// <summary>The active recorder of this thread.</summary>
    internal static Recorder? Current => current;

    /// <summary>Multiply-adds so far.</summary>
    public long MultiplyAdds { get; private set; }

    /// <summary>Calls so far, by operator.</summary>
    public IReadOnlyDictionary<string, long> Calls => calls;

    /// <summary>Ends listening.</summary>
    public void Dispose() => current = outer;

    internal void Record(string name, Value* arguments, Value* results)
    {
        calls[name] = calls.GetValueOrDefault(name) + 1;
        MultiplyAdds += name switch
        {
            "tandem::linear" => Shape(arguments[0]).Elements * First(arguments[1]),
            "tandem::mlp" => Shape(arguments[0]).Elements * First(arguments[1]) + Shape(results[0]).Elements * First(arguments[1]),
            "aten::matmul" or "aten::mm" or "aten::bmm" => Last(arguments[0]) * Shape(results[0]).Elements,
            "aten::conv1d" or "aten::conv2d" or "tandem::conv_rows" or "tandem::conv_frames" => Kernel(arguments[1]) * Shape(results[0]).Elements,
            "tandem::attention" => Attention(arguments),
            _ => 0,
        };
        outer?.Record(name, arguments, results);
    }

    static TensorInfo Shape(Value value)
    {
        TensorInfo info;
        Native.Check(Native.Info(value.A, &info), "reading a shape");
        return info;
    }

    static long First(Value value)
    {
        var info = Shape(value);
        return info.Sizes[0];
    }

    static long Last(Value value)
    {
        var info = Shape(value);
        return info.Sizes[info.Dims - 1];
    }

    // Elements of one output channel's kernel.
    static long Kernel(Value weight)
    {
        var info = Shape(weight);
        return info.Elements / info.Sizes[0];
    }

    // q·k and p·v: 2 · queries · keys · width for each sample.
    static long Attention(Value* arguments)
    {
        var q = Shape(arguments[0]);
        if (arguments[1].Tag == Value.None)
            return 2 * q.Sizes[0] * q.Sizes[1] * q.Sizes[1] * (q.Sizes[2] / 3);
        var kv = Shape(arguments[1]);
        return 2 * q.Sizes[0] * q.Sizes[1] * kv.Sizes[1] * q.Sizes[2];
    }
}
