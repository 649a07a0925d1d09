namespace Tandem.Torch;

/// <summary>Types of a tensor's elements; the values are libtorch's.</summary>
public enum ScalarType : sbyte
{
    /// <summary>Unsigned 8 bits.</summary>
    Byte = 0,
    /// <summary>Signed 8 bits.</summary>
    Char = 1,
    /// <summary>Signed 16 bits.</summary>
    Short = 2,
    /// <summary>Signed 32 bits.</summary>
    Int = 3,
    /// <summary>Signed 64 bits.</summary>
    Long = 4,
    /// <summary>IEEE half, 16 bits.</summary>
    Half = 5,
    /// <summary>IEEE single, 32 bits.</summary>
    Float = 6,
    /// <summary>IEEE double, 64 bits.</summary>
    Double = 7,
    /// <summary>Two floats.</summary>
    ComplexFloat = 9,
    /// <summary>Two doubles.</summary>
    ComplexDouble = 10,
    /// <summary>One byte, 0 or 1.</summary>
    Bool = 11,
    /// <summary>Brain float, 16 bits: a float32 without its lower half.</summary>
    BFloat16 = 15,
}

/// <summary>Facts about element types.</summary>
public static class ScalarTypes
{
    /// <summary>Bytes of one element.</summary>
    public static int Size(this ScalarType type) => type switch
    {
        ScalarType.Byte or ScalarType.Char or ScalarType.Bool => 1,
        ScalarType.Short or ScalarType.Half or ScalarType.BFloat16 => 2,
        ScalarType.Int or ScalarType.Float => 4,
        ScalarType.Long or ScalarType.Double or ScalarType.ComplexFloat => 8,
        ScalarType.ComplexDouble => 16,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "no such element type"),
    };

    /// <summary>Whether the type is a floating-point one (complex types are not).</summary>
    public static bool IsFloating(this ScalarType type) =>
        type is ScalarType.Half or ScalarType.BFloat16 or ScalarType.Float or ScalarType.Double;
}
