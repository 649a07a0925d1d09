using System.Runtime.InteropServices;
using Tandem.Torch;

namespace Tandem.Verify;

/// <summary>Single elements of tensors in double precision. Complex tensors count their real and imaginary parts as elements.</summary>
static class Elements
{
    public static double At(HostTensor tensor, long index)
    {
        var bytes = tensor.Bytes.AsSpan();
        var i = (int)index;
        return tensor.Type switch
        {
            ScalarType.Float or ScalarType.ComplexFloat => MemoryMarshal.Cast<byte, float>(bytes)[i],
            ScalarType.Double or ScalarType.ComplexDouble => MemoryMarshal.Cast<byte, double>(bytes)[i],
            ScalarType.Half => (double)MemoryMarshal.Cast<byte, Half>(bytes)[i],
            ScalarType.BFloat16 => BitConverter.UInt32BitsToSingle((uint)MemoryMarshal.Cast<byte, ushort>(bytes)[i] << 16),
            ScalarType.Long => MemoryMarshal.Cast<byte, long>(bytes)[i],
            ScalarType.Int => MemoryMarshal.Cast<byte, int>(bytes)[i],
            ScalarType.Short => MemoryMarshal.Cast<byte, short>(bytes)[i],
            ScalarType.Char => (sbyte)bytes[i],
            _ => bytes[i],
        };
    }

    /// <summary>An element's place in words: <c>[1, 0, 3]</c>.</summary>
    public static string Place(long index, IReadOnlyList<long> shape)
    {
        var place = new long[shape.Count];
        for (var axis = shape.Count - 1; axis >= 0; axis--)
            (index, place[axis]) = Math.DivRem(index, Math.Max(1, shape[axis]));
        return $"[{string.Join(", ", place)}]";
    }
}
