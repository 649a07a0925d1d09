using System.Text.Json;
using Parquet.Serialization;
using Tandem.Models.Formats;
using Tandem.Runs;
using Tandem.Tests.Data;
using Tandem.Tests.Models;
using Tandem.Torch;
using Xunit;

namespace Tandem.Tests.Cli;

/// <summary>evaluate, embed, models and data as people start them.</summary>
public sealed class ModelCommandTests : IDisposable
{
    readonly TemporaryFolder folder = new();

    public ModelCommandTests()
    {
        PictureMaker.Tree(folder["train"], 3, 8);
        PictureMaker.Tree(folder["test"], 3, 3);
        TinyModel.Save(folder["model"]);
    }

    public void Dispose() => folder.Dispose();

    [Fact]
    public void EvaluateHasAResultForEveryProbeAndEncoder()
    {
        var result = Run("evaluate", "knn,linear", folder["model"], $"train={folder["train"]}", $"test={folder["test"]}", "k=3", "seed=4", "--json");
        Assert.True(result.ExitCode == 0, result.Error);
        var document = JsonDocument.Parse(result.Output).RootElement;
        var probes = document.GetProperty("probes").EnumerateArray().ToList();
        Assert.Equal(
            ["knn trained", "linear trained", "knn untrained", "linear untrained", "knn pixels", "linear pixels"],
            probes.Select(probe => $"{probe.GetProperty("probe").GetString()} {probe.GetProperty("encoder").GetString()}"));
        foreach (var probe in probes)
        {
            Assert.Equal(9, probe.GetProperty("samples").GetInt32());
            Assert.InRange(probe.GetProperty("accuracy").GetDouble(), probe.GetProperty("low").GetDouble(), probe.GetProperty("high").GetDouble());
            Assert.Equal(JsonValueKind.Object, probe.GetProperty("settings").ValueKind);
        }
        Assert.Equal(3, probes[0].GetProperty("settings").GetProperty("k").GetInt32());
        Assert.Equal(24, document.GetProperty("train").GetProperty("samples").GetInt32());
        Assert.Equal(folder["test"], document.GetProperty("test").GetProperty("path").GetString());
        Assert.Equal(folder["model"], document.GetProperty("model").GetString());
    }

    [Fact]
    public void ADryRunOfEvaluateRefusesWhatTheRealOneWould()
    {
        var plan = Run("evaluate", "knn", folder["model"], $"train={folder["train"]}", $"test={folder["test"]}", "k=3", "--dry-run");
        Assert.True(plan.ExitCode == 0, plan.Error);
        Assert.Contains("encoders: trained, untrained, pixels", plan.Output);
        Assert.Equal(2, Run("evaluate", "knn", folder["model"], $"train={folder["train"]}", $"test={folder["test"]}", "k=25", "--dry-run").ExitCode);
        Directory.CreateDirectory(folder["flat"]);
        foreach (var (file, i) in Directory.EnumerateFiles(folder["test"], "*", SearchOption.AllDirectories).Select((file, i) => (file, i)))
            File.Copy(file, folder["flat", $"{i}{Path.GetExtension(file)}"]);
        var unlabelled = Run("evaluate", "knn", folder["model"], $"train={folder["flat"]}", $"test={folder["test"]}", "k=3", "--dry-run");
        Assert.Equal(3, unlabelled.ExitCode);
        Assert.Contains("no labels", unlabelled.Error);
    }

    [Fact]
    public void WhoUsesACollapsedRunIsTold()
    {
        Runs.SmallRun.Write(folder["run"]);
        using (var run = RunFolder.Open(folder["run"]))
        {
            TinyModel.Save(Path.Combine(run.LastCheckpoint()!, "model"));
            run.WriteStatus(run.Status() with { State = RunState.Collapsed, Verdict = "collapsed" });
        }
        var embedded = Run("embed", folder["run"], folder["test"], $"out={folder["e.npy"]}");
        Assert.True(embedded.ExitCode == 0, embedded.Error);
        Assert.Contains("has collapsed", embedded.Error);
        Assert.DoesNotContain("has collapsed", Run("embed", folder["model"], folder["test"], $"out={folder["f.npy"]}").Error);
        Assert.Contains("has collapsed", Run("evaluate", "knn", folder["run"], $"train={folder["train"]}", $"test={folder["test"]}", "k=3", "--dry-run").Error);
    }

