using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Tandem.Data.Text;

/// <summary>
/// Writes a trained encoding in the forms that others read: <c>vocab.json</c> with <c>merges.txt</c>, and <c>tokenizer.json</c>. Special tokens have
/// RoBERTa's places: <c>&lt;s&gt;</c> 0, <c>&lt;pad&gt;</c> 1, <c>&lt;/s&gt;</c> 2, <c>&lt;unk&gt;</c> 3, <c>&lt;mask&gt;</c> last.
/// </summary>
public static class VocabularyFiles
{
    static readonly string[] front = ["<s>", "<pad>", "</s>", "<unk>"];
    const string MaskText = "<mask>";
    static readonly JsonWriterOptions plain = new() { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Special tokens that are written beside the trained ones.</summary>
    public static int SpecialCount => front.Length + 1;

    /// <summary>Writes the files, each as a whole.</summary>
    /// <exception cref="IOException">The folder cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder cannot be written.</exception>
    public static void Write(string folder, TrainedBpe trained)
    {
        Directory.CreateDirectory(folder);
        List<string> tokens = [.. front, .. trained.Tokens, MaskText];
        WriteWhole(folder, "vocab.json", stream =>
        {
            using var json = new Utf8JsonWriter(stream, plain);
            WriteVocabulary(json, tokens);
        });
        WriteWhole(folder, "merges.txt", stream =>
        {
            using var text = new StreamWriter(stream, new UTF8Encoding(false));
            text.Write("#version: 0.2\n");
            foreach (var (left, right) in trained.Merges)
                text.Write($"{left} {right}\n");
        });
        WriteWhole(folder, "tokenizer.json", stream =>
        {
            using var json = new Utf8JsonWriter(stream, plain);
            WriteTokenizer(json, tokens, trained.Merges);
        });
    }

    static void WriteVocabulary(Utf8JsonWriter json, List<string> tokens)
    {
        json.WriteStartObject();
        for (var id = 0; id < tokens.Count; id++)
            json.WriteNumber(tokens[id], id);
        json.WriteEndObject();
    }

    static void WriteTokenizer(Utf8JsonWriter json, List<string> tokens, IReadOnlyList<(string Left, string Right)> merges)
    {
        json.WriteStartObject();
        json.WriteString("version", "1.0");
        json.WriteNull("truncation");
        json.WriteNull("padding");
        json.WriteStartArray("added_tokens");
        foreach (var text in front.Append(MaskText))
        {
            json.WriteStartObject();
            json.WriteNumber("id", tokens.IndexOf(text));
            json.WriteString("content", text);
            json.WriteBoolean("single_word", false);
            // As RoBERTa's own file: the mask takes the blank before it.
            json.WriteBoolean("lstrip", text == MaskText);
            json.WriteBoolean("rstrip", false);
            json.WriteBoolean("normalized", false);
            json.WriteBoolean("special", true);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteNull("normalizer");
        WriteByteLevel(json, "pre_tokenizer");
        json.WriteStartObject("post_processor");
        json.WriteString("type", "RobertaProcessing");
        WritePair(json, "sep", "</s>", 2);
        WritePair(json, "cls", "<s>", 0);
        json.WriteBoolean("trim_offsets", true);
        json.WriteBoolean("add_prefix_space", false);
        json.WriteEndObject();
        WriteByteLevel(json, "decoder");
        json.WriteStartObject("model");
        json.WriteString("type", "BPE");
        json.WriteNull("dropout");
        json.WriteNull("unk_token");
        json.WriteNull("continuing_subword_prefix");
        json.WriteNull("end_of_word_suffix");
        json.WriteBoolean("fuse_unk", false);
        json.WriteBoolean("byte_fallback", false);
        json.WriteBoolean("ignore_merges", false);
        json.WritePropertyName("vocab");
        WriteVocabulary(json, tokens);
        json.WriteStartArray("merges");
        foreach (var (left, right) in merges)
            json.WriteStringValue($"{left} {right}");
        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteEndObject();
    }

    static void WriteByteLevel(Utf8JsonWriter json, string name)
    {
        json.WriteStartObject(name);
        json.WriteString("type", "ByteLevel");
        json.WriteBoolean("add_prefix_space", false);
        json.WriteBoolean("trim_offsets", true);
        json.WriteBoolean("use_regex", true);
        json.WriteEndObject();
    }

    static void WritePair(Utf8JsonWriter json, string name, string text, int id)
    {
        json.WriteStartArray(name);
        json.WriteStringValue(text);
        json.WriteNumberValue(id);
        json.WriteEndArray();
    }

    static void WriteWhole(string folder, string name, Action<Stream> write)
    {
        var beside = Path.Combine(folder, FormattableString.Invariant($".{name}.{Environment.ProcessId}.tmp"));
        try
        {
            using (var stream = new FileStream(beside, FileMode.Create, FileAccess.Write, FileShare.None))
                write(stream);
            File.Move(beside, Path.Combine(folder, name), overwrite: true);
        }
        finally
        {
            File.Delete(beside);
        }
    }
}
