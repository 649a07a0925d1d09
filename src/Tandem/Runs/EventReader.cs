using System.Buffers.Binary;
using Tandem.Data;

namespace Tandem.Runs;

/// <summary>A picture in an event file.</summary>
/// <param name="Height">Rows.</param>
/// <param name="Width">Columns.</param>
/// <param name="Channels">1 grey, 3 RGB, 4 RGBA.</param>
/// <param name="Encoded">The PNG.</param>
public sealed record EventPicture(int Height, int Width, int Channels, byte[] Encoded);

/// <summary>A small tensor in an event file; its elements stand in one of the three lists.</summary>
/// <param name="Type">TensorFlow's number of the type: 1 float, 2 double, 3 int32, 7 text, 9 int64, 10 bool.</param>
/// <param name="Shape">Sizes.</param>
/// <param name="Content">Raw little-endian elements, or null.</param>
/// <param name="Numbers">Elements written one by one.</param>
/// <param name="Texts">Elements of a text tensor.</param>
public sealed record EventTensor(int Type, IReadOnlyList<long> Shape, byte[]? Content, IReadOnlyList<double> Numbers, IReadOnlyList<string> Texts);

/// <summary>One value of an event.</summary>
public sealed record EventValue
{
    /// <summary>Its name.</summary>
    public string Tag { get; set; } = "";

    /// <summary>A number, where it is one.</summary>
    public float? Simple { get; set; }

    /// <summary>A picture, where it is one.</summary>
    public EventPicture? Picture { get; set; }

    /// <summary>A distribution, where it is one.</summary>
    public Histogram? Distribution { get; set; }

    /// <summary>A tensor, where it is one: texts, and the numbers of newer writers.</summary>
    public EventTensor? Tensor { get; set; }

    /// <summary>The dashboard that shows it: <c>scalars</c>, <c>text</c>, <c>images</c>.</summary>
    public string? Plugin { get; set; }

    /// <summary>The name to show.</summary>
    public string? DisplayName { get; set; }

    /// <summary>What it is.</summary>
    public string? Description { get; set; }
}

/// <summary>One record of an event file.</summary>
/// <param name="WallTime">Unix seconds.</param>
/// <param name="Step">The step; 0 when left out.</param>
/// <param name="FileVersion">The format's version, in the first event.</param>
/// <param name="Values">What was logged.</param>
public sealed record EventRecord(double WallTime, long Step, string? FileVersion, IReadOnlyList<EventValue> Values);

/// <summary>Reads TensorBoard's event files, those of TensorFlow 1 and 2, PyTorch and tensorboardX.</summary>
public static class EventReader
{
    const long RecordLimit = int.MaxValue;

    /// <summary>Reads a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="growing">Whether it may still be written: a cut last record then ends the reading instead of failing it.</param>
    /// <exception cref="TandemException">The file is missing, unreadable or wrong (<see cref="ErrorKind.Input"/>).</exception>
    public static IReadOnlyList<EventRecord> Read(string path, bool growing = false)
    {
        try
        {
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            List<EventRecord> events = [];
            while (Record(stream, path, growing) is { } data)
                events.Add(Event(data, $"{path}, record {events.Count + 1}"));
            return events;
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            throw new TandemException(ErrorKind.Input, $"the file cannot be read: {cause.Message}", path, inner: cause);
        }
    }

    static byte[]? Record(FileStream stream, string path, bool growing)
    {
        var at = stream.Position;
        var where = $"{path}, byte {at}";
        Span<byte> head = stackalloc byte[12];
        var read = stream.ReadAtLeast(head, 12, throwOnEndOfStream: false);
        if (read == 0 || (read < 12 && growing))
            return null;
        if (read < 12)
            throw FileFault.Truncated.Error("a record's head is cut", where);
        if (BinaryPrimitives.ReadUInt32LittleEndian(head[8..]) != EventFile.MaskedCrc(head[..8]))
            throw FileFault.Inconsistent.Error("the checksum of a record's length is wrong", where);
        var length = BinaryPrimitives.ReadUInt64LittleEndian(head);
        if (length > RecordLimit)
            throw FileFault.TooLarge.Error($"a record announces {length} bytes", where, $"at most {RecordLimit}");
        if ((long)length + 4 > stream.Length - stream.Position)
            return growing ? null : throw FileFault.Truncated.Error($"a record announces {length} bytes, the file has {stream.Length - stream.Position} more", where);
        var data = new byte[length];
        stream.ReadExactly(data);
        stream.ReadExactly(head[..4]);
        return BinaryPrimitives.ReadUInt32LittleEndian(head) == EventFile.MaskedCrc(data) ? data : throw FileFault.Inconsistent.Error("the checksum of a record is wrong", where);
    }

