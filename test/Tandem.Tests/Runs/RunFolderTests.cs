using System.Diagnostics;
using System.Text.Json.Nodes;
using Tandem.Runs;
using Xunit;

namespace Tandem.Tests.Runs;

public sealed class RunFolderTests : IDisposable
{
    readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    string Run => folder["run"];

    RunFolder Begin()
    {
        var run = RunFolder.Create(Run);
        run.WriteRecipe("{\"format\": \"tandem run recipe 1\"}");
        return run;
    }

    [Fact]
    public void WhatIsWrittenIsReadAgain()
    {
        using (var run = Begin())
        {
            run.WriteEnvironment(RunEnvironment.Describe("tandem pretrain x"));
            run.WriteStatus(new RunStatus { State = RunState.Running, Step = 5, Steps = 10, Loss = double.NaN, Eta = 3.5, Verdict = "healthy" });
            run.Log("began");
        }
        var read = RunFolder.Read(Run);
        var status = read.Status();
        Assert.Equal((RunState.Running, 5L, 10L, 3.5, "healthy", Environment.ProcessId), (status.State, status.Step, status.Steps, status.Eta, status.Verdict, status.Process));
        Assert.True(double.IsNaN(status.Loss!.Value));
        Assert.NotNull(status.Heartbeat);
        Assert.Contains("\"state\": \"running\"", File.ReadAllText(folder["run", "status.json"]), StringComparison.Ordinal);
        Assert.Equal("tandem pretrain x", (string?)read.Environment()["command"]);
        Assert.Matches("^.+ \\(family [0-9]+, model [0-9]+\\)$", (string?)read.Environment()["processor"]);
        Assert.Matches("^....-..-..T..:..:..Z began\n$", File.ReadAllText(folder["run", "train.log"]));
        Assert.DoesNotContain(Directory.EnumerateFiles(Run), path => path.EndsWith(".unfinished", StringComparison.Ordinal));
    }

    [Fact]
    public void ARunIsToldFromWhatOnlyLooksLikeOne()
    {
        const string recipe = "{\"format\": \"tandem run recipe 1\", \"name\": \"x\"}";
        folder.Write("copy/recipe.json", recipe);
        folder.Write("paper/recipe.json", "{\"base\": \"data2vec2/images-mini\"}");
        folder.Write("paper/status.json", "{}");
        folder.Write("commented/recipe.json", "// the good one\n" + recipe.Replace("}", ",}"));
        folder.Write("commented/status.json", "{}");
        folder.Write("damaged/recipe.json", recipe[..20]);
        folder.Write("damaged/lock", "1 on x");
        Assert.Equal([false, false, true, true], new[] { "copy", "paper", "commented", "damaged" }.Select(name => RunFolder.IsRun(folder[name])));
        foreach (var none in new[] { "copy", "paper" })
        {
            Assert.Equal(ErrorKind.Usage, Assert.Throws<TandemException>(() => RunFolder.Read(folder[none])).Kind);
            Assert.Contains("no run wrote", Assert.Throws<TandemException>(() => RunFolder.Create(folder[none])).Message, StringComparison.Ordinal);
        }
        Assert.Equal("x", RunDescription.Of(folder["commented"]).Recipe);
    }

    [Fact]
    public void ASecondWriterIsRefusedByPid()
    {
        using (Begin())
        {
            var error = Assert.Throws<TandemException>(() => RunFolder.Open(Run));
            Assert.Equal(ErrorKind.Machine, error.Kind);
            Assert.Contains($"process {Environment.ProcessId} on", error.Message, StringComparison.Ordinal);
            Assert.True(RunFolder.Read(Run).IsAlive);
        }
        Assert.False(RunFolder.Read(Run).IsAlive);
        RunFolder.Open(Run).Dispose();
    }

    [Fact]
    public void ALockOfADeadProcessIsFree()
    {
        Begin().Dispose();
        File.WriteAllText(folder["run", "lock"], "999999 on elsewhere\n");
        Assert.False(RunFolder.Read(Run).IsAlive);
        RunFolder.Open(Run).Dispose();
    }

