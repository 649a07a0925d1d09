using System.Security.Cryptography;
using System.Text.Json;
using Tandem.Runs;

namespace Tandem.Verify;

/// <summary>Kinds <c>events</c> and <c>write_events</c> of method <c>formats</c>.</summary>
sealed class EventKinds : ICaseKind
{
    public string Method => "formats";

    public IReadOnlyList<string> Kinds => ["events", "write_events"];

    public void Check(GoldenCase golden, Comparison comparison, string device)
    {
        if (golden.Kind == "events")
            Read(golden, comparison);
        else
            Write(golden, comparison);
    }

    static void Read(GoldenCase golden, Comparison comparison)
    {
        golden.Config.WithoutEffect("reader");
        var events = EventReader.Read(golden.File(comparison.Given("file").GetString()!));
        comparison.Value("events", events.Select(record => Fields(
            ("wall_time", PythonFloat.Text(record.WallTime)),
            ("step", record.Step),
            ("file_version", record.FileVersion),
            ("values", record.FileVersion is null ? record.Values.Select(Told).ToList() : null))).ToList());
    }

    static Dictionary<string, object?> Told(EventValue value) => Fields(
        ("tag", value.Tag),
        ("simple_value", value.Simple is { } number ? PythonFloat.Text(number) : null),
        ("image", value.Picture is not { } picture ? null : Fields(
            ("height", picture.Height), ("width", picture.Width), ("colorspace", picture.Channels), ("encoded_bytes", picture.Encoded.Length),
            ("encoded_sha256", Convert.ToHexStringLower(SHA256.HashData(picture.Encoded))))),
        ("histogram", value.Distribution is not { } histogram ? null : Fields(
            ("min", PythonFloat.Text(histogram.Min)), ("max", PythonFloat.Text(histogram.Max)), ("num", PythonFloat.Text(histogram.Count)),
            ("sum", PythonFloat.Text(histogram.Sum)), ("sum_squares", PythonFloat.Text(histogram.SumSquares)),
            ("bucket_limit", histogram.Limits.Select(PythonFloat.Text).ToList()), ("bucket", histogram.Counts.Select(PythonFloat.Text).ToList()))),
        ("tensor", value.Tensor is not { } tensor ? null : Fields(
            ("dtype", tensor.Type switch { 1 => "float32", 2 => "float64", 3 => "int32", 4 => "uint8", 7 => "string", 9 => "int64", 10 => "bool", _ => null }),
            ("shape", tensor.Shape),
            ("strings", tensor.Texts.Count > 0 ? tensor.Texts : null),
            ("bytes", tensor.Content is { Length: > 0 } bytes ? Convert.ToHexStringLower(bytes) : null),
            ("numbers", tensor.Numbers.Count > 0 ? tensor.Numbers.Select(PythonFloat.Text).ToList() : null))),
        ("plugin", value.Plugin),
        ("display_name", value.DisplayName),
        ("description", value.Description));

    /// <summary>An object without its nulls.</summary>
    static Dictionary<string, object?> Fields(params (string Name, object? Value)[] fields) =>
        fields.Where(field => field.Value is not null).ToDictionary(field => field.Name, field => field.Value, StringComparer.Ordinal);

    static void Write(GoldenCase golden, Comparison comparison)
    {
        using var stream = new MemoryStream();
        using var events = EventFile.Into(stream);
        foreach (var told in comparison.Given("events").EnumerateArray())
        {
            var wallTime = told.GetProperty("wall_time").GetDouble();
            var step = told.TryGetProperty("step", out var number) ? number.GetInt64() : 0;
            if (told.TryGetProperty("file_version", out _))
                events.Begin(wallTime);
            else if (told.TryGetProperty("scalar", out var scalar))
                events.Scalar(wallTime, step, scalar.GetProperty("tag").GetString()!, (float)scalar.GetProperty("value").GetDouble());
            else if (told.TryGetProperty("text", out var text))
                events.Markdown(wallTime, step, text.GetProperty("tag").GetString()!, text.GetProperty("text").GetString()!);
            else if (told.TryGetProperty("image", out var image))
            {
                var png = File.ReadAllBytes(golden.File(image.GetProperty("file").GetString()!));
                var (height, width) = (image.GetProperty("height").GetInt32(), image.GetProperty("width").GetInt32());
                events.Picture(wallTime, step, image.GetProperty("tag").GetString()!, png, height, width, image.GetProperty("channels").GetInt32());
            }
            else if (told.TryGetProperty("histogram", out var histogram))
                events.Distribution(wallTime, step, histogram.GetProperty("tag").GetString()!, Read(histogram));
            else
                throw new CaseFailedException($"an event is of no known sort: {told.GetRawText()}");
        }
        comparison.Value("sha256", Convert.ToHexStringLower(SHA256.HashData(stream.ToArray())));
        comparison.Require(File.ReadAllBytes(golden.File(comparison.Given("file").GetString()!)).AsSpan().SequenceEqual(stream.ToArray()), "the bytes differ from tensorboardX's");
    }

    static Histogram Read(JsonElement told)
    {
        double Number(string name) => told.GetProperty(name).GetDouble();
        double[] Numbers(string name) => [.. told.GetProperty(name).EnumerateArray().Select(item => item.GetDouble())];
        return new Histogram(Number("min"), Number("max"), Number("num"), Number("sum"), Number("sum_squares"), Numbers("bucket_limit"), Numbers("bucket"));
    }
}
