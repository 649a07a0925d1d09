using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using Tandem.Data;

namespace Tandem.Models.Formats;

/// <summary>Reads and checks the header of a safetensors file, in the order of the reference reader's checks.</summary>
static class SafetensorsHeader
{
    public const long Limit = 100_000_000;
    const int DepthLimit = 64;

    sealed class RawEntry(string name)
    {
        public readonly string Name = name;
        public string? Type;
        public List<ulong>? Shape;
        public List<ulong>? Offsets;
    }

    /// <summary>Reads the header; afterwards the entries cover the data from its first to its last byte.</summary>
    /// <param name="file">The file, at any position.</param>
    /// <param name="path">For error texts.</param>
    public static (List<SafetensorsEntry> Entries, Dictionary<string, string> Metadata, long DataStart) Read(Stream file, string path)
    {
        var length = file.Length;
        if (length < 8)
            throw FileFault.Truncated.Error($"{length} bytes are too few for a safetensors file", path, "at least 8 bytes");
        var first = new byte[8];
        file.Position = 0;
        file.ReadExactly(first);
        var size = BinaryPrimitives.ReadUInt64LittleEndian(first);
        if (size > Limit)
            throw FileFault.TooLarge.Error($"the header announces {size} bytes{Disguise(first)}", path, $"at most {Limit} bytes", "Check what the file is; if it is a pointer or a page, download the file itself.");
        if (8 + (long)size > length)
            throw FileFault.Truncated.Error($"the header announces {size} bytes, the file has {length - 8} more{Disguise(first)}", path, $"at least {8 + (long)size} bytes");

        var json = new byte[size];
        file.ReadExactly(json);
        if (!Utf8.IsValid(json))
            throw FileFault.Inconsistent.Error("the header is not UTF-8", path);
        if (json.AsSpan().StartsWith("\uFEFF"u8))
            throw FileFault.Inconsistent.Error("the header begins with a byte order mark", path);
        List<RawEntry> raw = [];
        Dictionary<string, string> metadata = new(StringComparer.Ordinal);
        try
        {
            Parse(json, path, raw, metadata);
        }
        catch (Exception cause) when (cause is JsonException or InvalidOperationException)
        {
            throw FileFault.Inconsistent.Error($"the header is not valid JSON: {cause.Message}", path, "one JSON object", inner: cause);
        }
        return (Check(raw, path, 8 + (long)size, length), metadata, 8 + (long)size);
    }

