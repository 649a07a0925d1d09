using System.Text.Json;
using Tandem.Data.Text;

namespace Tandem.Verify.Text;

/// <summary>Kind <c>train_bpe</c> of method <c>tokenizers</c>: a vocabulary from a corpus, merge for merge.</summary>
sealed class TrainBpeKind : ICaseKind
{
    public string Method => "tokenizers";

    public IReadOnlyList<string> Kinds => ["train_bpe"];

    public void Check(GoldenCase golden, Comparison comparison, string device)
    {
        golden.Config.WithoutEffect("initial_alphabet").Only("unit", "a line with its line feed").Only("split", "gpt2");
        string[] special = golden.Config.Has("special_tokens") ? golden.Config.GetStrings("special_tokens") : [];
        var trained = BpeTraining.Train(golden.File("corpus.txt"), new() { Format = "text" }, new()
        {
            Size = golden.Config.GetInt("vocab_size") - special.Length,
            MinFrequency = golden.Config.GetLong("min_frequency"),
        });
        var merges = File.ReadLines(golden.File("merges.txt")).Where(line => line.Length > 0 && !line.StartsWith("#version", StringComparison.Ordinal));
        Same(comparison, "merges", merges, trained.Merges.Select(merge => $"{merge.Left} {merge.Right}"));
        Same(comparison, "counts", File.ReadLines(golden.File("counts.txt")).Where(line => line.Length > 0), trained.Counts.Select(count => count.ToString(System.Globalization.CultureInfo.InvariantCulture)));
        using var vocabulary = JsonDocument.Parse(File.ReadAllBytes(golden.File("vocab.json")));
        string[] tokens = [.. special, .. trained.Tokens];
        Same(comparison, "vocabulary", vocabulary.RootElement.EnumerateObject().OrderBy(entry => entry.Value.GetInt32()).Select(entry => $"{entry.Value} {entry.Name}"), tokens.Select((token, id) => $"{id} {token}"));
        comparison.Value("vocabulary_size", tokens.Length);
    }

    static void Same(Comparison comparison, string what, IEnumerable<string> expected, IEnumerable<string> actual)
    {
        string[] a = [.. expected], b = [.. actual];
        var common = a.AsSpan().CommonPrefixLength(b);
        if (common < Math.Max(a.Length, b.Length))
            comparison.Fail($"{what}: entry {common} is {(common < b.Length ? b[common] : "missing")} instead of {(common < a.Length ? a[common] : "nothing")}");
    }
}
