using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Tandem.Models.Formats;
using Tandem.Torch;

namespace Tandem.Verify;

/// <summary>Kinds <c>npy</c> and <c>write_npy</c> of method <c>formats</c>.</summary>
sealed class NpyKinds : ICaseKind
{
    public string Method => "formats";

    public IReadOnlyList<string> Kinds => ["npy", "write_npy"];

    public void Check(GoldenCase golden, Comparison comparison, string device)
    {
        if (golden.Kind == "npy")
            Read(golden, comparison);
        else
            Write(golden, comparison);
    }

    static void Read(GoldenCase golden, Comparison comparison)
    {
        golden.Config.WithoutEffect("reader");
        var arrays = new Dictionary<string, object?>(StringComparer.Ordinal);
        foreach (var (name, expected) in golden.Values!.Value.GetProperty("arrays").EnumerateObject().Select(array => (array.Name, array.Value)))
        {
            var array = Npy.Read(golden.File(name));
            arrays[name] = new Dictionary<string, object?>(StringComparer.Ordinal)
            {
                ["descr"] = array.Descr,
                ["shape"] = array.Shape,
                ["fortran"] = array.Fortran,
                ["values"] = Values(array, expected.GetProperty("values")),
            };
        }
        comparison.Value("arrays", arrays);
    }

    static void Write(GoldenCase golden, Comparison comparison)
    {
        var hashes = new Dictionary<string, object?>(StringComparer.Ordinal);
        foreach (var (name, tensor) in golden.Inputs.All())
        {
            using var stream = new MemoryStream();
            Npy.Write(stream, tensor);
            hashes[name + ".npy"] = Convert.ToHexStringLower(SHA256.HashData(stream.ToArray()));
        }
        comparison.Value("files", hashes);
    }

    /// <summary>The elements as the case writes them. Floats are texts there: ours takes the text over where it parses to the same bits.</summary>
    static List<object?> Values(NpyArray array, JsonElement expected)
    {
        var item = array.Shape.Contains(0) ? 1 : array.Bytes.Length / (int)array.Shape.Aggregate(1L, (product, size) => product * size);
        List<object?> values = [];
        for (var i = 0; i * item < array.Bytes.Length; i++)
        {
            var bytes = array.Bytes.AsSpan(i * item, item);
            var told = i < expected.GetArrayLength() ? expected[i] : default;
            values.Add(array.Descr[1] switch
            {
                'S' => Convert.ToHexStringLower(bytes.TrimEnd((byte)0)),
                'U' => Encoding.UTF32.GetString(bytes).TrimEnd('\0'),
                'u' when item == 2 => BinaryPrimitives.ReadUInt16LittleEndian(bytes),
                'u' when item == 4 => BinaryPrimitives.ReadUInt32LittleEndian(bytes),
                'u' when item == 8 => BinaryPrimitives.ReadUInt64LittleEndian(bytes),
                'c' => new[] { Float(array.ToTensor(), 2 * i, Part(told, 0)), Float(array.ToTensor(), (2 * i) + 1, Part(told, 1)) },
                'f' => Float(array.ToTensor(), i, told),
                'b' => bytes[0] != 0,
                _ => (long)Elements.At(array.ToTensor(), i),
            });
        }
        return values;
    }

    static JsonElement Part(JsonElement pair, int part) => pair.ValueKind == JsonValueKind.Array ? pair[part] : pair;

    static string Float(HostTensor tensor, int i, JsonElement told)
    {
        var value = Elements.At(tensor, i);
        var same = told.ValueKind == JsonValueKind.String && double.TryParse(told.GetString(), NumberStyles.Float, CultureInfo.InvariantCulture, out var number)
            && BitConverter.DoubleToInt64Bits(number) == BitConverter.DoubleToInt64Bits(value);
        return same ? told.GetString()! : value.ToString("R", CultureInfo.InvariantCulture);
    }
}
