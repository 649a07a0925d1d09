using System.Text.Json;
using Tandem.Runs;
using Tandem.Tests.Runs;
using Xunit;

namespace Tandem.Tests.Cli;

/// <summary>runs as people start it.</summary>
public sealed class RunsCommandTests : IDisposable
{
    readonly TemporaryFolder folder = new();

    public RunsCommandTests()
    {
        SmallRun.Write(folder["a"]);
        SmallRun.Write(folder["b"], lines: 6, learningRate: 0.5);
    }

    public void Dispose() => folder.Dispose();

    [Fact]
    public void LsPrintsATableAndADocument()
    {
        var table = TandemProgram.Run("runs", "ls", folder.Path);
        Assert.Matches(@"(?m)^run +state +verdict +step +loss +best +recipe +started +size", table.Output);
        Assert.Matches(@"(?m)^b +finished +healthy +60 of 100 +0\.25 +knn 60\.0 % +data2vec2/images-mini +\d{4}-\d\d-\d\d \d\d:\d\d UTC +\d", table.Output);
        var runs = Json("runs", "ls", folder.Path).GetProperty("runs").EnumerateArray().ToList();
        Assert.Equal(["b", "a"], runs.Select(run => run.GetProperty("name").GetString()));
        Assert.Equal((folder["a"], 1.0), (runs[1].GetProperty("path").GetString(), runs[1].GetProperty("loss").GetDouble()));
        Assert.Equal(3, TandemProgram.Run("runs", "ls", folder["missing"]).ExitCode);
        Assert.Contains("No runs in runs.", TandemProgram.Run("runs", "ls").Output);
    }

    [Fact]
    public void ShowBeginsWithTheVerdict()
    {
        var text = TandemProgram.Run("runs", "show", folder["a"]).Output;
        Assert.StartsWith("healthy: Nothing speaks against this run.", text, StringComparison.Ordinal);
        Assert.Matches(@"(?m)^optimizer\.learning_rate +0\.001 +recipe data2vec2/images-mini:29$", text);
        Assert.Matches(@"(?m)^20 +40\.0 % +30\.0 %$", text);
        Assert.Matches(@"(?m)^step-00000040 +1000 B +last +", text);
        Assert.DoesNotContain("run.seed", text, StringComparison.Ordinal);
        Assert.Equal(2, Json("runs", "show", folder["a"]).GetProperty("evaluations").GetArrayLength());
        Assert.Equal(2, TandemProgram.Run("runs", "show", folder.Path).ExitCode);
    }

    [Fact]
    public void CompareAndReportWritePages()
    {
        var document = Json("runs", "compare", folder["a"], folder["b"], $"out={folder["page.html"]}");
        Assert.Equal(40, document.GetProperty("seconds").GetDouble());
        Assert.Equal("optimizer.learning_rate", document.GetProperty("differences")[0].GetProperty("key").GetString());
        Assert.True(File.Exists(folder["page.html"]));
        Assert.Equal(2, TandemProgram.Run("runs", "compare", folder["a"]).ExitCode);
        Assert.Equal(folder["a", "report.html"], Json("runs", "report", folder["a"]).GetProperty("out").GetString());
        Assert.Equal(0, TandemProgram.Run("runs", "report", folder["a"], $"out={folder["other.html"]}").ExitCode);
        Assert.Contains("Nothing speaks against this run", File.ReadAllText(folder["other.html"]));
    }

    [Fact]
    public void RmRemovesOnlyWhenToldTo()
    {
        var asked = TandemProgram.Run("runs", "rm", folder["a"], folder["b"]);
        Assert.Equal(0, asked.ExitCode);
        Assert.Contains("Nothing was removed.", asked.Output);
        Assert.False(Json("runs", "rm", folder["a"], "yes=true", "--dry-run").GetProperty("removed").GetBoolean());
        Assert.Equal(2, TandemProgram.Run("runs", "rm", folder["a"], "yes=maybe").ExitCode);
        using (RunFolder.Open(folder["b"]))
            Assert.Equal(4, TandemProgram.Run("runs", "rm", folder["a"], folder["b"], "yes=true").ExitCode);
        Assert.True(RunFolder.IsRun(folder["a"]));
        Assert.Contains("Removed", TandemProgram.Run("runs", "rm", folder["a"], folder["b"], "yes=true").Output);
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Path));
    }

    static JsonElement Json(params string[] arguments)
    {
        var result = TandemProgram.Run([.. arguments, "--json"]);
        Assert.True(result.ExitCode == 0, result.Error);
        return JsonDocument.Parse(result.Output).RootElement;
    }
}
