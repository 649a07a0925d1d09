using System.IO.Compression;
using System.Text.Json;
using Tandem.Runs;
using Tandem.Tests.House;
using Xunit;

namespace Tandem.Tests.Training;

/// <summary>What runs logged that learned something is judged anew, moment by moment: sound runs are never accused. test/data/healthy/README.md says whose logs these are.</summary>
public sealed class HealthyRunTests
{
    public static TheoryData<string> Logs => [.. Repository.Files("test/data/healthy", "*.jsonl.gz").Select(path => Path.GetFileName(path)!)];

    [Theory]
    [MemberData(nameof(Logs))]
    public void SoundRunsAreNeverAccused(string log)
    {
        using var lines = new StreamReader(new GZipStream(File.OpenRead(Repository.At("test", "data", "healthy", log)), CompressionMode.Decompress));
        static Dictionary<string, double> Values(string line) => JsonSerializer.Deserialize<Dictionary<string, double>>(line)!;
        var run = Values(lines.ReadLine()!);
        var judge = new HealthJudge((long)run["warmup"]) { Steps = (long)run["steps"] };
        while (lines.ReadLine() is { } line)
        {
            var values = Values(line);
            values.Remove("step", out var step);
            judge.Take((long)step, values);
            Assert.True(judge.Current is null or { Health: RunHealth.Healthy }, $"step {step}: {judge.Current?.Reason}");
        }
        Assert.NotNull(judge.Current);
    }
}
