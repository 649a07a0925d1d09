using System.Text.Json;
using Tandem.Tests.Models;
using Xunit;

namespace Tandem.Tests.Cli;

/// <summary>evaluate and embed with an encoder of texts, as people start them.</summary>
public sealed class TextModelTests : IDisposable
{
    readonly TemporaryFolder folder = new();

    public TextModelTests() => TinyTextModel.Save(folder["model"]);

    public void Dispose() => folder.Dispose();

    TandemProgram.Result Run(params string[] arguments) => TandemProgram.RunWith([("TANDEM_CACHE", folder["cache"])], arguments);

    void Sentences(string name, int count, int from) => folder.Write(name, "sentence\tlabel\n" + string.Concat(Enumerable.Range(from, count).Select(i => i % 2 == 0 ? $"the cat sat {i} on a mat\t0\n" : $"dogs run {i} after balls\t1\n")));

    void Pairs(string name, int count, bool scored) => folder.Write(name, "sentence1\tsentence2\t" + (scored ? "score" : "label") + "\n" + string.Concat(Enumerable.Range(0, count).Select(i =>
        i % 2 == 0 ? $"the cat {i} sat\tthe cat {i} sat\t{(scored ? $"4.{i % 10}00" : "same")}\n" : $"the cat {i} sat\ta dog ran after the ball\t{(scored ? $"0.{i % 10}00" : "other")}\n")));

    [Fact]
    public void SentencesArePredicted()
    {
        Sentences("train.tsv", 40, 0);
        Sentences("test.tsv", 20, 100);
        var result = Run("evaluate", "knn,linear", folder["model"], $"train={folder["train.tsv"]}", $"test={folder["test.tsv"]}", "k=3", "--json");
        Assert.True(result.ExitCode == 0, result.Error);
        var probes = JsonDocument.Parse(result.Output).RootElement.GetProperty("probes").EnumerateArray().ToList();
        Assert.Equal(["trained", "trained", "untrained", "untrained", "tokens", "tokens"], probes.Select(probe => probe.GetProperty("encoder").GetString()));
        Assert.All(probes, probe => Assert.Equal(20, probe.GetProperty("samples").GetInt32()));
        Assert.Equal(1, probes[5].GetProperty("accuracy").GetDouble());
    }

    [Fact]
    public void PairsArePredictedOrComparedWithTheirScores()
    {
        Pairs("pairs-train.tsv", 40, scored: false);
        Pairs("pairs-test.tsv", 20, scored: false);
        var classes = Run("evaluate", "linear", folder["model"], $"train={folder["pairs-train.tsv"]}", $"test={folder["pairs-test.tsv"]}", "--json");
        Assert.True(classes.ExitCode == 0, classes.Error);
        Assert.Equal(1, JsonDocument.Parse(classes.Output).RootElement.GetProperty("probes")[0].GetProperty("accuracy").GetDouble());
        Pairs("sts-train.tsv", 40, scored: true);
        Pairs("sts-test.tsv", 20, scored: true);
        string[] scored = [$"train={folder["sts-train.tsv"]}", $"test={folder["sts-test.tsv"]}"];
        var similarity = Run(["evaluate", "similarity", folder["model"], .. scored, "--json"]);
        Assert.True(similarity.ExitCode == 0, similarity.Error);
        var probe = JsonDocument.Parse(similarity.Output).RootElement.GetProperty("probes")[0];
        Assert.True(probe.GetProperty("spearman").GetDouble() > 0.5);
        Assert.True(probe.GetProperty("settings").TryGetProperty("layer", out _));
        var table = Run(["evaluate", "similarity", folder["model"], .. scored]);
        Assert.Matches(@"(?m)^probe +encoder +Spearman +95 % interval +Pearson +settings", table.Output);
        Assert.Matches(@"(?m)^similarity +tokens +0\.\d+", table.Output);
        var mixed = Run(["evaluate", "knn,similarity", folder["model"], .. scored]);
        Assert.Equal(3, mixed.ExitCode);
        Assert.Contains("has scores, no classes", mixed.Error);
        var other = Run("evaluate", "similarity", folder["model"], $"train={folder["pairs-train.tsv"]}", $"test={folder["pairs-test.tsv"]}");
        Assert.Equal(3, other.ExitCode);
        Assert.Contains("has classes, no scores", other.Error);
    }

    [Fact]
    public void AVectorOfATextIsTheSameAloneAndAmongLongerOnes()
    {
        folder.Write("one.txt", "the cat sat\n");
        folder.Write("many.txt", "the cat sat\n" + string.Concat(Enumerable.Range(0, 30).Select(i => string.Concat(Enumerable.Repeat("the dog ran ", i % 9)) + "home\n")));
        var alone = Vectors("one.txt");
        var among = Vectors("many.txt");
        Assert.Equal(31, among.Count);
        Assert.Equal("one.txt:1", alone[0].Name[^9..]);
        Assert.All(alone[0].Vector.Zip(among[0].Vector), pair => Assert.Equal(pair.First, pair.Second, 1e-4));
    }

    List<(string Name, double[] Vector)> Vectors(string file)
    {
        var result = Run("embed", folder["model"], folder[file], $"out={folder[file + ".jsonl"]}");
        Assert.True(result.ExitCode == 0, result.Error);
        return [.. File.ReadAllLines(folder[file + ".jsonl"]).Select(line => JsonDocument.Parse(line).RootElement)
            .Select(row => (row.GetProperty("name").GetString()!, row.GetProperty("embedding").EnumerateArray().Select(value => value.GetDouble()).ToArray()))];
    }

    [Fact]
    public void AVocabularyThatDoesNotFitIsRefused()
    {
        var file = folder["model", "preprocessing.json"];
        File.WriteAllText(file, File.ReadAllText(file).Replace("\"tokenizer_fingerprint\": \"", "\"tokenizer_fingerprint\": \"0", StringComparison.Ordinal));
        folder.Write("one.txt", "the cat sat\n");
        var result = Run("embed", folder["model"], folder["one.txt"], $"out={folder["x.npy"]}");
        Assert.Equal(3, result.ExitCode);
        Assert.Contains("vocabulary that does not fit", result.Error);
        File.Delete(folder["model", "tokenizer.json"]);
        Assert.Contains("tokenizer.json", Run("embed", folder["model"], folder["one.txt"], $"out={folder["x.npy"]}").Error);
    }
}
