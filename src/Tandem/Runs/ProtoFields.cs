using System.Buffers.Binary;
using System.Text;
using Tandem.Data;

namespace Tandem.Runs;

/// <summary>
/// Walks over the fields of a protobuf message, for files from elsewhere: every length is compared with what is left, unknown fields are
/// passed over, and all errors are of Tandem's own kind.
/// </summary>
/// <param name="data">The message.</param>
/// <param name="where">For errors.</param>
ref struct ProtoFields(ReadOnlySpan<byte> data, string where)
{
    static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);
    readonly ReadOnlySpan<byte> data = data;
    int at;
    int wire;
    ulong varint;
    ReadOnlySpan<byte> bytes;

    /// <summary>Number of the present field.</summary>
    public int Number { get; private set; }

    /// <summary>Goes to the next field; false at the end.</summary>
    public bool Next()
    {
        if (at == data.Length)
            return false;
        var tag = Varint(data, ref at);
        Number = tag >> 3 is > 0 and <= 0x1FFFFFFF ? (int)(tag >> 3) : throw FileFault.Inconsistent.Error($"a field has the number {tag >> 3}", where);
        wire = (int)(tag & 7);
        switch (wire)
        {
            case 0:
                varint = Varint(data, ref at);
                break;
            case 1 or 5:
                bytes = Take(wire == 1 ? 8UL : 4UL);
                break;
            case 2:
                bytes = Take(Varint(data, ref at));
                break;
            case 3 or 4:
                throw FileFault.Unsupported.Error("groups are no longer written by anyone", where);
            default:
                throw FileFault.Inconsistent.Error($"a field has the wire type {wire}", where);
        }
        return true;
    }

    /// <summary>The field as a whole number.</summary>
    public readonly long Long() => wire == 0 ? (long)varint : throw Other("a whole number");

    /// <summary>The field as a float.</summary>
    public readonly float Float() => wire == 5 ? BinaryPrimitives.ReadSingleLittleEndian(bytes) : throw Other("a float");

    /// <summary>The field as a double.</summary>
    public readonly double Double() => wire == 1 ? BinaryPrimitives.ReadDoubleLittleEndian(bytes) : throw Other("a double");

    /// <summary>The field's bytes.</summary>
    public readonly ReadOnlySpan<byte> Bytes() => wire == 2 ? bytes : throw Other("bytes");

    /// <summary>The field as a message.</summary>
    public readonly ProtoFields Message() => new(Bytes(), where);

    /// <summary>The field as a text.</summary>
    public readonly string Text()
    {
        try
        {
            return Strict.GetString(Bytes());
        }
        catch (DecoderFallbackException cause)
        {
            throw FileFault.Inconsistent.Error("a text is not UTF-8", where, inner: cause);
        }
    }

    /// <summary>Adds one double, or the packed ones.</summary>
    public readonly void Doubles(List<double> to)
    {
        for (var rest = wire == 1 ? bytes : Packed(sizeof(double)); rest.Length > 0; rest = rest[sizeof(double)..])
            to.Add(BinaryPrimitives.ReadDoubleLittleEndian(rest));
    }

    /// <summary>Adds one float, or the packed ones.</summary>
    public readonly void Floats(List<double> to)
    {
        for (var rest = wire == 5 ? bytes : Packed(sizeof(float)); rest.Length > 0; rest = rest[sizeof(float)..])
            to.Add(BinaryPrimitives.ReadSingleLittleEndian(rest));
    }

    /// <summary>Adds one whole number, or the packed ones.</summary>
    public readonly void Longs(List<double> to)
    {
        if (wire == 0)
        {
            to.Add((long)varint);
            return;
        }
        var packed = Bytes();
        for (var place = 0; place < packed.Length;)
            to.Add((long)Varint(packed, ref place));
    }

    readonly ReadOnlySpan<byte> Packed(int size) => Bytes().Length % size == 0 ? bytes : throw FileFault.Inconsistent.Error($"packed numbers of {size} bytes take {bytes.Length}", where);

    ReadOnlySpan<byte> Take(ulong length)
    {
        if (length > (ulong)(data.Length - at))
            throw FileFault.Truncated.Error($"a field announces {length} bytes, its message has {data.Length - at} more", where);
        var taken = data.Slice(at, (int)length);
        at += (int)length;
        return taken;
    }

    readonly ulong Varint(ReadOnlySpan<byte> from, ref int place)
    {
        ulong value = 0;
        for (var shift = 0; shift < 70; shift += 7)
        {
            if (place == from.Length)
                throw FileFault.Truncated.Error("a number is cut", where);
            var part = from[place++];
            value |= shift == 63 ? (ulong)(part & 1) << 63 : (ulong)(part & 0x7F) << shift;
            if (part < 0x80)
                return value;
        }
        throw FileFault.Inconsistent.Error("a number has more than ten bytes", where);
    }

    readonly TandemException Other(string expected) => FileFault.Inconsistent.Error($"field {Number} is of another kind", where, expected);
}
