using System.IO.Compression;
using System.Text;
using System.Text.Json;

namespace Tandem.Data.Text;

/// <summary>Reads the files in which tokenizers are published. Each may be gzipped, with <c>.gz</c> behind its name.</summary>
public static class TokenizerFiles
{
    const long Largest = 512L << 20;

    /// <summary>Opens what a folder holds, or the folder of a file.</summary>
    /// <param name="path">A folder, or one of the files in it.</param>
    internal static Tokenizer Load(string path)
    {
        if (File.Exists(path))
        {
            if (Path.GetFileName(path) is var name && (name.EndsWith(".json", StringComparison.Ordinal) || name.EndsWith(".json.gz", StringComparison.Ordinal)) && IsTokenizerJson(path))
                return JsonTokenizer.Load(path);
            path = Path.GetDirectoryName(Path.GetFullPath(path))!;
        }
        if (!Directory.Exists(path))
            throw new TandemException(ErrorKind.Input, "there is no such folder", path, "a folder with a tokenizer's files");
        if (Find(path, "tokenizer.json") is { } json)
            return JsonTokenizer.Load(json);
        if (Find(path, "dict.txt") is not null && Find(path, "vocab.bpe") is not null)
            return Roberta(path);
        if (Find(path, "vocab.bpe") is not null || Find(path, "merges.txt") is not null)
            return Gpt2(path);
        if (Find(path, "vocab.txt") is not null)
            return BertWordPiece(path, new() { LowerCase = LowerCase(path) });
        throw NoTokenizer(path);
    }

    /// <summary>The files that <see cref="Tokenizer.Load"/> reads for a path: what has to be copied for the same tokenizer elsewhere.</summary>
    /// <param name="path">A folder, or one of the files in it.</param>
    /// <returns>Paths of the files, by name.</returns>
    /// <exception cref="TandemException"><see cref="ErrorKind.Input"/>: there is no tokenizer.</exception>
    public static IReadOnlyList<string> FilesOf(string path)
    {
        if (File.Exists(path))
        {
            if (Path.GetFileName(path) is var name && (name.EndsWith(".json", StringComparison.Ordinal) || name.EndsWith(".json.gz", StringComparison.Ordinal)) && IsTokenizerJson(path))
                return [path];
            path = Path.GetDirectoryName(Path.GetFullPath(path))!;
        }
        if (!Directory.Exists(path))
            throw new TandemException(ErrorKind.Input, "there is no such folder", path, "a folder with a tokenizer's files");
        if (Find(path, "tokenizer.json") is { } json)
            return [json];
        var merges = Find(path, "vocab.bpe") ?? Find(path, "merges.txt");
        var dictionary = Find(path, "vocab.bpe") is null ? null : Find(path, "dict.txt");
        string?[] files = merges is not null
            ? [Find(path, "encoder.json") ?? Find(path, "vocab.json"), merges, dictionary]
            : [Find(path, "vocab.txt"), Find(path, "tokenizer_config.json")];
        return merges is null && files[0] is null ? throw NoTokenizer(path) : [.. files.OfType<string>().Order(StringComparer.Ordinal)];
    }

    static TandemException NoTokenizer(string folder) =>
        new(ErrorKind.Input, "the folder holds no tokenizer", folder, "tokenizer.json; or encoder.json and vocab.bpe, with dict.txt for fairseq's ids; or vocab.json and merges.txt; or vocab.txt");

    /// <summary>GPT-2's encoding: <c>vocab.bpe</c> with <c>encoder.json</c> (which follows from it when missing), or <c>merges.txt</c> with <c>vocab.json</c>.</summary>
    /// <exception cref="TandemException"><see cref="ErrorKind.Input"/>: a file is missing or damaged.</exception>
    public static ByteLevelBpe Gpt2(string folder)
    {
        var merges = Merges(Find(folder, "vocab.bpe") ?? Required(folder, "merges.txt"));
        return new(Vocabulary(folder, merges), merges);
    }

    /// <summary>fairseq's ids for RoBERTa and data2vec: GPT-2's files and <c>dict.txt</c>.</summary>
    /// <exception cref="TandemException"><see cref="ErrorKind.Input"/>: a file is missing or damaged.</exception>
    public static RobertaTokenizer Roberta(string folder)
    {
        var merges = Merges(Required(folder, "vocab.bpe"));
        var dictionary = Required(folder, "dict.txt");
        return new(Vocabulary(folder, merges), merges, RobertaTokenizer.ReadDictionary(Lines(dictionary), dictionary));
    }

    /// <summary>BERT's WordPiece: <c>vocab.txt</c>.</summary>
    /// <exception cref="TandemException"><see cref="ErrorKind.Input"/>: the file is missing or damaged.</exception>
    public static WordPiece BertWordPiece(string folder, WordPieceOptions? options = null)
    {
        var vocabulary = new Dictionary<string, int>(StringComparer.Ordinal);
        var id = 0;
        foreach (var line in Lines(Required(folder, "vocab.txt")))
            vocabulary[PythonStrip(line)] = id++;
        return new(vocabulary, options);
    }

