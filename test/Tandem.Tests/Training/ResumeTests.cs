using System.Diagnostics;
using System.Text.Json;
using Tandem.Runs;
using Tandem.Tests.Cli;
using Tandem.Tests.Data;
using Xunit;

namespace Tandem.Tests.Training;

/// <summary>Runs that are killed or asked to stop at any moment go on as if they had not.</summary>
public sealed class ResumeTests
{
    [Theory]
    [InlineData("float32", "KILL")]
    [InlineData("bf16", "KILL")]
    [InlineData("float32", "TERM")]
    [InlineData("bf16", "TERM")]
    public void AnInterruptedRunEndsWithTheSameWeightsToTheBit(string precision, string signal)
    {
        using var folder = new TemporaryFolder();
        PictureMaker.Tree(folder["judged"], 2, 4);
        string[] settings = ["steps=60", "run.checkpoint_every=7", $"test={folder["judged"]}", "labels=folder", "evaluate.every=7", "evaluate.k=3", "--precision", precision];
        var whole = TandemProgram.RunWith(TinyRun.Environment(folder), ["pretrain", .. TinyRun.Recipe(folder, "whole", settings)]);
        Assert.True(whole.ExitCode == 0, whole.Error);

        var random = new Random(precision.Length + signal.Length);
        var interruptions = 0;
        for (var attempt = 0; attempt < 40; attempt++)
        {
            string[] arguments = RunFolder.IsRun(folder["broken"]) ? ["resume", folder["broken"]] : ["pretrain", .. TinyRun.Recipe(folder, "broken", settings)];
            using var process = TandemProgram.Start(TinyRun.Environment(folder), arguments);
            _ = process.StandardError.ReadToEndAsync();
            _ = process.StandardOutput.ReadToEndAsync();
            // Ever later, so that the run gets somewhere; the last attempts are left alone.
            if (attempt < 6 && !process.WaitForExit(400 + random.Next(300 + (attempt * 250))))
            {
                interruptions++;
                using var kill = Process.Start("kill", [$"-{signal}", process.Id.ToString()]);
                kill.WaitForExit();
            }
            process.WaitForExit();
            NothingIsHalfWritten(folder["broken"]);
            if (process.ExitCode == 0)
                break;
        }
        Assert.True(interruptions > 0, "the run was never interrupted");
        Assert.Equal(RunState.Finished, RunFolder.Read(folder["broken"]).Status().State);
        var (student, teacher) = TinyRun.Weights(folder["whole"]);
        var (resumedStudent, resumedTeacher) = TinyRun.Weights(folder["broken"]);
        Assert.Equal(student, resumedStudent);
        Assert.Equal(teacher, resumedTeacher);
        OneLineAStep(folder["broken"]);
        Assert.Equal(Evaluations(folder["whole"]), Evaluations(folder["broken"]));
    }

    static List<(long, double)> Evaluations(string run) =>
        [.. Metrics.Read(Path.Combine(run, "metrics.jsonl")).Where(line => line.Values.ContainsKey("eval/knn")).Select(line => (line.Step, line.Values["eval/knn"]))];

    [Fact]
    public void ResumingAFinishedRunDoesNothing()
    {
        using var folder = new TemporaryFolder();
        var first = TandemProgram.RunWith(TinyRun.Environment(folder), ["pretrain", .. TinyRun.Recipe(folder, "run", "steps=6", "--json")]);
        Assert.True(first.ExitCode == 0, first.Error);
        var before = TinyRun.Weights(folder["run"]);
        var again = TandemProgram.RunWith(TinyRun.Environment(folder), "resume", folder["run"], "--json");
        Assert.True(again.ExitCode == 0, again.Error);
        Assert.Equal(before.Student, TinyRun.Weights(folder["run"]).Student);
        Assert.Equal(End(first), End(again));
        Assert.True(double.IsFinite(End(again).Loss));
    }

    static (string State, int Step, double Loss, string? Verdict) End(TandemProgram.Result result)
    {
        var line = JsonDocument.Parse(result.Output.TrimEnd().Split('\n')[^1]).RootElement;
        return (line.GetProperty("state").GetString()!, line.GetProperty("step").GetInt32(), line.GetProperty("loss").GetDouble(), line.GetProperty("verdict").GetString());
    }

    static void NothingIsHalfWritten(string run)
    {
        if (!RunFolder.IsRun(run))
            return;
        _ = RunFolder.Read(run).Status();
        foreach (var checkpoint in RunFolder.Read(run).Checkpoints.Steps.Select(step => RunFolder.Read(run).Checkpoints.PathOf(Checkpoints.NameOf(step))))
        {
            foreach (var file in new[] { "state.json", "teacher.safetensors", "optimizer.safetensors", "model/model.safetensors", "model/config.json", "model/preprocessing.json" })
                Assert.True(File.Exists(Path.Combine(checkpoint, file)), $"{checkpoint} lacks {file}");
            _ = Tandem.Models.Formats.Safetensors.ReadAll(Path.Combine(checkpoint, "optimizer.safetensors"));
        }
    }

    static void OneLineAStep(string run)
    {
        var steps = Metrics.Read(Path.Combine(run, "metrics.jsonl")).Select(line => line.Step).ToList();
        Assert.Equal(steps.Distinct().Order(), steps);
        Assert.Equal(60, steps[^1]);
    }
}
