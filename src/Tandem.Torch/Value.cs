using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Tandem.Torch;

/// <summary>One argument or result of an operator, as the shim sees it (TdValue in native/tandem.h).</summary>
[StructLayout(LayoutKind.Sequential)]
unsafe struct Value
{
    public const int None = 0, TensorTag = 1, Int = 2, Double = 3, Bool = 4, Ints = 5, Tensors = 6, Doubles = 7, TextTag = 8, DeviceTag = 9, OptionalTensors = 11;

    public int Tag;
    int reserved;
    public long A;
    public long B;

    public static Value Of(Tensor? tensor) => tensor is null ? default : new Value { Tag = TensorTag, A = tensor.Handle };
    public static Value Of(long value) => new() { Tag = Int, A = value };
    public static Value Of(long? value) => value is { } v ? Of(v) : default;
    public static Value Of(double value) => new() { Tag = Double, A = BitConverter.DoubleToInt64Bits(value) };
    public static Value Of(bool value) => new() { Tag = Bool, A = value ? 1 : 0 };
    public static Value Of(Scalar value) => value.IsInteger ? Of(value.Integer) : Of(value.Number);
    public static Value Of(Scalar? value) => value is { } v ? Of(v) : default;
    public static Value Of(Device device) => new() { Tag = DeviceTag, A = (long)device.Kind, B = device.Index };
    public static Value Of(Device? device) => device is { } d ? Of(d) : default;
    public static Value Of(long* values, int count) => new() { Tag = Ints, A = (long)values, B = count };
    public static Value Of(double* values, int count) => new() { Tag = Doubles, A = (long)values, B = count };

    /// <summary>A list of one number, kept in memory of the caller's stack.</summary>
    public static Value Of(long value, Span<long> stack)
    {
        stack[0] = value;
        return Of((long*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(stack)), 1);
    }

    /// <summary>A constant text.</summary>
    public static Value Text(ReadOnlySpan<byte> literal) =>
        new() { Tag = TextTag, A = (long)Unsafe.AsPointer(ref MemoryMarshal.GetReference(literal)), B = literal.Length };

    public static Value Of(ReadOnlySpan<Tensor> tensors, long* handles)
    {
        for (var i = 0; i < tensors.Length; i++)
            handles[i] = tensors[i].Handle;
        return new Value { Tag = Tensors, A = (long)handles, B = tensors.Length };
    }

    public static Value OfOptional(ReadOnlySpan<Tensor?> tensors, long* handles)
    {
        for (var i = 0; i < tensors.Length; i++)
            handles[i] = tensors[i]?.Handle ?? 0;
        return new Value { Tag = OptionalTensors, A = (long)handles, B = tensors.Length };
    }
}

/// <summary>A number that keeps whether it is whole, because libtorch's type promotion asks.</summary>
[StructLayout(LayoutKind.Auto)]
public readonly struct Scalar
{
    readonly long integer;
    readonly double number;

    Scalar(long integer, double number, bool isInteger)
    {
        this.integer = integer;
        this.number = number;
        IsInteger = isInteger;
    }

    /// <summary>Whether the number is a whole one by type.</summary>
    public bool IsInteger { get; }

    /// <summary>The whole number (truncated, if it is not one).</summary>
    public long Integer => IsInteger ? integer : (long)number;

    /// <summary>The number.</summary>
    public double Number => IsInteger ? integer : number;

    /// <summary>A floating-point number.</summary>
    public static implicit operator Scalar(double value) => new(0, value, isInteger: false);

    /// <summary>A whole number.</summary>
    public static implicit operator Scalar(long value) => new(value, 0, isInteger: true);

    /// <summary>A whole number.</summary>
    public static implicit operator Scalar(int value) => new(value, 0, isInteger: true);
}