    /// <summary>Merges: a pair a line, parted by a blank, behind a comment that begins with <c>#version</c>.</summary>
    internal static List<(string Left, string Right)> Merges(string file)
    {
        var merges = new List<(string, string)>();
        var number = 0;
        foreach (var line in Lines(file))
        {
            number++;
            if (line.Length == 0 || (number == 1 && line.StartsWith("#version", StringComparison.Ordinal)))
                continue;
            var pair = line.Split(' ');
            if (pair.Length != 2 || pair[0].Length == 0 || pair[1].Length == 0)
                throw FileFault.Inconsistent.Error($"'{line}' is no merge", $"{file}, line {number}", "two tokens, parted by a blank");
            merges.Add((pair[0], pair[1]));
        }
        return merges;
    }

    static Dictionary<string, int> Vocabulary(string folder, List<(string Left, string Right)> merges) =>
        (Find(folder, "encoder.json") ?? Find(folder, "vocab.json")) is { } file ? Vocabulary(file) : ByteLevelBpe.VocabularyOf(merges);

    /// <summary>A vocabulary as a JSON object: text to id.</summary>
    internal static Dictionary<string, int> Vocabulary(string file)
    {
        var vocabulary = new Dictionary<string, int>(StringComparer.Ordinal);
        using var document = Json(file);
        if (document.RootElement.ValueKind != JsonValueKind.Object)
            throw FileFault.Inconsistent.Error("the vocabulary is no JSON object", file, "token texts with their ids");
        foreach (var entry in document.RootElement.EnumerateObject())
            vocabulary[entry.Name] = entry.Value.ValueKind == JsonValueKind.Number && entry.Value.TryGetInt32(out var id) ? id : throw FileFault.Inconsistent.Error($"the id of '{entry.Name}' is no whole number", file);
        return vocabulary;
    }

    /// <summary>A JSON file, perhaps gzipped.</summary>
    internal static JsonDocument Json(string file)
    {
        try
        {
            return JsonDocument.Parse(Read(file));
        }
        catch (JsonException cause)
        {
            throw FileFault.Inconsistent.Error($"this is no JSON: {cause.Message}", file, inner: cause);
        }
    }

    static bool IsTokenizerJson(string file)
    {
        using var document = Json(file);
        return document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.TryGetProperty("model", out _);
    }

    static bool LowerCase(string folder)
    {
        if (Find(folder, "tokenizer_config.json") is not { } file)
            return true;
        using var document = Json(file);
        return !(document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.TryGetProperty("do_lower_case", out var lower) && lower.ValueKind == JsonValueKind.False);
    }

    static string? Find(string folder, string name) => new[] { Path.Combine(folder, name), Path.Combine(folder, name + ".gz") }.FirstOrDefault(File.Exists);

    static string Required(string folder, string name) => Find(folder, name) ?? throw new TandemException(ErrorKind.Input, $"{name} is missing", folder, $"{name} or {name}.gz");

    static byte[] Read(string file)
    {
        try
        {
            using var stream = File.OpenRead(file);
            using Stream plain = file.EndsWith(".gz", StringComparison.Ordinal) ? new GZipStream(stream, CompressionMode.Decompress) : stream;
            using var whole = new MemoryStream();
            var buffer = new byte[1 << 16];
            while (plain.Read(buffer) is > 0 and var read)
            {
                whole.Write(buffer.AsSpan(0, read));
                if (whole.Length > Largest)
                    throw FileFault.TooLarge.Error($"a tokenizer's file of more than {Largest >> 20} MiB", file);
            }
            return whole.ToArray();
        }
        catch (InvalidDataException cause)
        {
            throw FileFault.Inconsistent.Error("the compressed file is damaged", file, inner: cause);
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            throw Sources.FileSet.Unreadable(file, cause);
        }
    }

    // Lines end at line feeds only: vocabularies hold other line breaks as tokens.
    static string[] Lines(string file)
    {
        string text;
        try
        {
            text = new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(Read(file));
        }
        catch (DecoderFallbackException cause)
        {
            throw FileFault.Inconsistent.Error("the file is not UTF-8", file, inner: cause);
        }
        var lines = text.TrimStart('\uFEFF').Split('\n');
        for (var i = 0; i < lines.Length; i++)
            lines[i] = lines[i].EndsWith('\r') ? lines[i][..^1] : lines[i];
        return lines[^1].Length == 0 ? lines[..^1] : lines;
    }

    static string PythonStrip(string line)
    {
        int start = 0, end = line.Length;
        while (start < end && Characters.IsPythonSpace(line[start]))
            start++;
        while (end > start && Characters.IsPythonSpace(line[end - 1]))
            end--;
        return line[start..end];
    }
}
