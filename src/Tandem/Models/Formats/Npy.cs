using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Tandem.Data;
using Tandem.Torch;

namespace Tandem.Models.Formats;

/// <summary>An array of a <c>.npy</c> file, brought into row-major order and little-endian bytes.</summary>
/// <param name="Descr">The type as the file writes it: <c>&lt;f4</c>, <c>|u1</c>, <c>&gt;i4</c>, <c>&lt;U2</c>.</param>
/// <param name="Shape">Sizes, outermost first.</param>
/// <param name="Fortran">Whether the file stored the array column by column.</param>
/// <param name="Bytes">The elements, row-major and little-endian.</param>
public sealed record NpyArray(string Descr, IReadOnlyList<long> Shape, bool Fortran, byte[] Bytes)
{
    /// <summary>The element type, or null where no tensor has it (unsigned beyond 8 bits, texts).</summary>
    public ScalarType? Type => Descr[1..] switch
    {
        "b1" => ScalarType.Bool,
        "i1" => ScalarType.Char,
        "u1" => ScalarType.Byte,
        "i2" => ScalarType.Short,
        "i4" => ScalarType.Int,
        "i8" => ScalarType.Long,
        "f2" => ScalarType.Half,
        "f4" => ScalarType.Float,
        "f8" => ScalarType.Double,
        "c8" => ScalarType.ComplexFloat,
        "c16" => ScalarType.ComplexDouble,
        _ => null,
    };

    /// <summary>The array as a tensor; nothing is copied.</summary>
    /// <exception cref="TandemException">No tensor has this element type (<see cref="ErrorKind.Input"/>).</exception>
    public HostTensor ToTensor() => Type is { } type
        ? new HostTensor(type, [.. Shape], Bytes)
        : throw FileFault.Unsupported.Error($"no tensor holds numpy's type {Descr}", "npy array", remedy: "Convert it with .astype('float32') or .astype('int64').");
}

/// <summary>NumPy's <c>.npy</c> files (numpy/lib/format.py, 1.24): reads versions 1 to 3, writes numpy's bytes of version 1.</summary>
public static class Npy
{
    const int HeaderLimit = 65_536;

    /// <summary>Reads a file.</summary>
    /// <exception cref="TandemException">The file is missing, unreadable or wrong (<see cref="ErrorKind.Input"/>).</exception>
    public static NpyArray Read(string path)
    {
        try
        {
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
            return Read(stream, path);
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            throw new TandemException(ErrorKind.Input, $"the file cannot be read: {cause.Message}", path, inner: cause);
        }
    }

    /// <summary>Writes a tensor; bfloat16, which numpy lacks, as float32. Written beside, flushed, renamed.</summary>
    /// <exception cref="TandemException">The disk is full or refuses (<see cref="ErrorKind.Machine"/>).</exception>
    public static void Write(string path, HostTensor tensor) => AtomicFile.Write(path, stream => Write(stream, tensor));

    /// <summary>Writes the same bytes into a stream.</summary>
    public static void Write(Stream stream, HostTensor tensor)
    {
        var bytes = tensor.Bytes;
        if (tensor.Type == ScalarType.BFloat16)
        {
            bytes = new byte[tensor.Count * sizeof(float)];
            var wide = MemoryMarshal.Cast<byte, uint>(bytes.AsSpan());
            var narrow = tensor.As<ushort>();
            for (var i = 0; i < wide.Length; i++)
                wide[i] = (uint)narrow[i] << 16;
        }
        stream.Write(Header(Descr(tensor.Type), tensor.Shape));
        stream.Write(bytes);
    }

