namespace Tandem.Torch;

/// <summary>
/// An operator of libtorch's dispatcher, looked up at its first call. Its one call is the place where a <see cref="Recorder"/> listens.
/// </summary>
sealed unsafe class Operator(string schema)
{
    long handle;

    /// <summary>Namespace, name and overload: "aten::add.Tensor".</summary>
    public string Name { get; } = schema[..schema.IndexOf('(', StringComparison.Ordinal)];

    /// <summary>Compares this operator's schema with the library's, without calling it.</summary>
    /// <exception cref="TorchException">The library has no such operator.</exception>
    public void Resolve()
    {
        if (handle == 0)
            Native.Check(Native.FindOperator(schema, out handle), Name);
    }

    public static Tensor One(Operator op, Value* arguments, int count)
    {
        Value result;
        op.Call(arguments, count, &result, 1);
        return new Tensor(result.A, op.Name);
    }

    public static (Tensor, Tensor) Two(Operator op, Value* arguments, int count)
    {
        Value* results = stackalloc Value[2];
        op.Call(arguments, count, results, 2);
        return (new Tensor(results[0].A, op.Name), new Tensor(results[1].A, op.Name));
    }

    public static Tensor[] Many(Operator op, Value* arguments, int count)
    {
        Value result;
        op.Call(arguments, count, &result, 1);
        var handles = (long*)result.A;
        var tensors = new Tensor[result.B];
        for (var i = 0; i < tensors.Length; i++)
            tensors[i] = new Tensor(handles[i], op.Name);
        Native.FreeHandles(result.A);
        return tensors;
    }

    public static void None(Operator op, Value* arguments, int count)
    {
        Value result;
        op.Call(arguments, count, &result, 1);
    }

    public static Scalar Number(Operator op, Value* arguments, int count)
    {
        Value result;
        op.Call(arguments, count, &result, 1);
        return result.Tag switch
        {
            Value.Int or Value.Bool => result.A,
            Value.Double => BitConverter.Int64BitsToDouble(result.A),
            _ => throw new InvalidOperationException($"{op.Name} gave no number"),
        };
    }

    void Call(Value* arguments, int count, Value* results, int capacity)
    {
        Resolve();
        int produced;
        var clock = NativeClock.Current;
        var started = clock is null ? 0 : System.Diagnostics.Stopwatch.GetTimestamp();
        var status = Native.Call(handle, arguments, count, results, capacity, &produced);
        clock?.Add(Name, started);
        Native.Check(status, Name);
        Recorder.Current?.Record(Name, arguments, results);
    }
}
