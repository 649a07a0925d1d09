using System.Security.Cryptography;
using System.Text.Json;
using Tandem.Runs;

namespace Tandem.Verify;

/// <summary>Kind <c>write_events</c> of method <c>formats</c>.</summary>
sealed class EventKinds : ICaseKind
{
    public string Method => "formats";

    public IReadOnlyList<string> Kinds => ["write_events"];

    public void Check(GoldenCase golden, Comparison comparison, string device)
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