    static void Parse(ReadOnlySpan<byte> json, string path, List<RawEntry> entries, Dictionary<string, string> metadata)
    {
        // The reader's own depth limit gives no error of its own kind, so it stands one above ours.
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = DepthLimit + 1, AllowTrailingCommas = false, CommentHandling = JsonCommentHandling.Disallow });
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
            throw FileFault.Inconsistent.Error("the header is no JSON object", path);
        HashSet<string> seen = new(StringComparer.Ordinal);
        while (Next(ref reader, path) != JsonTokenType.EndObject)
        {
            var name = reader.GetString()!;
            if (!seen.Add(name))
                throw FileFault.Inconsistent.Error($"the header names '{name}' twice", path);
            Next(ref reader, path);
            if (name == "__metadata__")
                ReadMetadata(ref reader, path, metadata);
            else
                entries.Add(ReadEntry(ref reader, path, name));
        }
        if (reader.Read())
            throw FileFault.Inconsistent.Error("the header goes on after its JSON object", path);
    }

    static void ReadMetadata(ref Utf8JsonReader reader, string path, Dictionary<string, string> metadata)
    {
        if (reader.TokenType == JsonTokenType.Null)
            return;
        if (reader.TokenType != JsonTokenType.StartObject)
            throw FileFault.Inconsistent.Error("__metadata__ is no object", path, "an object of texts");
        while (Next(ref reader, path) != JsonTokenType.EndObject)
        {
            var key = reader.GetString()!;
            if (Next(ref reader, path) != JsonTokenType.String)
                throw FileFault.Inconsistent.Error($"__metadata__ '{key}' is no text", path, "an object of texts");
            if (!metadata.TryAdd(key, reader.GetString()!))
                throw FileFault.Inconsistent.Error($"__metadata__ names '{key}' twice", path);
        }
    }

    static RawEntry ReadEntry(ref Utf8JsonReader reader, string path, string name)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
            throw FileFault.Inconsistent.Error($"the entry of tensor '{name}' is no object", path);
        var entry = new RawEntry(name);
        while (Next(ref reader, path) != JsonTokenType.EndObject)
        {
            var field = reader.GetString()!;
            Next(ref reader, path);
            var twice = field switch { "dtype" => entry.Type is not null, "shape" => entry.Shape is not null, "data_offsets" => entry.Offsets is not null, _ => false };
            if (twice)
                throw FileFault.Inconsistent.Error($"tensor '{name}' has two fields '{field}'", path);
            if (field == "dtype")
                entry.Type = reader.TokenType == JsonTokenType.String ? reader.GetString() : throw FileFault.Inconsistent.Error($"the dtype of tensor '{name}' is no text", path);
            else if (field == "shape")
                entry.Shape = ReadIntegers(ref reader, path, name, field);
            else if (field == "data_offsets")
                entry.Offsets = ReadIntegers(ref reader, path, name, field);
            else
                Skip(ref reader, path);
        }
        if (entry.Type is null || entry.Shape is null || entry.Offsets is null)
            throw FileFault.Inconsistent.Error($"tensor '{name}' lacks {(entry.Type is null ? "dtype" : entry.Shape is null ? "shape" : "data_offsets")}", path);
        if (entry.Offsets.Count != 2)
            throw FileFault.Inconsistent.Error($"tensor '{name}' has {entry.Offsets.Count} offsets", path, "two: begin and end");
        return entry;
    }

    static List<ulong> ReadIntegers(ref Utf8JsonReader reader, string path, string name, string field)
    {
        if (reader.TokenType != JsonTokenType.StartArray)
            throw FileFault.Inconsistent.Error($"{field} of tensor '{name}' is no list", path);
        List<ulong> integers = [];
        while (Next(ref reader, path) != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.Number || !reader.TryGetUInt64(out var integer))
                throw FileFault.Inconsistent.Error($"{field} of tensor '{name}' holds something else than whole numbers from 0 on", path);
            integers.Add(integer);
        }
        return integers;
    }

    static void Skip(ref Utf8JsonReader reader, string path)
    {
        var depth = reader.CurrentDepth;
        if (reader.TokenType is not (JsonTokenType.StartObject or JsonTokenType.StartArray))
        {
            if (reader.TokenType == JsonTokenType.String)
                _ = reader.GetString();
            return;
        }
        do
        {
            // Texts are decoded although nobody reads them: a lone surrogate is an error wherever it stands.
            if (Next(ref reader, path) is JsonTokenType.String or JsonTokenType.PropertyName)
                _ = reader.GetString();
        }
        while (reader.CurrentDepth > depth);
    }

    static JsonTokenType Next(ref Utf8JsonReader reader, string path)
    {
        if (!reader.Read())
            throw FileFault.Inconsistent.Error("the header's JSON ends early", path);
        if (reader.TokenType is JsonTokenType.StartObject or JsonTokenType.StartArray && reader.CurrentDepth >= DepthLimit)
            throw FileFault.TooLarge.Error($"the header's JSON is nested deeper than {DepthLimit} levels", path, $"at most {DepthLimit}", "Do not use this file.");
        return reader.TokenType;
    }

    static List<SafetensorsEntry> Check(List<RawEntry> raw, string path, long dataStart, long length)
    {
        foreach (var entry in raw)
        {
            if (SafetensorsTypes.Bits(entry.Type!) is null)
                throw FileFault.Unsupported.Error($"tensor '{entry.Name}' has the unknown type '{entry.Type}'", path, remedy: "Convert it with the program that wrote it.");
        }
        raw.Sort((a, b) => a.Offsets![0] != b.Offsets![0] ? a.Offsets[0].CompareTo(b.Offsets[0]) : a.Offsets[1].CompareTo(b.Offsets[1]));
        ulong end = 0;
        foreach (var entry in raw)
        {
            if (entry.Offsets![0] != end || entry.Offsets[1] < entry.Offsets[0])
            {
                throw FileFault.Inconsistent.Error(
                    $"tensor '{entry.Name}' stands at bytes {entry.Offsets[0]} to {entry.Offsets[1]}", path, $"a begin at {end}, where the tensor before ends: no gap, no overlap");
            }
            end = entry.Offsets[1];
        }
        List<SafetensorsEntry> entries = [];
        foreach (var entry in raw)
        {
            ulong bits = 1;
            foreach (var factor in entry.Shape!.Append((ulong)SafetensorsTypes.Bits(entry.Type!)!.Value))
            {
                if (factor != 0 && bits > ulong.MaxValue / factor)
                    throw FileFault.TooLarge.Error($"the shape [{string.Join(", ", entry.Shape!)}] of tensor '{entry.Name}' overflows", path, "at most 2^64 bits");
                bits *= factor;
            }
            var announced = entry.Offsets![1] - entry.Offsets[0];
            if (bits % 8 != 0 || bits / 8 != announced)
            {
                throw FileFault.Inconsistent.Error($"tensor '{entry.Name}' has {announced} bytes", path,
                    string.Create(CultureInfo.InvariantCulture, $"{bits / 8.0} for {entry.Type} [{string.Join(", ", entry.Shape!)}]"));
            }
        }
        // In 64 bits without a wrap: end may be anything up to 2^64 − 1.
        var present = (ulong)(length - dataStart);
        if (present < end)
            throw FileFault.Truncated.Error($"the tensors need {end} bytes, the file has {present}", path, $"{end} bytes after the header");
        if (present > end)
            throw FileFault.Inconsistent.Error($"the file has {present} bytes after the header, its tensors {end}", path, $"{end} bytes");
        foreach (var entry in raw)
        {
            if (entry.Shape!.Any(dimension => dimension > long.MaxValue))
                throw FileFault.TooLarge.Error($"the shape of the empty tensor '{entry.Name}' has a dimension beyond 2^63", path);
            entries.Add(new SafetensorsEntry(entry.Name, entry.Type!, [.. entry.Shape!.Select(dimension => (long)dimension)], (long)entry.Offsets![0], (long)entry.Offsets[1]));
        }
        return entries;
    }

    /// <summary>What a file under this name often is instead, told by its first bytes.</summary>
    static string Disguise(ReadOnlySpan<byte> first)
    {
        var text = Encoding.Latin1.GetString(first);
        return text.StartsWith("version ", StringComparison.Ordinal) ? " (this is a Git LFS pointer, not the file itself)"
            : text.StartsWith('<') ? " (this looks like a web page)"
            : text.StartsWith("PK\u0003\u0004", StringComparison.Ordinal) ? " (this is a zip file: a PyTorch checkpoint?)"
            : "";
    }
}
