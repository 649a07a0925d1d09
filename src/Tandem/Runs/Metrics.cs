using System.Globalization;
using System.Text;
using System.Text.Json;
using Tandem.Models.Formats;

namespace Tandem.Runs;

/// <summary>What was logged at one step.</summary>
/// <param name="Step">The update, from 1.</param>
/// <param name="Values">Numbers by name: <c>loss</c>, <c>lr</c>, <c>eval/knn</c>, <c>gauge/targets/variance</c>.</param>
public sealed record MetricsLine(long Step, IReadOnlyDictionary<string, double> Values);

/// <summary>
/// <c>metrics.jsonl</c>: one object a logged step, in growing order, no step twice. Numbers that are not finite are the texts "NaN",
/// "Infinity" and "-Infinity". A last line that a crash cut is ignored by readers and removed by the next writer.
/// </summary>
public sealed class Metrics : IDisposable
{
    readonly string path;
    readonly FileStream file;
    long lastStart;
    MetricsLine? last;

    Metrics(string path, FileStream file, MetricsLine? last)
    {
        (this.path, this.file, this.last) = (path, file, last);
        lastStart = last is null ? 0 : file.Length - Bytes(last).Length;
    }

    /// <summary>Opens the file for appending.</summary>
    /// <param name="path">The file; made when missing.</param>
    /// <param name="resumed">The step that the run goes on from: later lines are cut, because those steps will be taken again. 0 for a new run.</param>
    /// <exception cref="TandemException">The disk is full or refuses (<see cref="ErrorKind.Machine"/>).</exception>
    public static Metrics Open(string path, long resumed = 0)
    {
        MetricsLine? last = null;
        if (File.Exists(path))
        {
            // Step 0 is the evaluation before the first step: a run that begins anew makes it again.
            var kept = Read(path).Where(line => resumed > 0 && line.Step <= resumed).ToList();
            AtomicFile.Write(path, stream =>
            {
                foreach (var line in kept)
                    stream.Write(Bytes(line));
            });
            last = kept.LastOrDefault();
        }
        try
        {
            return new Metrics(path, new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.Read, bufferSize: 0), last);
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            throw AtomicFile.Refused(path, cause);
        }
    }

    /// <summary>Logs a step. The same step again (an evaluation after it) is joined with what was logged of it.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The step lies before the last one.</exception>
    /// <exception cref="TandemException">The disk is full or refuses (<see cref="ErrorKind.Machine"/>); the file then holds whole lines only.</exception>
    public void Append(long step, IEnumerable<KeyValuePair<string, double>> values)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(step, last?.Step ?? 0);
        var joined = new Dictionary<string, double>(StringComparer.Ordinal);
        var again = last?.Step == step;
        foreach (var (name, value) in again ? last!.Values.Concat(values) : values)
            joined[name] = value;
        var line = new MetricsLine(step, joined);
        var start = again ? lastStart : file.Length;
        try
        {
            if (again)
                file.SetLength(start);
            file.Write(Bytes(line));
        }
        catch (IOException cause)
        {
            try
            {
                file.SetLength(start);
            }
            catch (IOException)
            {
                // Readers skip a torn last line.
            }
            throw AtomicFile.Refused(path, cause);
        }
        (last, lastStart) = (line, start);
    }

    /// <summary>Reads a file's lines; a missing file has none, lines that are cut or damaged are left out.</summary>
    public static IEnumerable<MetricsLine> Read(string path)
    {
        if (!File.Exists(path))
            yield break;
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        using var reader = new StreamReader(stream);
        while (reader.ReadLine() is { } text)
        {
            if (Parse(text) is { } line)
                yield return line;
        }
    }

    /// <summary>Closes the file.</summary>
    public void Dispose() => file.Dispose();

    static MetricsLine? Parse(string text)
    {
        try
        {
            using var document = JsonDocument.Parse(text);
            var values = new Dictionary<string, double>(StringComparer.Ordinal);
            long? step = null;
            foreach (var field in document.RootElement.EnumerateObject())
            {
                if (field.Name == "step")
                    step = field.Value.GetInt64();
                else if (field.Value.ValueKind == JsonValueKind.Number)
                    values[field.Name] = field.Value.GetDouble();
                else if (field.Value.ValueKind == JsonValueKind.String && double.TryParse(field.Value.GetString(), NumberStyles.Float, CultureInfo.InvariantCulture, out var number))
                    values[field.Name] = number;
            }
            return step is { } known ? new MetricsLine(known, values) : null;
        }
        catch (Exception cause) when (cause is JsonException or InvalidOperationException or FormatException)
        {
            return null;
        }
    }

    static byte[] Bytes(MetricsLine line)
    {
        using var memory = new MemoryStream();
        using (var json = new Utf8JsonWriter(memory, new JsonWriterOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            json.WriteNumber("step", line.Step);
            foreach (var (name, value) in line.Values)
            {
                if (double.IsFinite(value))
                    json.WriteNumber(name, value);
                else
                    json.WriteString(name, value.ToString(CultureInfo.InvariantCulture));
            }
            json.WriteEndObject();
        }
        memory.Write(Encoding.UTF8.GetBytes("\n"));
        return memory.ToArray();
    }
}
