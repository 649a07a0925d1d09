using System.Buffers.Binary;
using System.Numerics;
using System.Text;
using Google.Protobuf;
using Tandem.Models.Formats;

namespace Tandem.Runs;

/// <summary>A histogram as TensorBoard stores it.</summary>
/// <param name="Min">Smallest value.</param>
/// <param name="Max">Largest value.</param>
/// <param name="Count">Number of values.</param>
/// <param name="Sum">Their sum.</param>
/// <param name="SumSquares">Sum of their squares.</param>
/// <param name="Limits">Right edges of the buckets; the first bucket's is the left edge of the second, its count 0.</param>
/// <param name="Counts">Values a bucket, as many as <paramref name="Limits"/>.</param>
public sealed record Histogram(double Min, double Max, double Count, double Sum, double SumSquares, IReadOnlyList<double> Limits, IReadOnlyList<double> Counts);

/// <summary>
/// Writes an event file for TensorBoard: a sequence of TFRecords with protobuf events, appended to and flushed record by record, so that a reader
/// may follow. Byte-equal with tensorboardX 48a5f8a.
/// </summary>
public sealed class EventFile : IDisposable
{
    const int Varint = 0, Fixed64 = 1, Delimited = 2, Fixed32 = 5;
    const uint MaskDelta = 0xA282EAD8;
    readonly Stream stream;
    readonly string where;

    EventFile(Stream stream, string where)
    {
        this.stream = stream;
        this.where = where;
    }

