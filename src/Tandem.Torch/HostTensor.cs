using System.Runtime.InteropServices;

namespace Tandem.Torch;

/// <summary>A tensor in managed memory: what files hold and what data loaders hand over. Row-major, never a view.</summary>
public sealed class HostTensor
{
    /// <summary>Takes the bytes as they are; nothing is copied.</summary>
    /// <exception cref="ArgumentException">The number of bytes does not fit shape and type.</exception>
    public HostTensor(ScalarType type, long[] shape, byte[] bytes)
    {
        if (bytes.LongLength != Elements(shape) * type.Size())
            throw new ArgumentException($"a {type} tensor of shape [{string.Join(", ", shape)}] has {Elements(shape) * type.Size()} bytes, not {bytes.LongLength}", nameof(bytes));
        Type = type;
        Shape = shape;
        Bytes = bytes;
    }

    /// <summary>Type of the elements.</summary>
    public ScalarType Type { get; }

    /// <summary>Sizes, outermost first; empty for a scalar.</summary>
    public long[] Shape { get; }

    /// <summary>The elements, little-endian.</summary>
    public byte[] Bytes { get; }

    /// <summary>Number of elements.</summary>
    public long Count => Elements(Shape);

    /// <summary>The elements as <typeparamref name="T"/>, without a copy; the sizes must agree.</summary>
    /// <exception cref="InvalidOperationException"><typeparamref name="T"/> has another size than an element.</exception>
    public Span<T> As<T>() where T : unmanaged
    {
        if (Marshal.SizeOf<T>() != Type.Size() && !(typeof(T) == typeof(bool) && Type.Size() == 1))
            throw new InvalidOperationException($"elements of type {Type} cannot be read as {typeof(T).Name}");
        return MemoryMarshal.Cast<byte, T>(Bytes.AsSpan());
    }

    /// <summary>Copies <paramref name="values"/> into a tensor of the given shape.</summary>
    public static HostTensor From<T>(ReadOnlySpan<T> values, params long[] shape) where T : unmanaged
        => new(TypeOf<T>(), shape, MemoryMarshal.AsBytes(values).ToArray());

    static long Elements(long[] shape)
    {
        long count = 1;
        foreach (var size in shape)
            count = checked(count * size);
        return count;
    }

    /// <summary>The element type that holds a managed type.</summary>
    /// <exception cref="NotSupportedException">There is none.</exception>
    public static ScalarType TypeOf<T>() where T : unmanaged =>
        typeof(T) == typeof(float) ? ScalarType.Float
        : typeof(T) == typeof(double) ? ScalarType.Double
        : typeof(T) == typeof(byte) ? ScalarType.Byte
        : typeof(T) == typeof(sbyte) ? ScalarType.Char
        : typeof(T) == typeof(short) ? ScalarType.Short
        : typeof(T) == typeof(int) ? ScalarType.Int
        : typeof(T) == typeof(long) ? ScalarType.Long
        : typeof(T) == typeof(Half) ? ScalarType.Half
        : typeof(T) == typeof(bool) ? ScalarType.Bool
        : throw new NotSupportedException($"no tensor holds elements of {typeof(T).Name}");
}
