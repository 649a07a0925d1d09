using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using Tandem.Torch;

namespace Tandem.Models.Formats;

/// <summary>A tensor to be written; its bytes are asked for when their turn comes, so that no more than one need be in managed memory.</summary>
/// <param name="Name">Any text.</param>
/// <param name="Type">Type of the elements.</param>
/// <param name="Shape">Sizes, outermost first.</param>
/// <param name="Bytes">Gives the elements, row-major and little-endian.</param>
public sealed record SafetensorsPart(string Name, ScalarType Type, IReadOnlyList<long> Shape, Func<ReadOnlyMemory<byte>> Bytes);

/// <summary>Writes safetensors files byte for byte as the reference writer does (commit 24b0b28).</summary>
public static class SafetensorsWriter
{
    /// <summary>Writes a file: beside, flushed, renamed.</summary>
    /// <param name="path">Where it shall stand.</param>
    /// <param name="parts">The tensors, in any order.</param>
    /// <param name="metadata">Free texts; <c>{"format": "pt"}</c> when null, because other loaders ask for it. An empty dictionary leaves them out.</param>
    /// <exception cref="TandemException">The disk is full or refuses (<see cref="ErrorKind.Machine"/>).</exception>
    /// <exception cref="ArgumentException">Two tensors have one name, a type that safetensors lacks, or other bytes than their shape says.</exception>
    public static void Write(string path, IReadOnlyCollection<SafetensorsPart> parts, IReadOnlyDictionary<string, string>? metadata = null)
        => AtomicFile.Write(path, stream => Write(stream, parts, metadata));

    /// <summary>Writes the same bytes into a stream.</summary>
    /// <inheritdoc cref="Write(string, IReadOnlyCollection{SafetensorsPart}, IReadOnlyDictionary{string, string})"/>
    public static void Write(Stream stream, IReadOnlyCollection<SafetensorsPart> parts, IReadOnlyDictionary<string, string>? metadata = null)
    {
        var sorted = parts
            .Select(part => (Part: part, Type: TypeOf(part), Key: Encoding.UTF8.GetBytes(part.Name)))
            .OrderBy(item => item.Type.Place)
            .ThenBy(item => item.Key, Comparer<byte[]>.Create((a, b) => a.AsSpan().SequenceCompareTo(b)))
            .ToList();
        HashSet<string> names = new(StringComparer.Ordinal);
        var header = new StringBuilder("{");
        AppendMetadata(header, metadata ?? new Dictionary<string, string>(StringComparer.Ordinal) { ["format"] = "pt" });
        long begin = 0;
        foreach (var (part, type, _) in sorted)
        {
            if (!names.Add(part.Name) || part.Name == "__metadata__")
                throw new ArgumentException($"two tensors cannot both be named '{part.Name}'", nameof(parts));
            var end = begin + Size(part);
            header.Append(header.Length > 1 ? "," : "");
            AppendText(header, part.Name);
            header.Append(CultureInfo.InvariantCulture, $":{{\"dtype\":\"{type.Name}\",\"shape\":[{string.Join(',', part.Shape)}],\"data_offsets\":[{begin},{end}]}}");
            begin = end;
        }
        header.Append('}');
        var bytes = Encoding.UTF8.GetBytes(header.ToString());
        var padded = (bytes.Length + 7) / 8 * 8;
        Span<byte> length = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(length, (ulong)padded);
        stream.Write(length);
        stream.Write(bytes);
        for (var i = bytes.Length; i < padded; i++)
            stream.WriteByte((byte)' ');
        foreach (var (part, _, _) in sorted)
        {
            var data = part.Bytes();
            if (data.Length != Size(part))
                throw new ArgumentException($"tensor '{part.Name}' gave {data.Length} bytes instead of {Size(part)}", nameof(parts));
            stream.Write(data.Span);
        }
    }

    static (string Name, int Place) TypeOf(SafetensorsPart part) =>
        SafetensorsTypes.Of(part.Type) ?? throw new ArgumentException($"safetensors cannot hold {part.Type} (tensor '{part.Name}')", nameof(part));

    static long Size(SafetensorsPart part) => part.Shape.Aggregate((long)part.Type.Size(), (product, dimension) => checked(product * dimension));

    static void AppendMetadata(StringBuilder header, IReadOnlyDictionary<string, string> metadata)
    {
        if (metadata.Count == 0)
            return;
        header.Append("\"__metadata__\":{");
        var first = true;
        // The reference leaves the order of several entries open; sorted, so that the same model gives the same bytes.
        foreach (var (key, value) in metadata.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            header.Append(first ? "" : ",");
            AppendText(header, key);
            header.Append(':');
            AppendText(header, value);
            first = false;
        }
        header.Append('}');
    }

    /// <summary>A JSON text as serde writes it, which escapes less than System.Text.Json.</summary>
    static void AppendText(StringBuilder to, string text)
    {
        to.Append('"');
        foreach (var letter in text)
        {
            _ = letter switch
            {
                '"' => to.Append("\\\""),
                '\\' => to.Append("\\\\"),
                '\b' => to.Append("\\b"),
                '\t' => to.Append("\\t"),
                '\n' => to.Append("\\n"),
                '\f' => to.Append("\\f"),
                '\r' => to.Append("\\r"),
                < ' ' => to.Append(CultureInfo.InvariantCulture, $"\\u{(int)letter:x4}"),
                _ => to.Append(letter),
            };
        }
        to.Append('"');
    }
}
