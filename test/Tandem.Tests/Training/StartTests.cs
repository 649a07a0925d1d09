using System.Text.Json;
using Tandem.Runs;
using Tandem.Tests.Cli;
using Tandem.Tests.Data;
using Xunit;

namespace Tandem.Tests.Training;

/// <summary>What is wrong is found before anything is written, and what goes on goes on with what it began with.</summary>
public sealed class StartTests
{
    static TandemProgram.Result Run(TemporaryFolder folder, params string[] arguments) => TandemProgram.RunWith(TinyRun.Environment(folder), arguments);

    static JsonElement LastLine(string output) => JsonDocument.Parse(output.TrimEnd('\n').Split('\n')[^1]).RootElement;

    [Theory]
    [InlineData(3, "test=nowhere")]
    [InlineData(3, "init=nowhere")]
    [InlineData(2, "data.batch=0")]
    [InlineData(2, "data.mean=0.5")]
    [InlineData(2, "evaluate.layer=3")]
    [InlineData(2, "model.front_end.input_size=18")]
    public void AStartThatFailsLeavesTheFolderFree(int code, string setting)
    {
        using var folder = new TemporaryFolder();
        var result = Run(folder, ["pretrain", .. TinyRun.Recipe(folder, "run", "steps=2", setting)]);
        Assert.True(result.ExitCode == code, result.Error);
        Assert.False(Directory.Exists(folder["run"]));
        Assert.Equal(code, Run(folder, ["pretrain", .. TinyRun.Recipe(folder, "run", "steps=2", setting, "--dry-run")]).ExitCode);
    }

    [Fact]
    public void LabelsThatNeighboursDoNotHaveAreFoundBeforeTheFolderIsMade()
    {
        using var folder = new TemporaryFolder();
        PictureMaker.Tree(folder["judged"], 3, 4);
        string[] arguments = ["pretrain", .. TinyRun.Recipe(folder, "run", "steps=2", $"test={folder["judged"]}", "labels=folder")];
        var result = Run(folder, arguments);
        Assert.True(result.ExitCode == 3, result.Error);
        Assert.Contains("unknown in the training data: c", result.Error);
        Assert.False(Directory.Exists(folder["run"]));
        Directory.Delete(folder["judged", "c"], recursive: true);
        Assert.Equal(0, Run(folder, arguments).ExitCode);
    }

    [Fact]
    public void ARecipeOfAPersonsOwnIsNoRunAndStaysAsItIs()
    {
        using var folder = new TemporaryFolder();
        folder.Write("run/recipe.json", "{\"base\": \"data2vec2/images-mini\"}");
        folder.Write("run/samples/mine.txt", "mine");
        var result = Run(folder, ["pretrain", .. TinyRun.Recipe(folder, "run", "steps=2")]);
        Assert.Equal(2, result.ExitCode);
        Assert.DoesNotContain("runs rm", result.Error);
        Assert.Equal(2, Run(folder, "runs", "rm", folder["run"], "yes=true").ExitCode);
        Assert.Equal(["recipe.json", "samples"], new DirectoryInfo(folder["run"]).EnumerateFileSystemInfos().Select(entry => entry.Name).Order(StringComparer.Ordinal));
        Assert.True(File.Exists(folder["run", "samples", "mine.txt"]));
    }

    [Fact]
    public void RmLeavesWhatIsNotTheRunsOwnInItsFolders()
    {
        using var folder = new TemporaryFolder();
        SmallRun(folder["run"]);
        folder.Write("run/samples/mine-step-5.json", "{}");
        folder.Write("run/samples/map-step-00000010.json", "{}");
        folder.Write("run/checkpoints/keep/model.txt", "mine");
        var removed = Run(folder, "runs", "rm", folder["run"], "yes=true", "--json");
        Assert.True(removed.ExitCode == 0, removed.Error);
        var kept = JsonDocument.Parse(removed.Output).RootElement.GetProperty("runs")[0].GetProperty("kept").EnumerateArray().Select(name => name.GetString()).ToList();
        Assert.Equal(["checkpoints/keep", "samples/mine-step-5.json"], kept);
        Assert.Equal(["checkpoints/keep/model.txt", "samples/mine-step-5.json"],
            Directory.EnumerateFiles(folder["run"], "*", SearchOption.AllDirectories).Select(file => Path.GetRelativePath(folder["run"], file)).Order(StringComparer.Ordinal));
    }

    static void SmallRun(string path) => Runs.SmallRun.Write(path);