    /// <summary>Begins a new file in a folder; a resumed run writes another one beside the first, which TensorBoard reads as one.</summary>
    /// <param name="folder">The run's folder.</param>
    /// <param name="now">When the file begins; names it.</param>
    /// <exception cref="TandemException">The disk is full or refuses (<see cref="ErrorKind.Machine"/>).</exception>
    public static EventFile Create(string folder, DateTimeOffset now)
    {
        var host = new string([.. Environment.MachineName.Select(letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '.' ? letter : '_')]);
        var name = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"events.out.tfevents.{now.ToUnixTimeSeconds()}.{host}");
        var path = Path.Combine(folder, name);
        for (var i = 1; File.Exists(path); i++)
            path = Path.Combine(folder, $"{name}.{i}");
        try
        {
            var file = new EventFile(new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.Read), path);
            file.Begin(Seconds(now));
            return file;
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            throw AtomicFile.Refused(path, cause);
        }
    }

    /// <summary>Writes into a stream, which stays open; <see cref="Begin"/> comes first.</summary>
    internal static EventFile Into(Stream stream) => new(stream, "event stream");

    /// <summary>The first event, with the format's version.</summary>
    internal void Begin(double wallTime) => Write(wallTime, 0, output => Text(output, 3, "brain.Event:2"));

    /// <summary>A number at a step.</summary>
    public void Scalar(double wallTime, long step, string tag, float value) => Summary(wallTime, step, tag, output =>
    {
        output.WriteTag(2, (WireFormat.WireType)Fixed32);
        output.WriteFloat(value);
    });

    /// <summary>A text (Markdown) at a step; shown under <paramref name="tag"/>.</summary>
    public void Markdown(double wallTime, long step, string tag, string text) => Summary(wallTime, step, tag + "/text_summary", output =>
    {
        Message(output, 8, tensor =>
        {
            tensor.WriteTag(1, (WireFormat.WireType)Varint);
            tensor.WriteEnum(7);
            Message(tensor, 2, shape => Message(shape, 2, dimension =>
            {
                dimension.WriteTag(1, (WireFormat.WireType)Varint);
                dimension.WriteInt64(1);
            }));
            Text(tensor, 8, text);
        });
        Message(output, 9, metadata => Plugin(metadata, "text"));
    });

    /// <summary>A picture at a step.</summary>
    /// <param name="wallTime">Unix seconds.</param>
    /// <param name="step">The step.</param>
    /// <param name="tag">Its name.</param>
    /// <param name="png">The encoded picture.</param>
    /// <param name="height">Rows.</param>
    /// <param name="width">Columns.</param>
    /// <param name="channels">1 grey, 3 RGB, 4 RGBA.</param>
    public void Picture(double wallTime, long step, string tag, ReadOnlyMemory<byte> png, int height, int width, int channels) => Summary(wallTime, step, tag, output =>
    {
        Message(output, 4, image =>
        {
            foreach (var (field, number) in new[] { (1, height), (2, width), (3, channels) })
            {
                image.WriteTag(field, (WireFormat.WireType)Varint);
                image.WriteInt32(number);
            }
            image.WriteTag(4, (WireFormat.WireType)Delimited);
            image.WriteBytes(ByteString.CopyFrom(png.Span));
        });
        Message(output, 9, metadata => Plugin(metadata, "images"));
    });

    /// <summary>A distribution at a step.</summary>
    public void Distribution(double wallTime, long step, string tag, Histogram histogram) => Summary(wallTime, step, tag, output => Message(output, 5, histo =>
    {
        var field = 1;
        foreach (var number in new[] { histogram.Min, histogram.Max, histogram.Count, histogram.Sum, histogram.SumSquares })
        {
            // proto3 leaves out zeros; negative zero is not one
            if (BitConverter.DoubleToInt64Bits(number) != 0)
            {
                histo.WriteTag(field, (WireFormat.WireType)Fixed64);
                histo.WriteDouble(number);
            }
            field++;
        }
        foreach (var (list, number) in new[] { (histogram.Limits, 6), (histogram.Counts, 7) })
        {
            if (list.Count == 0)
                continue;
            histo.WriteTag(number, (WireFormat.WireType)Delimited);
            histo.WriteLength(list.Count * sizeof(double));
            foreach (var value in list)
                histo.WriteDouble(value);
        }
    }));

    /// <summary>A moment as event files write it: Unix seconds.</summary>
    public static double Seconds(DateTimeOffset moment) => (moment - DateTimeOffset.UnixEpoch).TotalSeconds;

    /// <summary>Closes the file.</summary>
    public void Dispose() => stream.Dispose();

    void Summary(double wallTime, long step, string tag, Action<CodedOutputStream> value) => Write(wallTime, step, output => Message(output, 5, summary => Message(summary, 1, item =>
    {
        Text(item, 1, tag);
        value(item);
    })));

    void Write(double wallTime, long step, Action<CodedOutputStream> what)
    {
        var data = Bytes(output =>
        {
            output.WriteTag(1, (WireFormat.WireType)Fixed64);
            output.WriteDouble(wallTime);
            if (step != 0)
            {
                output.WriteTag(2, (WireFormat.WireType)Varint);
                output.WriteInt64(step);
            }
            what(output);
        });
        var record = new byte[12 + data.Length + 4];
        BinaryPrimitives.WriteInt64LittleEndian(record, data.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(8), MaskedCrc(record.AsSpan(0, 8)));
        data.CopyTo(record, 12);
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(12 + data.Length), MaskedCrc(data));
        try
        {
            stream.Write(record);
            stream.Flush();
        }
        catch (IOException cause)
        {
            throw AtomicFile.Refused(where, cause);
        }
    }

    static void Plugin(CodedOutputStream metadata, string name) => Message(metadata, 1, plugin => Text(plugin, 1, name));

    static void Text(CodedOutputStream output, int field, string text)
    {
        output.WriteTag(field, (WireFormat.WireType)Delimited);
        output.WriteBytes(ByteString.CopyFrom(Encoding.UTF8.GetBytes(text)));
    }

    static void Message(CodedOutputStream output, int field, Action<CodedOutputStream> write)
    {
        output.WriteTag(field, (WireFormat.WireType)Delimited);
        output.WriteBytes(ByteString.CopyFrom(Bytes(write)));
    }

    static byte[] Bytes(Action<CodedOutputStream> write)
    {
        using var memory = new MemoryStream();
        using (var output = new CodedOutputStream(memory, leaveOpen: true))
            write(output);
        return memory.ToArray();
    }

    /// <summary>CRC-32C, rotated and shifted as TFRecords want it, so that the checksum of data that holds checksums stays sharp.</summary>
    internal static uint MaskedCrc(ReadOnlySpan<byte> data)
    {
        var crc = uint.MaxValue;
        while (data.Length >= 8)
        {
            crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(data));
            data = data[8..];
        }
        foreach (var value in data)
            crc = BitOperations.Crc32C(crc, value);
        return unchecked(BitOperations.RotateRight(~crc, 15) + MaskDelta);
    }
}
