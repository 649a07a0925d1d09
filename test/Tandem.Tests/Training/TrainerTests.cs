using System.Text.Json.Nodes;
using Tandem.Recipes;
using Tandem.Runs;
using Tandem.Tests.Cli;
using Tandem.Torch;
using Tandem.Training;
using Xunit;

namespace Tandem.Tests.Training;

public sealed class TrainerTests
{
    [Fact]
    public void ALossThatIsNotFiniteStopsWithAUsableCheckpoint()
    {
        using var folder = new TemporaryFolder();
        var result = TandemProgram.RunWith(TinyRun.Environment(folder), ["pretrain", .. TinyRun.Recipe(folder, "run", "steps=400", "optimizer.learning_rate=1e30", "optimizer.clip_norm=0", "schedule.warmup=3")]);
        Assert.Equal((int)ErrorKind.Training, result.ExitCode);
        Assert.Contains("learning_rate", result.Error);
        var run = RunFolder.Read(folder["run"]);
        Assert.Equal(RunState.Collapsed, run.Status().State);
        var weights = Tandem.Models.Formats.Safetensors.ReadAll(Path.Combine(run.LastCheckpoint()!, "model", "model.safetensors"));
        Assert.All(weights.Values.Where(w => w.Type == ScalarType.Float), w => Assert.True(w.As<float>().ToArray().All(float.IsFinite)));
    }

    [Fact]
    public void ABudgetBecomesANumberOfStepsInTheRecipe()
    {
        using var folder = new TemporaryFolder();
        var result = TandemProgram.RunWith(TinyRun.Environment(folder), ["pretrain", .. TinyRun.Recipe(folder, "run", "steps=100000", "budget=4s")]);
        Assert.True(result.ExitCode == 0, result.Error);
        var recipe = RecipeDocument.Parse(File.ReadAllText(folder["run", "recipe.json"]));
        var steps = PretrainingRecipe.Read(recipe).Run.Steps;
        Assert.InRange(steps, 17, 99_999);
        Assert.Contains("measured", recipe.OriginOf("run.steps").ToString());
        Assert.Equal(steps, RunFolder.Read(folder["run"]).Status().Step);
    }

    [Fact]
    public void ABudgetCountsHoweverFewStepsARecipeHas()
    {
        using var folder = new TemporaryFolder();
        var result = TandemProgram.RunWith(TinyRun.Environment(folder), ["pretrain", .. TinyRun.Recipe(folder, "run", "steps=5", "schedule.warmup=1", "budget=2s")]);
        Assert.True(result.ExitCode == 0, result.Error);
        Assert.InRange(RunFolder.Read(folder["run"]).Status().Steps, 17, 100_000);
    }

    [Fact]
    public void SamplesASecondDoNotDependOnTheLastBatch()
    {
        // Long recordings come few at a time, short ones many; each batch takes a second.
        var pace = new Pace();
        for (var step = 0; step < 60; step++)
            pace.Add(TimeSpan.FromSeconds(1), step % 3 == 2 ? 4 : 24);
        Assert.Equal(24, pace.SamplesPerSecond);
        Assert.Equal(TimeSpan.FromSeconds(1), pace.MedianAfter(4));
    }

    [Fact]
    public void PicturesAreReconstructedWhateverTheModelsWidthAndShownOnAMap()
    {
        using var folder = new TemporaryFolder();
        // A patch of 4 pixels has 48 values, the model is 32 wide.
        var result = TandemProgram.RunWith(TinyRun.Environment(folder), ["pretrain", .. TinyRun.Recipe(folder, "run", "steps=6", "objective.reconstruction_weight=1", "objective.reconstruction_end=4", "data.grey=0.5", "run.log_every=1")]);
        Assert.True(result.ExitCode == 0, result.Error);
        var run = RunFolder.Read(folder["run"]);
        var parts = Metrics.Read(run.MetricsPath).Where(line => line.Values.ContainsKey("loss")).Select(line => line.Values.TryGetValue("loss/reconstruction", out var part) ? part : double.NaN).ToList();
        Assert.All(parts[..3], part => Assert.InRange(part, 1e-6, 1e6));
        Assert.True(double.IsNaN(parts[^1]));
        Assert.NotNull(LookedSamples.Read(run)!.Sheet);
        Assert.NotEmpty(MapSamples.ReadAll(run, LookedSamples.Read(run)));
    }

    [Fact]
    public void AnotherProcessOnTheSameRunIsRefused()
    {
        using var folder = new TemporaryFolder();
        using var first = TandemProgram.Start(TinyRun.Environment(folder), ["pretrain", .. TinyRun.Recipe(folder, "run", "steps=100000")]);
        for (var tries = 0; tries < 200 && !File.Exists(folder["run", "metrics.jsonl"]); tries++)
            Thread.Sleep(50);
        var second = TandemProgram.RunWith(TinyRun.Environment(folder), "resume", folder["run"]);
        Assert.Equal((int)ErrorKind.Machine, second.ExitCode);
        Assert.Contains(first.Id.ToString(), second.Error);
        first.Kill();
        first.WaitForExit();
    }