    [Fact]
    public async Task AKilledProcessLeavesNoLock()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/flock") && File.Exists("/bin/sleep"), "needs flock(1)");
        Begin().Dispose();
        using var other = Process.Start(new ProcessStartInfo("/usr/bin/flock", ["-x", "-F", folder["run", "lock"], "/bin/sleep", "60"]))!;
        for (var i = 0; i < 100 && !RunFolder.Read(Run).IsAlive; i++)
            await Task.Delay(20);
        Assert.Equal(ErrorKind.Machine, Assert.Throws<TandemException>(() => RunFolder.Open(Run)).Kind);
        other.Kill();
        await other.WaitForExitAsync();
        RunFolder.Open(Run).Dispose();
    }

    [Fact]
    public void AnExistingRunIsNotOverwritten()
    {
        using (var run = Begin())
            run.WriteRecipe("{\"format\": \"tandem run recipe 1\"}");
        var error = Assert.Throws<TandemException>(() => RunFolder.Create(Run));
        Assert.Equal(ErrorKind.Usage, error.Kind);
        Assert.Contains("tandem resume", error.Remedy, StringComparison.Ordinal);
        Assert.Equal(ErrorKind.Usage, Assert.Throws<TandemException>(() => RunFolder.Open(folder["none"])).Kind);
    }

    [Fact]
    public void CheckpointsAreWrittenWholeAndOldOnesGo()
    {
        using var run = Begin();
        var status = new RunStatus();
        foreach (var (step, best) in new[] { (100, false), (200, true), (300, false), (400, false) })
            status = run.WriteCheckpoint(status with { Step = step }, path => File.WriteAllText(Path.Combine(path, "state.json"), $"{step}"), best, keep: 2);
        Assert.Equal([200L, 300, 400], run.Checkpoints.Steps);
        Assert.Equal(("step-00000400", "step-00000200"), (status.Last, status.Best));
        Assert.Equal("400", File.ReadAllText(Path.Combine(run.LastCheckpoint()!, "state.json")));
        Assert.EndsWith("step-00000200", run.BestCheckpoint(), StringComparison.Ordinal);
        run.WriteCheckpoint(status with { Step = 400 }, path => File.WriteAllText(Path.Combine(path, "state.json"), "again"));
        Assert.Equal("again", File.ReadAllText(Path.Combine(run.LastCheckpoint()!, "state.json")));
    }

    [Fact]
    public void ACheckpointThatFailsLeavesNothing()
    {
        using var run = Begin();
        var status = run.WriteCheckpoint(new RunStatus { Step = 1 }, path => File.WriteAllText(Path.Combine(path, "a"), "a"));
        Assert.Throws<InvalidOperationException>(() => run.WriteCheckpoint(status with { Step = 2 }, path =>
        {
            File.WriteAllText(Path.Combine(path, "a"), "half");
            throw new InvalidOperationException("stop");
        }));
        Assert.Equal(["step-00000001"], Directory.EnumerateDirectories(folder["run", "checkpoints"]).Select(Path.GetFileName));
        Assert.Equal("step-00000001", run.Status().Last);
    }

    [Fact]
    public void HalfWrittenCheckpointsAreIgnoredAndRemoved()
    {
        Begin().Dispose();
        Directory.CreateDirectory(folder["run", "checkpoints", ".step-00000500.unfinished"]);
        Directory.CreateDirectory(folder["run", "checkpoints", "step-00000400"]);
        Directory.CreateDirectory(folder["run", "checkpoints", ".step-00000300.before.unfinished"]);
        Directory.CreateDirectory(folder["run", "checkpoints", "else"]);
        folder.Write("run/.status.json.1.unfinished", "{");
        Assert.Equal([400L], RunFolder.Read(Run).Checkpoints.Steps);
        using var run = RunFolder.Open(Run);
        Assert.Equal([300L, 400], run.Checkpoints.Steps);
        Assert.Empty(Directory.EnumerateFileSystemEntries(Run, ".*", SearchOption.AllDirectories));
        Assert.EndsWith("step-00000400", run.LastCheckpoint(), StringComparison.Ordinal);
    }

    [Fact]
    public void MetricsKeepEveryStepOnce()
    {
        using var run = Begin();
        using (var metrics = run.OpenMetrics())
        {
            for (var step = 10; step <= 50; step += 10)
                metrics.Append(step, [new("loss", 1.0 / step), new("lr", 0.1)]);
            metrics.Append(50, [new("eval/knn", 0.5)]);
            Assert.Throws<ArgumentOutOfRangeException>(() => metrics.Append(40, []));
        }
        File.AppendAllText(run.MetricsPath, "{\"step\":60,\"lo");
        Assert.Equal([10L, 20, 30, 40, 50], Metrics.Read(run.MetricsPath).Select(line => line.Step));
        Assert.Equal((0.02, 0.5), (Metrics.Read(run.MetricsPath).Last().Values["loss"], Metrics.Read(run.MetricsPath).Last().Values["eval/knn"]));
        using (var metrics = run.OpenMetrics(resumed: 30))
            metrics.Append(40, [new("loss", double.PositiveInfinity)]);
        var lines = Metrics.Read(run.MetricsPath).ToList();
        Assert.Equal([10L, 20, 30, 40], lines.Select(line => line.Step));
        Assert.Equal(double.PositiveInfinity, lines[^1].Values["loss"]);
        Assert.All(File.ReadAllLines(run.MetricsPath), line => Assert.NotNull(JsonNode.Parse(line)));
    }

    [Fact]
    public void AFullDiskIsTheMachinesFaultAndLeavesNothingHalfWritten()
    {
        Directory.CreateDirectory(Run);
        Assert.SkipUnless(Mount(Run, "size=1m"), "mounting a small disk needs root");
        try
        {
            using var run = Begin();
            var status = run.WriteCheckpoint(new RunStatus { Step = 1 }, path => File.WriteAllBytes(Path.Combine(path, "a"), new byte[300_000]));
            var error = Assert.Throws<TandemException>(() => run.WriteCheckpoint(status with { Step = 2 }, path => File.WriteAllBytes(Path.Combine(path, "a"), new byte[3_000_000])));
            Assert.Equal((ErrorKind.Machine, "the disk is full"), (error.Kind, error.Message));
            Assert.Contains("tandem resume", error.Remedy, StringComparison.Ordinal);
            Assert.Equal(["step-00000001"], Directory.EnumerateDirectories(folder["run", "checkpoints"]).Select(Path.GetFileName));
            Assert.Equal("step-00000001", run.Status().Last);

            using var metrics = run.OpenMetrics();
            metrics.Append(1, [new("loss", 1)]);
            Fill(folder["run", "filler"]);
            Assert.Equal(ErrorKind.Machine, Assert.Throws<TandemException>(() =>
            {
                for (var step = 2; step < 10_000; step++)
                    metrics.Append(step, [new("loss", step)]);
            }).Kind);
            Assert.EndsWith("}\n", File.ReadAllText(run.MetricsPath), StringComparison.Ordinal);
            var before = File.ReadAllText(folder["run", "status.json"]);
            Assert.Equal(ErrorKind.Machine, Assert.Throws<TandemException>(() => run.WriteStatus(status with { Step = 9, Error = new string('x', 9_000) })).Kind);
            Assert.Equal(before, File.ReadAllText(folder["run", "status.json"]));
        }
        finally
        {
            Process.Start("umount", Run).WaitForExit();
        }
    }

    [Fact]
    public void AFolderWithoutPermissionIsTheMachinesFault()
    {
        Assert.SkipWhen(Environment.UserName == "root", "root may write everywhere");
        if (OperatingSystem.IsWindows())
            return;
        File.SetUnixFileMode(folder.Path, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        try
        {
            var error = Assert.Throws<TandemException>(() => RunFolder.Create(Run));
            Assert.Equal((ErrorKind.Machine, "no permission to write here"), (error.Kind, error.Message));
        }
        finally
        {
            File.SetUnixFileMode(folder.Path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }

    [Fact]
    public void ADiskThatOnlyReadsIsTheMachinesFault()
    {
        Directory.CreateDirectory(folder["disk"]);
        Assert.SkipUnless(Mount(folder["disk"], "size=1m,ro"), "mounting needs root");
        try
        {
            Assert.Equal(ErrorKind.Machine, Assert.Throws<TandemException>(() => RunFolder.Create(folder["disk", "run"])).Kind);
            Assert.Equal(ErrorKind.Machine, Assert.Throws<TandemException>(() => RunFolder.Create(folder["disk"])).Kind);
        }
        finally
        {
            Process.Start("umount", folder["disk"]).WaitForExit();
        }
    }

    static void Fill(string path)
    {
        try
        {
            using var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, 0);
            while (true)
                file.Write(new byte[4096]);
        }
        catch (IOException)
        {
            // full
        }
    }

    static bool Mount(string path, string options)
    {
        if (!OperatingSystem.IsLinux() || Environment.UserName != "root" || !File.Exists("/usr/bin/mount"))
            return false;
        using var mount = Process.Start(new ProcessStartInfo("/usr/bin/mount", ["-t", "tmpfs", "-o", options, "tandem-test", path]) { RedirectStandardError = true, UseShellExecute = false })!;
        mount.WaitForExit();
        return mount.ExitCode == 0;
    }
}
