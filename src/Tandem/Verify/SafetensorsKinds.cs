using System.Security.Cryptography;
using System.Text.Json;
using Tandem.Models.Formats;

namespace Tandem.Verify;

/// <summary>Kinds <c>read_safetensors</c> and <c>write_safetensors</c> of method <c>formats</c>.</summary>
sealed class SafetensorsKinds : ICaseKind
{
    public string Method => "formats";

    public IReadOnlyList<string> Kinds => ["read_safetensors", "write_safetensors"];

    public void Check(GoldenCase golden, Comparison comparison, string device)
    {
        if (golden.Kind == "read_safetensors")
            Read(golden, comparison);
        else
            Write(golden, comparison);
    }

    static void Read(GoldenCase golden, Comparison comparison)
    {
        golden.Config.WithoutEffect("reader");
        using var file = Safetensors.Open(golden.File(comparison.Given("file").GetString()!));
        var none = comparison.ExpectsValue("metadata") && golden.Values!.Value.GetProperty("metadata").ValueKind == JsonValueKind.Null;
        comparison.Value("metadata", none && file.Metadata.Count == 0 ? null : file.Metadata);
        comparison.Value("header_bytes", file.HeaderBytes - 8);
        var tensors = new Dictionary<string, object?>(StringComparer.Ordinal);
        foreach (var name in file.Names)
        {
            var entry = file.Entry(name);
            var bytes = new byte[entry.Size];
            file.ReadBytes(name, 0, bytes);
            tensors[name] = new Dictionary<string, object?>(StringComparer.Ordinal)
            {
                ["dtype"] = entry.TypeName,
                ["shape"] = entry.Shape,
                ["sha256"] = Convert.ToHexStringLower(SHA256.HashData(bytes)),
            };
            if (comparison.Expects(name))
                comparison.Tensor(name, file.Read(name));
        }
        comparison.Value("tensors", tensors);
    }

    static void Write(GoldenCase golden, Comparison comparison)
    {
        var metadata = golden.Config.Get("metadata") is { ValueKind: JsonValueKind.Object } texts
            ? texts.EnumerateObject().ToDictionary(text => text.Name, text => text.Value.GetString()!, StringComparer.Ordinal)
            : [];
        using var stream = new MemoryStream();
        SafetensorsWriter.Write(stream, [.. golden.Inputs.All().Select(pair => new SafetensorsPart(pair.Key, pair.Value.Type, pair.Value.Shape, () => pair.Value.Bytes))], metadata);
        var expected = File.ReadAllBytes(golden.File(comparison.Given("file").GetString()!));
        comparison.Value("bytes", stream.Length);
        comparison.Value("sha256", Convert.ToHexStringLower(SHA256.HashData(stream.GetBuffer().AsSpan(0, (int)stream.Length))));
        comparison.Require(stream.GetBuffer().AsSpan(0, (int)stream.Length).SequenceEqual(expected), "the bytes differ from the reference writer's");
    }
}