    static EventRecord Event(byte[] data, string where)
    {
        var (wallTime, step, version) = (0.0, 0L, default(string));
        List<EventValue> values = [];
        var fields = new ProtoFields(data, where);
        while (fields.Next())
        {
            switch (fields.Number)
            {
                case 1: wallTime = fields.Double(); break;
                case 2: step = fields.Long(); break;
                case 3: version = fields.Text(); break;
                case 5:
                    var summary = fields.Message();
                    while (summary.Next())
                    {
                        if (summary.Number == 1)
                            values.Add(Value(summary.Message()));
                    }
                    break;
            }
        }
        return new EventRecord(wallTime, step, version, values);
    }

    static EventValue Value(ProtoFields fields)
    {
        var value = new EventValue();
        while (fields.Next())
        {
            switch (fields.Number)
            {
                case 1: value.Tag = fields.Text(); break;
                case 2: value.Simple = fields.Float(); break;
                case 4: value.Picture = Picture(fields.Message()); break;
                case 5: value.Distribution = Distribution(fields.Message()); break;
                case 8: value.Tensor = Tensor(fields.Message()); break;
                case 9: Metadata(fields.Message(), value); break;
            }
        }
        return value;
    }

    static void Metadata(ProtoFields fields, EventValue value)
    {
        while (fields.Next())
        {
            switch (fields.Number)
            {
                case 1:
                    var plugin = fields.Message();
                    while (plugin.Next())
                    {
                        if (plugin.Number == 1)
                            value.Plugin = plugin.Text();
                    }
                    break;
                case 2: value.DisplayName = fields.Text(); break;
                case 3: value.Description = fields.Text(); break;
            }
        }
    }

    static EventPicture Picture(ProtoFields fields)
    {
        var sizes = new int[4];
        byte[] encoded = [];
        while (fields.Next())
        {
            if (fields.Number is 1 or 2 or 3)
                sizes[fields.Number] = (int)fields.Long();
            else if (fields.Number == 4)
                encoded = fields.Bytes().ToArray();
        }
        return new EventPicture(sizes[1], sizes[2], sizes[3], encoded);
    }

    static Histogram Distribution(ProtoFields fields)
    {
        var numbers = new double[6];
        List<double> limits = [], counts = [];
        while (fields.Next())
        {
            if (fields.Number is >= 1 and <= 5)
                numbers[fields.Number] = fields.Double();
            else if (fields.Number is 6 or 7)
                fields.Doubles(fields.Number == 6 ? limits : counts);
        }
        return new Histogram(numbers[1], numbers[2], numbers[3], numbers[4], numbers[5], limits, counts);
    }

    static EventTensor Tensor(ProtoFields fields)
    {
        var type = 0;
        byte[]? content = null;
        List<long> shape = [];
        List<double> numbers = [];
        List<string> texts = [];
        while (fields.Next())
        {
            switch (fields.Number)
            {
                case 1: type = (int)fields.Long(); break;
                case 2: Shape(fields.Message(), shape); break;
                case 4: content = fields.Bytes().ToArray(); break;
                case 5: fields.Floats(numbers); break;
                case 6: fields.Doubles(numbers); break;
                case 7 or 10 or 11: fields.Longs(numbers); break;
                case 8: texts.Add(fields.Text()); break;
            }
        }
        return new EventTensor(type, shape, content, numbers, texts);
    }

    static void Shape(ProtoFields fields, List<long> shape)
    {
        while (fields.Next())
        {
            if (fields.Number != 2)
                continue;
            var dimension = fields.Message();
            long size = 0;
            while (dimension.Next())
            {
                if (dimension.Number == 1)
                    size = dimension.Long();
            }
            shape.Add(size);
        }
    }
}
