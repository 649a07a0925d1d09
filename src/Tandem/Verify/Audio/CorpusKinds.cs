using System.Text.Json;
using Tandem.Data.Audio;

namespace Tandem.Verify.Audio;

/// <summary>Kinds <c>manifest</c> and <c>corpus_layout</c> of method <c>audio</c>.</summary>
sealed class CorpusKinds : ICaseKind
{
    public string Method => "audio";

    public IReadOnlyList<string> Kinds => ["manifest", "corpus_layout"];

    public void Check(GoldenCase golden, Comparison comparison, string device)
    {
        if (golden.Kind == "corpus_layout")
        {
            Layouts(golden, comparison);
            return;
        }
        var file = golden.File("train.tsv");
        var manifest = CorpusLists.ReadManifest(System.IO.File.ReadAllText(file), golden.Config.GetIntOrNull("min_sample_size"), file);
        comparison.Value("root", manifest.Root);
        comparison.Value("files", manifest.Entries.Select(entry => (object?)entry.Audio).ToList());
        comparison.Value("sizes", manifest.Entries.Select(entry => (object?)entry.Samples).ToList());
        comparison.Value("skipped", manifest.Skipped.Select(line => (object?)(long)line).ToList());
    }

    static void Layouts(GoldenCase golden, Comparison comparison)
    {
        string Text(string name) => System.IO.File.ReadAllText(golden.File(name));
        var transcripts = golden.Files.Where(name => name.EndsWith(".trans.txt", StringComparison.Ordinal)).Order(StringComparer.Ordinal);
        comparison.Value("librispeech", transcripts.SelectMany(name => CorpusLists.LibriSpeech(Text(name), name).Select(line => Record(
            ("id", line.Id), ("audio", $"{name[(name.IndexOf('/') + 1)..(name.LastIndexOf('/') + 1)]}{line.Id}.flac"), ("speaker", line.Speaker), ("chapter", line.Chapter), ("text", line.Text)))).ToList());
        comparison.Value("ljspeech", CorpusLists.LjSpeech(Text("ljspeech/metadata.csv"), "metadata.csv").Select(line => Record(
            ("audio", $"wavs/{line.Id}.wav"), ("text", line.Text), ("normalised", line.Normalised))).ToList());
        comparison.Value("commonvoice", CorpusLists.CommonVoice(Text("commonvoice/train.tsv"), "train.tsv").Select(line => Record(
            ("speaker", line.Entry.Speaker), ("audio", line.Entry.Audio), ("text", line.Entry.Text), ("up_votes", (long?)line.UpVotes), ("down_votes", (long?)line.DownVotes))).ToList());
        comparison.Value("speech_commands", new Dictionary<string, object?>(StringComparer.Ordinal)
        {
            ["validation"] = CorpusLists.SpeechCommands(Text("speech_commands/validation_list.txt")).Cast<object?>().ToList(),
            ["testing"] = CorpusLists.SpeechCommands(Text("speech_commands/testing_list.txt")).Cast<object?>().ToList(),
            // The recorded list says which files to sort.
            ["hash_split"] = golden.Values!.Value.GetProperty("speech_commands").GetProperty("hash_split").EnumerateArray().Select(Part).ToList(),
        });
        comparison.Value("voxceleb", new Dictionary<string, object?>(StringComparer.Ordinal)
        {
            ["identification"] = CorpusLists.VoxCelebIdentification(Text("voxceleb/iden_split.txt"), "iden_split.txt").Select(line => Record(
                ("split", line.Split), ("speaker", line.Speaker), ("audio", line.Audio))).ToList(),
            ["verification"] = CorpusLists.VoxCelebVerification(Text("voxceleb/veri_test.txt"), "veri_test.txt").Select(line => Record(
                ("same", line.Same), ("a", line.A), ("b", line.B))).ToList(),
        });
    }

    static object? Part(JsonElement told)
    {
        var file = told.GetProperty("file").GetString()!;
        var (key, percentage, split) = CorpusLists.SpeechCommandsPart(file);
        return Record(("file", file), ("key", key), ("percentage", percentage), ("split", split));
    }

    static object? Record(params ReadOnlySpan<(string Name, object? Value)> fields)
    {
        var record = new Dictionary<string, object?>(StringComparer.Ordinal);
        foreach (var (name, value) in fields)
            record[name] = value;
        return record;
    }
}