    [Fact]
    public void EvaluatePrintsOneTable()
    {
        var result = Run("evaluate", "knn", folder["model"], $"train={folder["train"]}", $"test={folder["test"]}", "k=3", "baselines=untrained", "limit=6");
        Assert.True(result.ExitCode == 0, result.Error);
        Assert.Matches(@"(?m)^probe +encoder +accuracy +95 % interval", result.Output);
        Assert.Matches(@"(?m)^knn +untrained +[\d.]+ % +[\d.]+ % to [\d.]+ %", result.Output);
        Assert.DoesNotContain("pixels", result.Output);
        Assert.Contains("6 training, 6 test samples", result.Output);
    }

    [Theory]
    [InlineData(2, "Did you mean labels?", "lables=folder")]
    [InlineData(2, "there is no probe 'knm'", "PROBE=knm")]
    [InlineData(2, "k cannot be 'many'", "k=many")]
    [InlineData(2, "only 24 training samples", "k=25")]
    [InlineData(2, "there is no baseline 'random'", "baselines=random")]
    [InlineData(2, "temperature has no effect", "temperature=0.1")]
    [InlineData(2, "train and test are the same pictures", "test=train")]
    [InlineData(2, "train and test are the same pictures", "test=train/../train")]
    [InlineData(3, "has no labels", "labels=none")]
    [InlineData(3, "the train data has no labels", "train=train/a")]
    [InlineData(3, "unknown in the training data: c", "train=two")]
    [InlineData(3, "the folder is empty", "test=nothing")]
    [InlineData(3, "there is no such", "test=missing")]
    [InlineData(3, "there is no such model", "MODEL=missing")]
    [InlineData(3, "there is no model in this folder", "MODEL=train")]
    public void EvaluateTellsWhatIsWrong(int code, string what, string change)
    {
        Directory.CreateDirectory(folder["nothing"]);
        PictureMaker.Tree(folder["two"], 2, 20);
        var (key, value) = (change.Split('=')[0], change.Split('=')[1]);
        string Path(string name) => folder[name.Split('/')];
        var words = new Dictionary<string, string>(StringComparer.Ordinal) { ["train"] = "train", ["test"] = "test" };
        if (key is "train" or "test")
            words[key] = value;
        List<string> call = ["evaluate", key == "PROBE" ? value : "knn", Path(key == "MODEL" ? value : "model"), $"train={Path(words["train"])}", $"test={Path(words["test"])}"];
        if (char.IsLower(key[0]) && key is not ("train" or "test"))
            call.Add(change);
        var result = Run([.. call]);
        Assert.True(result.ExitCode == code, result.Error + result.Output);
        Assert.Contains(what, result.Error, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public void OneClassIsNotEnough()
    {
        PictureMaker.Tree(folder["one"], 1, 30);
        PictureMaker.Tree(folder["other"], 1, 30);
        var result = Run("evaluate", "linear", folder["model"], $"train={folder["one"]}", $"test={folder["other"]}", "labels=folder");
        Assert.Equal(3, result.ExitCode);
        Assert.Contains("of one class, 'a'", result.Error);
    }

    [Fact]
    public void SamplesThatAreLearnedFromAndJudgedAreToldOf()
    {
        folder.Write("train.csv", "path,label\ntrain/a/0.ppm,a\ntrain/a/1.ppm,a\ntrain/b/0.ppm,b\ntrain/b/1.ppm,b\n");
        folder.Write("test.csv", "path,label\ntrain/a/1.ppm,a\ntrain/b/2.ppm,b\n");
        // The second time both sets come out of the cache.
        for (var time = 0; time < 2; time++)
        {
            var result = Run("evaluate", "knn", folder["model"], $"train={folder["train.csv"]}", $"test={folder["test.csv"]}", "k=1", "baselines=none");
            Assert.True(result.ExitCode == 0, result.Error);
            Assert.Contains("1 test picture is a training picture too", result.Error);
        }
    }

    [Fact]
    public void WhereNothingCanBeEmbeddedTheReasonIsSaid()
    {
        folder.Write("broken.ppm", "P6\n9 9\n255\nabc");
        var result = Run("embed", folder["model"], folder["broken.ppm"], $"out={folder["x.npy"]}");
        Assert.Equal(3, result.ExitCode);
        Assert.Contains("left out: ", result.Error);
        Assert.False(File.Exists(folder["x.npy"]));
    }

    [Theory]
    [InlineData(".npy")]
    [InlineData(".safetensors")]
    [InlineData(".jsonl")]
    [InlineData(".parquet")]
    public void EmbedWritesVectorsAndNames(string extension)
    {
        folder.Write("train/a/broken.ppm", "P6\n9 9\n255\nabc");
        var path = folder["out" + extension];
        var result = Run("embed", folder["model"], folder["train"], $"out={path}", "--json");
        Assert.True(result.ExitCode == 0, result.Error);
        var document = JsonDocument.Parse(result.Output).RootElement;
        Assert.Equal((path, 24, 1, 32), (document.GetProperty("out").GetString(), document.GetProperty("samples").GetInt32(), document.GetProperty("skipped").GetInt32(), document.GetProperty("width").GetInt32()));
        Assert.True(document.GetProperty("seconds").GetDouble() > 0);
        Assert.Contains("broken.ppm", result.Error);
        var (names, vectors) = Read(path);
        Assert.Equal("a/0.ppm", names[0]);
        Assert.Equal(24, names.Length);
        Assert.Equal(24 * 32, vectors.Length);
        using var encoder = Encoder.Load(folder["model"]);
        Assert.Equal(encoder.Embed([folder["train", "c", "7.ppm"]]).Single().Vector, vectors[^32..], (a, b) => Math.Abs(a - b) < 0.05);
    }

    [Fact]
    public void EmbedTakesSeveralInputsInTheirOrder()
    {
        string first = folder["test", "b", "0.ppm"], second = folder["test", "a", "1.ppm"];
        var result = Run("embed", folder["model"], first, second, folder["test", "c"], $"out={folder["out.jsonl"]}");
        Assert.True(result.ExitCode == 0, result.Error);
        Assert.Equal([first, second, folder["test", "c", "0.ppm"], folder["test", "c", "1.ppm"], folder["test", "c", "2.ppm"]], Read(folder["out.jsonl"]).Names);
    }

    [Theory]
    [InlineData(2, "cannot be written as '.csv'", "test", "out.csv")]
    [InlineData(2, "needs out=", "test", null)]
    [InlineData(3, "there is no such", "missing.jpg", "out.npy")]
    [InlineData(3, "the folder is empty", "nothing", "out.npy")]
    [InlineData(3, "not one sample could be read", "broken.ppm", "out.npy")]
    [InlineData(3, "not one sample could be read", "broken.ppm", "out.parquet")]
    [InlineData(4, "file", "test", "broken.ppm/out.npy")]
    public void EmbedTellsWhatIsWrongAndLeavesNothing(int code, string what, string input, string? output)
    {
        Directory.CreateDirectory(folder["nothing"]);
        folder.Write("broken.ppm", "P6\n9 9\n255\nabc");
        var before = Directory.GetFiles(folder.Path).Length;
        var result = Run(["embed", folder["model"], folder[input], .. output is null ? Array.Empty<string>() : [$"out={folder[output.Split('/')]}"]]);
        Assert.True(result.ExitCode == code, result.Error + result.Output);
        Assert.Contains(what, result.Error, StringComparison.OrdinalIgnoreCase);
        Assert.Equal(before, Directory.GetFiles(folder.Path).Length);
    }

    [Fact]
    public void ModelsAreListedTheDamagedOnesToo()
    {
        TinyModel.Save(folder["more", "deep", "model"]);
        File.WriteAllText(folder["model", "config.json"], "{}");
        var models = JsonDocument.Parse(Run("models", "ls", folder.Path, "--json").Output).RootElement.GetProperty("models").EnumerateArray().ToList();
        Assert.Equal(["model", "more/deep/model"], models.Select(model => model.GetProperty("path").GetString()));
        Assert.Equal(JsonValueKind.String, models[0].GetProperty("fault").ValueKind);
        Assert.Equal((2, 32, 16), (models[1].GetProperty("blocks").GetInt32(), models[1].GetProperty("width").GetInt32(), models[1].GetProperty("input").GetInt32()));
        Assert.Contains("No models in", Run("models", "ls", folder["train"]).Output);
        Assert.Equal(3, Run("models", "ls", folder["missing"]).ExitCode);
    }

    [Fact]
    public void InspectShowsTensorsOfModelsAndFiles()
    {
        var model = JsonDocument.Parse(Run("models", "inspect", folder["model"], "--json").Output).RootElement;
        Assert.Equal("model", model.GetProperty("kind").GetString());
        Assert.Equal(16, model.GetProperty("preprocessing").GetProperty("size").GetInt32());
        Assert.Equal(model.GetProperty("config").GetProperty("parameters").GetInt64(), model.GetProperty("parameters").GetInt64());
        var file = JsonDocument.Parse(Run("models", "inspect", folder["model", "model.safetensors"], "--json").Output).RootElement;
        Assert.Equal("safetensors", file.GetProperty("kind").GetString());
        Assert.Equal(model.GetProperty("tensors").GetRawText(), file.GetProperty("tensors").GetRawText());
        Assert.Contains("F32", Run("models", "inspect", folder["model"]).Output);
        Assert.Equal(3, Run("models", "inspect", folder["train", "a", "0.ppm"]).ExitCode);
    }

    [Fact]
    public void DataIsInspected()
    {
        folder.Write("train/b/broken.ppm", "P6\n9 9\n255\nabc");
        var result = Run("data", "inspect", folder["train"], "--json");
        var document = JsonDocument.Parse(result.Output).RootElement;
        Assert.Equal(25, document.GetProperty("samples").GetInt32());
        Assert.Equal(["a 8", "b 9", "c 8"], document.GetProperty("classes").EnumerateArray().Select(one => $"{one.GetProperty("name").GetString()} {one.GetProperty("samples").GetInt32()}"));
        Assert.Equal(12, document.GetProperty("width").GetProperty("median").GetInt32());
        Assert.Equal("b/broken.ppm", Assert.Single(document.GetProperty("bad").EnumerateArray()).GetProperty("name").GetString());
        Assert.Contains("1 of 25 looked at", Run("data", "inspect", folder["train"]).Output);
        Assert.Equal(3, Run("data", "inspect", folder["missing"]).ExitCode);
    }

    TandemProgram.Result Run(params string[] arguments) => TandemProgram.RunWith([("TANDEM_CACHE", folder["cache"])], arguments);

    static (string[] Names, float[] Vectors) Read(string path)
    {
        switch (Path.GetExtension(path))
        {
            case ".npy":
                return (File.ReadAllLines(EmbeddingFile.NamesPath(path)), Npy.Read(path).ToTensor().As<float>().ToArray());
            case ".safetensors":
                var tensors = Safetensors.ReadAll(path);
                Assert.Equal(ScalarType.Float, tensors["embeddings"].Type);
                return (System.Text.Encoding.UTF8.GetString(tensors["names"].Bytes).Split('\n'), tensors["embeddings"].As<float>().ToArray());
            case ".parquet":
                var rows = ParquetSerializer.DeserializeAsync<ParquetRow>(path).GetAwaiter().GetResult();
                return ([.. rows.Data.Select(row => row.name)], [.. rows.Data.SelectMany(row => row.embedding)]);
            default:
                var lines = File.ReadAllLines(path).Select(line => JsonDocument.Parse(line).RootElement).ToList();
                return ([.. lines.Select(line => line.GetProperty("name").GetString()!)], [.. lines.SelectMany(line => line.GetProperty("embedding").EnumerateArray().Select(value => value.GetSingle()))]);
        }
    }

    sealed record ParquetRow
    {
        [Parquet.Serialization.Attributes.ParquetRequired]
        public string name { get; set; } = "";

        public List<float> embedding { get; set; } = [];
    }
}
