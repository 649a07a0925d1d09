using System.Diagnostics;
using Tandem.Tests.Data;
using Tandem.Tests.Models;
using Xunit;

namespace Tandem.Tests.Cli;

/// <summary>The programs under samples/, as they are built with the tests.</summary>
public sealed class SampleTests
{
    [Fact]
    public async Task EmbedPrintsTheNearestPictures()
    {
        using var folder = new TemporaryFolder();
        PictureMaker.Tree(folder["pictures"], 2, 4);
        File.Copy(folder["pictures", "a", "0.ppm"], folder["pictures", "b", "twin.ppm"]);
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "Embed.dll"), TinyModel.Save(folder["model"]), folder["pictures"]])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        var lines = (await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken)).TrimEnd('\n').Split('\n');
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(process.ExitCode == 0, await error);
        Assert.Equal(5, lines.Length);
        Assert.Equal("1.000  b/twin.ppm", lines[0]);
    }
}
