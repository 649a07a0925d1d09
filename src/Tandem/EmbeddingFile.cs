using System.Runtime.InteropServices;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Parquet;
using Parquet.Schema;
using Tandem.Models.Formats;
using Tandem.Torch;

namespace Tandem;

/// <summary>
/// Writes embeddings to a file whose kind its extension says. Nothing has the file's name before all is written.
/// <list type="bullet">
/// <item><c>.npy</c>: float32 [samples, width]; names stand beside, one a line, in <c>FILE.names.txt</c>.</item>
/// <item><c>.safetensors</c>: tensor <c>embeddings</c>, float32 [samples, width], and tensor <c>names</c>, the names' UTF-8 bytes with a line feed between them.</item>
/// <item><c>.jsonl</c>: a line <c>{"name": …, "embedding": […]}</c> each.</item>
/// <item><c>.parquet</c>: columns <c>name</c> (text) and <c>embedding</c> (list of float32).</item>
/// </list>
/// A line feed within a name is written as a space where names stand one a line.
/// </summary>
public static class EmbeddingFile
{
    /// <summary>Numbers that a row group of a Parquet file holds in memory until it is written: 64 MiB.</summary>
    const int GroupNumbers = 1 << 24;

    static readonly JsonWriterOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The extensions that are understood.</summary>
    public static IReadOnlyList<string> Extensions { get; } = [".npy", ".safetensors", ".jsonl", ".parquet"];

    /// <summary>Looks, before anything is computed, whether a file of this name can be written.</summary>
    /// <exception cref="TandemException">Its extension is unknown (<see cref="ErrorKind.Usage"/>); its folder cannot be written (<see cref="ErrorKind.Machine"/>).</exception>
    public static void Check(string path)
    {
        if (!Extensions.Contains(Path.GetExtension(path), StringComparer.OrdinalIgnoreCase))
            throw new TandemException(ErrorKind.Usage, $"embeddings cannot be written as '{Path.GetExtension(path)}'", path, string.Join(", ", Extensions), $"For example: out={Path.ChangeExtension(path, ".npy")}");
        if (Directory.Exists(path))
            throw new TandemException(ErrorKind.Usage, "this is a folder", path, "a file", $"For example: out={Path.Combine(path, "embeddings.npy")}");
        var folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        try
        {
            Directory.CreateDirectory(folder);
            var trial = Path.Combine(folder, $".{Path.GetFileName(path)}.{Environment.ProcessId}.trial{AtomicFile.Unfinished}");
            File.WriteAllBytes(trial, []);
            File.Delete(trial);
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            throw AtomicFile.Refused(path, cause);
        }
    }

    /// <summary>Writes embeddings as they come.</summary>
    /// <param name="path">The file.</param>
    /// <param name="width">Numbers of a vector.</param>
    /// <param name="embeddings">The embeddings.</param>
    /// <returns>How many there were.</returns>
    /// <exception cref="TandemException">As for <see cref="Check"/>; the disk is full (<see cref="ErrorKind.Machine"/>); there was not one embedding (<see cref="ErrorKind.Input"/>).</exception>
    public static long Write(string path, int width, IEnumerable<Embedding> embeddings)
    {
        Check(path);
        return Path.GetExtension(path).ToLowerInvariant() switch
        {
            ".npy" => WriteNpy(path, width, embeddings),
            ".jsonl" => WriteLines(path, embeddings),
            ".parquet" => WriteParquet(path, width, embeddings),
            _ => WriteTensors(path, width, embeddings),
        };
    }

    /// <summary>Where the names of a <c>.npy</c> file stand.</summary>
    public static string NamesPath(string path) => Path.ChangeExtension(path, ".names.txt");

    static long WriteNpy(string path, int width, IEnumerable<Embedding> embeddings)
    {
        using var rows = new NpyRows(path, width);
        var names = new StringBuilder();
        foreach (var embedding in embeddings)
        {
            rows.Append(embedding.Vector);
            names.Append(OneLine(embedding.Name)).Append('\n');
        }
        RequireSome(rows.Count, path);
        AtomicFile.WriteText(NamesPath(path), names.ToString());
        rows.Complete();
        return rows.Count;
    }

    static long WriteLines(string path, IEnumerable<Embedding> embeddings)
    {
        long count = 0;
        AtomicFile.Write(path, stream =>
        {
            foreach (var embedding in embeddings)
            {
                using (var json = new Utf8JsonWriter(stream, Plain))
                {
                    json.WriteStartObject();
                    json.WriteString("name", embedding.Name);
                    json.WriteStartArray("embedding");
                    foreach (var value in embedding.Vector)
                        json.WriteNumberValue(value);
                    json.WriteEndArray();
                    json.WriteEndObject();
                }
                stream.Write("\n"u8);
                count++;
            }
            RequireSome(count, path);
        });
        return count;
    }

    static long WriteTensors(string path, int width, IEnumerable<Embedding> embeddings)
    {
        using var values = new MemoryStream();
        List<string> names = [];
        foreach (var embedding in embeddings)
        {
            if (values.Length + (4L * width) > Array.MaxLength)
                throw new TandemException(ErrorKind.Input, $"more than {names.Count} embeddings do not fit into one tensor", path, "at most 2 GiB", $"Write them as {Path.ChangeExtension(path, ".npy")}.");
            values.Write(MemoryMarshal.AsBytes(embedding.Vector.AsSpan()));
            names.Add(OneLine(embedding.Name));
        }
        RequireSome(names.Count, path);
        var text = Encoding.UTF8.GetBytes(string.Join('\n', names));
        SafetensorsWriter.Write(path,
        [
            new("embeddings", ScalarType.Float, [names.Count, width], () => values.GetBuffer().AsMemory(0, (int)values.Length)),
            new("names", ScalarType.Byte, [text.Length], () => text),
        ]);
        return names.Count;
    }

    static long WriteParquet(string path, int width, IEnumerable<Embedding> embeddings)
    {
        long count = 0;
        AtomicFile.Write(path, stream => WriteGroups(stream).GetAwaiter().GetResult());
        return count;

        async Task WriteGroups(Stream stream)
        {
            var schema = new ParquetSchema(new DataField("name", typeof(string), isNullable: false), new ListField("embedding", new DataField("element", typeof(float), isNullable: false)));
            var fields = schema.DataFields;
            await using var writer = await ParquetWriter.CreateAsync(schema, stream).ConfigureAwait(false);
            foreach (var group in embeddings.Chunk(Math.Max(1, GroupNumbers / width)))
            {
                var values = new float[group.Length * width];
                var repetitions = new int[values.Length]; // 0 where a vector begins
                Array.Fill(repetitions, fields[1].MaxRepetitionLevel);
                var definitions = new int[values.Length];
                Array.Fill(definitions, fields[1].MaxDefinitionLevel);
                for (var i = 0; i < group.Length; i++)
                {
                    group[i].Vector.CopyTo(values.AsSpan(i * width));
                    repetitions[i * width] = 0;
                }
                using var rows = writer.CreateRowGroup();
                await rows.WriteAsync(fields[0], [.. group.Select(embedding => embedding.Name)]).ConfigureAwait(false);
                await rows.WriteAllPartsAsync<float>(fields[1], values, definitions, repetitions, CancellationToken.None).ConfigureAwait(false);
                count += group.Length;
            }
            RequireSome(count, path);
        }
    }

    static void RequireSome(long count, string path)
    {
        if (count == 0)
            throw new TandemException(ErrorKind.Input, "not one sample could be read, so nothing was written", path, "at least one sample that can be read");
    }

    static string OneLine(string name) => name.ReplaceLineEndings(" ");
}