    /// <summary>Everything before the data. Its length does not change while the first size grows up to 20 digits, so rows can be appended.</summary>
    internal static byte[] Header(string descr, IReadOnlyList<long> shape)
    {
        var sizes = shape.Count == 1 ? string.Create(CultureInfo.InvariantCulture, $"{shape[0]},") : string.Join(", ", shape.Select(size => size.ToString(CultureInfo.InvariantCulture)));
        var text = new StringBuilder($"{{'descr': '{descr}', 'fortran_order': False, 'shape': ({sizes}), }}");
        if (shape.Count > 0)
            text.Append(' ', 21 - shape[0].ToString(CultureInfo.InvariantCulture).Length);
        text.Append(' ', 64 - ((10 + text.Length + 1) % 64)).Append('\n');
        var header = new byte[10 + text.Length];
        header[0] = 0x93;
        "NUMPY\u0001\0"u8.CopyTo(header.AsSpan(1));
        BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(8), checked((ushort)text.Length));
        Encoding.ASCII.GetBytes(text.ToString(), header.AsSpan(10));
        return header;
    }

    internal static string Descr(ScalarType type) => type switch
    {
        ScalarType.Bool => "|b1",
        ScalarType.Char => "|i1",
        ScalarType.Byte => "|u1",
        ScalarType.Short => "<i2",
        ScalarType.Int => "<i4",
        ScalarType.Long => "<i8",
        ScalarType.Half => "<f2",
        ScalarType.Double => "<f8",
        ScalarType.ComplexFloat => "<c8",
        ScalarType.ComplexDouble => "<c16",
        _ => "<f4",
    };

    static NpyArray Read(Stream file, string path)
    {
        var start = new byte[12];
        var read = file.ReadAtLeast(start, 12, throwOnEndOfStream: false);
        if (read < 8)
            throw FileFault.Truncated.Error($"{read} bytes are too few for a .npy file", path);
        if (start[0] != 0x93 || !start.AsSpan(1, 5).SequenceEqual("NUMPY"u8))
            throw FileFault.Inconsistent.Error("the file does not begin as a .npy file does", path, "\\x93NUMPY");
        var (major, minor) = (start[6], start[7]);
        if (major is < 1 or > 3 || minor != 0)
            throw FileFault.Unsupported.Error($".npy version {major}.{minor}", path, "1.0, 2.0 or 3.0", "Save it again with numpy.save.");
        var prefix = major == 1 ? 10 : 12;
        if (read < prefix)
            throw FileFault.Truncated.Error("the file ends in its header's length", path);
        long length = major == 1 ? BinaryPrimitives.ReadUInt16LittleEndian(start.AsSpan(8)) : BinaryPrimitives.ReadUInt32LittleEndian(start.AsSpan(8));
        if (length > HeaderLimit)
            throw FileFault.TooLarge.Error($"the header announces {length} bytes", path, $"at most {HeaderLimit}");
        if (prefix + length > file.Length)
            throw FileFault.Truncated.Error($"the header announces {length} bytes, the file has {file.Length - prefix} more", path);
        var header = new byte[length];
        file.Position = prefix;
        file.ReadExactly(header);
        var (descr, fortran, shape) = new NpyHeader(Decode(header, major, path), path).Parse();
        var item = NpyHeader.ItemSize(descr, path);
        long bytes = item;
        foreach (var size in shape)
        {
            if (size != 0 && bytes > long.MaxValue / size)
                throw FileFault.TooLarge.Error($"the shape ({string.Join(", ", shape)}) overflows", path);
            bytes *= size;
        }
        var present = file.Length - prefix - length;
        if (present < bytes)
            throw FileFault.Truncated.Error($"the array needs {bytes} bytes, the file has {present}", path);
        if (present > bytes)
            throw FileFault.Inconsistent.Error($"the file has {present} bytes after the header, the array {bytes}", path);
        if (bytes > Array.MaxLength)
            throw FileFault.TooLarge.Error($"the array has {bytes} bytes", path, $"at most {Array.MaxLength}", "Split it.");
        var data = new byte[bytes];
        file.ReadExactly(data);
        // Texts are UTF-32: each code point is swapped, not the whole element.
        var unit = descr[1] switch { 'U' => 4, 'S' => 1, 'c' => item / 2, _ => item };
        if (descr[0] == '>' && unit > 1)
        {
            for (var i = 0; i < data.Length; i += unit)
                data.AsSpan(i, unit).Reverse();
        }
        return new NpyArray(descr, shape, fortran, fortran && shape.Count > 1 ? RowMajor(data, shape, item) : data);
    }

    static string Decode(byte[] header, int major, string path)
    {
        try
        {
            return major == 3 ? new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(header) : Encoding.Latin1.GetString(header);
        }
        catch (DecoderFallbackException cause)
        {
            throw FileFault.Inconsistent.Error("the header is not UTF-8", path, inner: cause);
        }
    }

    static byte[] RowMajor(byte[] columns, List<long> shape, int item)
    {
        var rows = new byte[columns.Length];
        var place = new long[shape.Count];
        for (long target = 0; target < columns.Length; target += item)
        {
            long source = 0;
            for (var axis = shape.Count - 1; axis >= 0; axis--)
                source = (source * shape[axis]) + place[axis];
            columns.AsSpan((int)(source * item), item).CopyTo(rows.AsSpan((int)target));
            for (var axis = shape.Count - 1; axis >= 0 && ++place[axis] == shape[axis]; axis--)
                place[axis] = 0;
        }
        return rows;
    }
}
