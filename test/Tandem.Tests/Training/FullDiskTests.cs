using System.Diagnostics;
using Tandem.Runs;
using Tandem.Tests.Cli;
using Xunit;

namespace Tandem.Tests.Training;

/// <summary>Disks that fill up and folders that refuse, in the middle of a run.</summary>
public sealed class FullDiskTests
{
    [Fact]
    public void AFullDiskEndsTheRunWithARemedyAndLeavesEarlierCheckpointsUsable()
    {
        if (Environment.UserName != "root")
            Assert.Skip("mounting a small file system needs root");
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder["disk"]);
        // A checkpoint of the tiny network takes about 0.8 MB: the first fits, the fourth does not.
        if (Tool("mount", "-t", "tmpfs", "-o", "size=2600k", "tmpfs", folder["disk"]) != 0)
            Assert.Skip("this machine mounts no tmpfs");
        try
        {
            var recipe = TinyRun.Recipe(folder, Path.Combine("disk", "run"), "steps=200", "run.checkpoint_every=5", "run.keep=100");
            var result = TandemProgram.RunWith(TinyRun.Environment(folder), ["pretrain", .. recipe]);
            Assert.Equal((int)ErrorKind.Machine, result.ExitCode);
            Assert.Contains("disk", result.Error);
            var run = RunFolder.Read(folder["disk", "run"]);
            Assert.NotEmpty(run.Checkpoints.Steps);
            // What stands is whole.
            foreach (var step in run.Checkpoints.Steps)
                _ = Tandem.Models.Formats.Safetensors.ReadAll(Path.Combine(run.Checkpoints.PathOf(Checkpoints.NameOf(step)), "optimizer.safetensors"));
            // With room again the run goes on.
            Tool("mount", "-o", "remount,size=200m", folder["disk"]);
            var again = TandemProgram.RunWith(TinyRun.Environment(folder), "resume", folder["disk", "run"]);
            Assert.True(again.ExitCode == 0, again.Error);
        }
        finally
        {
            Tool("umount", folder["disk"]);
        }
    }

    [Fact]
    public void DamagedAndHugePicturesAreSkippedAndNamedUntilThereAreTooMany()
    {
        using var folder = new TemporaryFolder();
        var recipe = TinyRun.Recipe(folder, "run", "steps=3", "data.bad_limit=0.2");
        File.WriteAllText(folder["pictures", "a", "broken.jpg"], "this is no picture");
        // A PNG header that announces 200,000 × 200,000 pixels.
        File.WriteAllBytes(folder["pictures", "a", "huge.png"], Convert.FromHexString("89504E470D0A1A0A0000000D4948445200030D4000030D4008020000000000000000000000"));
        var result = TandemProgram.RunWith(TinyRun.Environment(folder), ["pretrain", .. recipe]);
        Assert.True(result.ExitCode == 0, result.Error);
        Assert.Contains("broken.jpg", result.Error);
        Assert.Contains("huge.png", result.Error);
        var strict = TandemProgram.RunWith(TinyRun.Environment(folder), ["pretrain", .. TinyRun.Recipe(folder, "strict", "steps=3")]);
        Assert.Equal((int)ErrorKind.Input, strict.ExitCode);
        Assert.False(Directory.Exists(folder["strict"]));
    }

    static int Tool(string name, params string[] arguments)
    {
        using var process = Process.Start(name, arguments);
        process.WaitForExit();
        return process.ExitCode;
    }
}