    [Fact]
    public void ResumingRefusesOtherDataAndOtherNumbersAndKeepsTheRecipesName()
    {
        using var folder = new TemporaryFolder();
        Assert.Equal(0, Run(folder, ["pretrain", .. TinyRun.Recipe(folder, "run", "steps=4")]).ExitCode);
        var run = folder["run"];
        Assert.Equal(2, Run(folder, "resume", run, "--seed", "2").ExitCode);
        Assert.Equal(2, Run(folder, "resume", run, "--precision", "float32").ExitCode);
        var before = Directory.GetLastWriteTimeUtc(run);
        var plan = Run(folder, "resume", run, "--dry-run", "--json", "--threads", "1");
        Assert.True(plan.ExitCode == 0, plan.Error);
        Assert.Equal(1, JsonDocument.Parse(plan.Output).RootElement.GetProperty("plan").GetProperty("threads").GetInt32());
        Assert.Equal(before, Directory.GetLastWriteTimeUtc(run));

        // A run of an earlier version: a default of a setting that is no more.
        var recipe = File.ReadAllText(folder["run", "recipe.json"]);
        File.WriteAllText(folder["run", "recipe.json"], recipe.Replace("\"steps\": {\n        \"value\": 4", "\"gone\": {\n        \"value\": 7,\n        \"origin\": \"default\"\n      },\n      \"steps\": {\n        \"value\": 6", StringComparison.Ordinal));
        var resumed = Run(folder, "resume", run);
        Assert.True(resumed.ExitCode == 0, resumed.Error);
        Assert.Equal(6, RunFolder.Read(run).Status().Step);
        var config = File.ReadAllText(Path.Combine(RunFolder.Read(run).LastCheckpoint()!, "model", "config.json"));
        Assert.Contains("data2vec2/images-mini", config);
        Assert.DoesNotContain("recipe.json", config);

        File.WriteAllBytes(folder["pictures", "a", "new.ppm"], PictureMaker.Ppm(77));
        var other = Run(folder, "resume", run);
        Assert.Equal(3, other.ExitCode);
        Assert.Contains("24 samples", other.Error);
        Assert.Contains("25", other.Error);
    }

    [Fact]
    public void ABudgetOutlivesAnEarlyInterruption()
    {
        using var folder = new TemporaryFolder();
        // The first checkpoint is that of an interruption: at once.
        string[] arguments = ["pretrain", .. TinyRun.Recipe(folder, "run", "steps=100000", "budget=8s", "data.batch=24", "data.micro_batches=8", "run.log_every=1"), "--json", "--threads", "1"];
        using (var process = TandemProgram.Start(TinyRun.Environment(folder), arguments))
        {
            _ = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
            while (process.StandardOutput.ReadLine() is { } line && !line.Contains("\"event\":\"start\"", StringComparison.Ordinal))
            {
                // Until the first step is about to come.
            }
            using var kill = System.Diagnostics.Process.Start("kill", ["-TERM", process.Id.ToString()]);
            kill.WaitForExit();
            process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            Assert.Equal(143, process.ExitCode);
        }
        Assert.InRange(RunFolder.Read(folder["run"]).Status().Step, 0, 15);
        var resumed = Run(folder, "resume", folder["run"]);
        Assert.True(resumed.ExitCode == 0, resumed.Error);
        Assert.InRange(RunFolder.Read(folder["run"]).Status().Steps, 17, 99_999);
        var steps = Metrics.Read(folder["run", "metrics.jsonl"]).Select(line => line.Step).ToList();
        Assert.Equal(steps.Distinct(), steps);
    }

    [Fact]
    public void TheLastJsonLineTellsOfTheError()
    {
        using var folder = new TemporaryFolder();
        var broken = Run(folder, ["pretrain", .. TinyRun.Recipe(folder, "run", "steps=400", "optimizer.learning_rate=1e30", "optimizer.clip_norm=0", "schedule.warmup=3", "--json")]);
        Assert.Equal(5, broken.ExitCode);
        var end = LastLine(broken.Output);
        Assert.Equal("end", end.GetProperty("event").GetString());
        Assert.Equal("collapsed", end.GetProperty("state").GetString());
        Assert.Equal("training", end.GetProperty("error").GetProperty("kind").GetString());
        var early = Run(folder, ["pretrain", .. TinyRun.Recipe(folder, "other", "steps=4", "test=nowhere", "--json")]);
        Assert.Equal(3, early.ExitCode);
        Assert.Equal("input", LastLine(early.Output).GetProperty("error").GetProperty("kind").GetString());
    }

    [Fact]
    public void NeighboursAreNotLookedForAmongWhatIsJudged()
    {
        using var folder = new TemporaryFolder();
        PictureMaker.Tree(folder["set", "train"], 2, 12);
        // The same names, other pixels: a picture that is its own neighbour would be told always.
        for (var i = 0; i < 24; i++)
            File.WriteAllBytes(Path.Combine(Directory.CreateDirectory(folder["set", "test", i % 2 == 0 ? "a" : "b"]).FullName, $"{i}.ppm"), PictureMaker.Ppm(5000 + i));
        foreach (var more in new[] { Array.Empty<string>(), ["evaluate.train_split=train", "evaluate.test_split=test"] })
        {
            var name = $"run{more.Length}";
            var result = Run(folder, ["pretrain", .. TinyRun.Recipe(folder, name, ["steps=2", $"data={folder["set"]}", $"test={folder["set"]}", "evaluate.labels=folder", "evaluate.k=1", .. more])]);
            Assert.True(result.ExitCode == 0, result.Error);
            var told = Metrics.Read(folder[name, "metrics.jsonl"]).Select(line => line.Values.GetValueOrDefault("eval/knn", 0)).Max();
            Assert.InRange(told, 0.1, 0.95);
        }
    }
}