    [Fact]
    public void InitTakesWeightsAndSaysWhatItTook()
    {
        using var folder = new TemporaryFolder();
        Assert.Equal(0, TandemProgram.RunWith(TinyRun.Environment(folder), ["pretrain", .. TinyRun.Recipe(folder, "first", "steps=5")]).ExitCode);
        var second = TandemProgram.RunWith(TinyRun.Environment(folder), ["pretrain", .. TinyRun.Recipe(folder, "second", "steps=1", $"init={folder["first"]}", "optimizer.learning_rate=0")]);
        Assert.True(second.ExitCode == 0, second.Error);
        Assert.Contains("starts as a copy", second.Output);
        Assert.Equal(TinyRun.Weights(folder["first"]).Student, TinyRun.Weights(folder["second"]).Student);
    }

    [Fact]
    public void InitFromAnotherShapeIsRefusedAndLeavesNothingBehind()
    {
        using var folder = new TemporaryFolder();
        Assert.Equal(0, TandemProgram.RunWith(TinyRun.Environment(folder), ["pretrain", .. TinyRun.Recipe(folder, "first", "steps=2")]).ExitCode);
        var second = TandemProgram.RunWith(TinyRun.Environment(folder), ["pretrain", .. TinyRun.Recipe(folder, "second", "steps=1", $"init={folder["first"]}", "model.trunk.block.width=64", "model.front_end.decoder.width=64")]);
        Assert.Equal((int)ErrorKind.Input, second.ExitCode);
        Assert.Contains("shape", second.Error);
        Assert.False(Directory.Exists(folder["second"]));
    }

    [Theory]
    [InlineData("optimizer.learning_rat=1e-3", ErrorKind.Usage, "optimizer.learning_rate")]
    [InlineData("optimizer.learning_rate=fast", ErrorKind.Usage, "learning_rate")]
    [InlineData("data=/nowhere/at/all", ErrorKind.Input, "/nowhere/at/all")]
    [InlineData("model.trunk.block.heads=5", ErrorKind.Usage, "heads")]
    [InlineData("objective.top_layers=0", ErrorKind.Usage, "top_layers")]
    [InlineData("data.grey=2", ErrorKind.Usage, "data.grey")]
    [InlineData("data.crop_min=1.5", ErrorKind.Usage, "crop_min")]
    [InlineData("run.device=cuda:7", ErrorKind.Machine, "GPU")]
    public void WrongSettingsAreOneClearErrorAndLeaveNothing(string setting, ErrorKind kind, string names)
    {
        using var folder = new TemporaryFolder();
        var result = TandemProgram.RunWith(TinyRun.Environment(folder), ["pretrain", .. TinyRun.Recipe(folder, "run", "steps=2", setting)]);
        Assert.Equal((int)kind, result.ExitCode);
        Assert.Contains(names, result.Error);
        Assert.False(Directory.Exists(folder["run"]));
    }

    [Fact]
    public void AnEmptyFolderIsAnInputError()
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder["empty"]);
        var result = TandemProgram.RunWith(TinyRun.Environment(folder), ["pretrain", .. TinyRun.Recipe(folder, "run", "steps=2", $"data={folder["empty"]}")]);
        Assert.Equal((int)ErrorKind.Input, result.ExitCode);
        Assert.False(Directory.Exists(folder["run"]));
    }

    [Fact]
    public void JsonLinesBeginAndEndAsPromised()
    {
        using var folder = new TemporaryFolder();
        var result = TandemProgram.RunWith(TinyRun.Environment(folder), ["pretrain", .. TinyRun.Recipe(folder, "run", "steps=6", "--json")]);
        var lines = result.Output.Trim().Split('\n').Select(l => JsonNode.Parse(l)!.AsObject()).ToList();
        Assert.Equal("start", lines[0]["event"]!.GetValue<string>());
        var end = lines[^1];
        Assert.Equal("end", end["event"]!.GetValue<string>());
        Assert.Equal("finished", end["state"]!.GetValue<string>());
        Assert.Equal(folder["run"], end["run"]!.GetValue<string>());
        Assert.Equal(6, end["step"]!.GetValue<int>());
        Assert.True(end.ContainsKey("loss") && end.ContainsKey("seconds") && end.ContainsKey("verdict"));
    }

    [Fact]
    public void ADryRunWritesNothing()
    {
        using var folder = new TemporaryFolder();
        var result = TandemProgram.RunWith(TinyRun.Environment(folder), ["pretrain", .. TinyRun.Recipe(folder, "run", "steps=6", "--dry-run")]);
        Assert.True(result.ExitCode == 0, result.Error);
        Assert.Contains("trained parameters", result.Output);
        Assert.False(Directory.Exists(folder["run"]));
    }
}
