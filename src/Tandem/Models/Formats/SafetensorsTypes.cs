using Tandem.Torch;

namespace Tandem.Models.Formats;

/// <summary>One tensor of a safetensors file: what the header says of it.</summary>
/// <param name="Name">The tensor's name.</param>
/// <param name="TypeName">The type as written: <c>F32</c>, <c>F8_E4M3</c>.</param>
/// <param name="Shape">Sizes, outermost first; empty for a scalar.</param>
/// <param name="Begin">First byte, counted from the end of the header.</param>
/// <param name="End">One past the last byte.</param>
public sealed record SafetensorsEntry(string Name, string TypeName, IReadOnlyList<long> Shape, long Begin, long End)
{
    /// <summary>The element type, or null where libtorch has none (the tensor can be listed but not loaded).</summary>
    public ScalarType? Type => SafetensorsTypes.Loadable(TypeName);

    /// <summary>Bytes of the tensor.</summary>
    public long Size => End - Begin;
}

/// <summary>Element types of safetensors, in the order in which the reference writer sorts tensors (commit 24b0b28, <c>Dtype</c> from wide to narrow).</summary>
static class SafetensorsTypes
{
    static readonly (string Name, int Bits, ScalarType? Type)[] All =
    [
        ("U64", 64, null), ("I64", 64, ScalarType.Long), ("F64", 64, ScalarType.Double), ("C64", 64, ScalarType.ComplexFloat),
        ("F32", 32, ScalarType.Float), ("U32", 32, null), ("I32", 32, ScalarType.Int),
        ("BF16", 16, ScalarType.BFloat16), ("F16", 16, ScalarType.Half), ("U16", 16, null), ("I16", 16, ScalarType.Short),
        ("F8_E5M2FNUZ", 8, null), ("F8_E4M3FNUZ", 8, null), ("F8_E8M0", 8, null), ("F8_E4M3", 8, null), ("F8_E5M2", 8, null),
        ("I8", 8, ScalarType.Char), ("U8", 8, ScalarType.Byte), ("F6_E3M2", 6, null), ("F6_E2M3", 6, null), ("F4", 4, null), ("BOOL", 8, ScalarType.Bool),
    ];

    static readonly Dictionary<string, int> Places = All.Select((entry, place) => (entry.Name, place)).ToDictionary(pair => pair.Name, pair => pair.place);

    public static int? Bits(string name) => Places.TryGetValue(name, out var place) ? All[place].Bits : null;

    public static ScalarType? Loadable(string name) => Places.TryGetValue(name, out var place) ? All[place].Type : null;

    /// <summary>The type's name and its place in the writer's order, or null for a type that safetensors lacks.</summary>
    public static (string Name, int Place)? Of(ScalarType type)
    {
        var place = Array.FindIndex(All, entry => entry.Type == type);
        return place < 0 ? null : (All[place].Name, place);
    }
}
