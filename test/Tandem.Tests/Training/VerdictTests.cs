using System.Text.Json;
using Tandem.Runs;
using Tandem.Tests.Cli;
using Tandem.Tests.Data;
using Tandem.Tests.Data.Audio;
using Tandem.Torch;
using Tandem.Training;
using Xunit;

namespace Tandem.Tests.Training;

/// <summary>Runs that are made to fail are accused by the right gauge; sound ones are not.</summary>
public sealed class VerdictTests
{
    static (TandemProgram.Result Result, RunStatus Status) Train(TemporaryFolder folder, params string[] arguments)
    {
        var result = TandemProgram.RunWith(TinyRun.Environment(folder), ["pretrain", .. arguments, "--json"]);
        return (result, RunFolder.Read(folder["run"]).Status());
    }

    // The command line and what it left behind say the same.
    static void IsCollapsed(TandemProgram.Result result, RunStatus status, params string[] gauges)
    {
        Assert.True(result.ExitCode == (int)ErrorKind.Training, result.Output + result.Error);
        Assert.Equal(RunState.Collapsed, status.State);
        Assert.Equal("collapsed", status.Verdict);
        Assert.True(gauges.Any(gauge => status.VerdictReason!.StartsWith(gauge, StringComparison.Ordinal)), status.VerdictReason);
        Assert.NotNull(status.Last);
        var verdict = result.Output.Split('\n').Where(line => line.StartsWith("{\"event\"", StringComparison.Ordinal)).Select(line => JsonDocument.Parse(line).RootElement)
            .Last(line => line.GetProperty("event").GetString() == "verdict");
        Assert.Equal("collapsed", verdict.GetProperty("verdict").GetString());
        Assert.Contains(verdict.GetProperty("gauge").GetString()!, status.VerdictReason);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void ATeacherWithoutMemoryAndWithoutNorms(int seed)
    {
        using var folder = new TemporaryFolder();
        var (result, status) = Train(folder, TinyRun.Recipe(folder, "run", "steps=300", $"seed={seed}", "objective.instance_norm_layer=false", "objective.layer_norm_targets=false",
            "objective.teacher.decay_start=0", "objective.teacher.decay_end=0", "optimizer.learning_rate=1e-3", "objective.class_weight=0"));
        IsCollapsed(result, status, "gauge/target/", "gauge/student/");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void SamplesThatAreAllTheSame(int seed)
    {
        using var folder = new TemporaryFolder();
        foreach (var number in Enumerable.Range(0, 12))
            File.WriteAllBytes(Path.Combine(Directory.CreateDirectory(folder["pictures"]).FullName, $"{number}.ppm"), [.. "P6 16 16 255\n"u8, .. Enumerable.Repeat((byte)90, 16 * 16 * 3)]);
        var (result, status) = Train(folder, TinyRun.Recipe(folder, "run", "steps=200", $"seed={seed}"));
        IsCollapsed(result, status, "gauge/local/variance", "gauge/target/sample_share", "gauge/student/sample_share");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void ALearningRateFarTooHigh(int seed)
    {
        using var folder = new TemporaryFolder();
        var (result, status) = Train(folder, TinyRun.Recipe(folder, "run", "steps=300", $"seed={seed}", "optimizer.learning_rate=0.5", "optimizer.clip_norm=0"));
        Assert.True(result.ExitCode == (int)ErrorKind.Training, result.Output + result.Error);
        Assert.Equal("collapsed", status.Verdict);
        Assert.Contains("learning_rate", status.VerdictReason + result.Output);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void SpeechOfWhichNothingCanBeForeseen(int seed)
    {
        // Noise cannot be foreseen; what remains to be learned are the places, or next to nothing.
        using var folder = new TemporaryFolder();
        var draw = Randomness.Of(seed, "noise");
        foreach (var number in Enumerable.Range(0, 24))
            folder.Put($"sounds/{number}.wav", SoundMaker.WavOf([.. Enumerable.Range(0, 6000).Select(_ => draw.NextFloat() - 0.5f)]));
        var (result, status) = Train(folder, TinySpeech.Recipe(folder, "run", folder["sounds"], "steps=400", $"seed={seed}", "optimizer.learning_rate=5e-3", "objective.reconstruction_weight=0", "objective.teacher.decay_start=0.9", "objective.teacher.decay_end=0.99"));
        IsCollapsed(result, status, "gauge/target/sample_share", "gauge/target/effective_rank");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void SoundRunsAreNotAccused(int seed)
    {
        using var folder = new TemporaryFolder();
        var (result, status) = Train(folder, TinyRun.Recipe(folder, "run", "steps=120", $"seed={seed}"));
        Assert.True(result.ExitCode == 0, result.Error);
        Assert.Equal("healthy", status.Verdict);
        Assert.Null(status.VerdictReason);
    }

    [Fact]
    public void AWarningLetsTheRunGoOn()
    {
        using var folder = new TemporaryFolder();
        var (result, status) = Train(folder, TinyRun.Recipe(folder, "run", "steps=120", "watch.action=warn", "objective.instance_norm_layer=false", "objective.layer_norm_targets=false",
            "objective.teacher.decay_start=0", "objective.teacher.decay_end=0", "optimizer.learning_rate=2e-2", "objective.class_weight=0"));
        Assert.True(result.ExitCode == 0, result.Error);
        Assert.Equal(RunState.Finished, status.State);
        Assert.NotEqual("healthy", status.Verdict);
    }

    [Fact]
    public void RepetitionAlongASequenceIsSeen() => ComputeThread.Run(() =>
    {
        var draw = Randomness.Of(1, "vectors");
        float[] vectors = [.. Enumerable.Range(0, 5 * 8).Select(_ => draw.NextFloat() - 0.5f)];
        var values = new float[4 * 60 * 8];
        for (var row = 0; row < 4; row++)
        {
            // Each sample has a phase of its own, so that positions alone do not tell.
            for (var place = 0; place < 60; place++)
                vectors.AsSpan((place + (row * 3)) % 5 * 8, 8).CopyTo(values.AsSpan(((row * 60) + place) * 8));
        }
        double Of(float[] of) => Health.Gauges(new Dictionary<string, Tensor>(StringComparer.Ordinal) { ["target"] = Tensor.From(HostTensor.From<float>(of, 4, 60, 8), Device.Cpu) }, 64, sequence: true)
            .Single(gauge => gauge.Name == "target/periodicity").Value;
        Assert.True(Of(values) > 0.95);
        Assert.True(Of([.. Enumerable.Range(0, values.Length).Select(_ => draw.NextFloat())]) < 0.4);
        // Slow drifts are no repetition.
        Assert.True(Of([.. Enumerable.Range(0, values.Length).Select(i => MathF.Sin(i / 8 % 60 * 0.03f * (1 + (i % 8))))]) < 0.75);
    });

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void TargetsThatTellThePositionOnlyAreACollapse(int seed) => ComputeThread.Run(() =>
    {
        // Variance, rank and the difference between positions are those of a sound run; only the samples are all alike, but for a little noise.
        var draw = Randomness.Of(seed, "vectors");
        float[] of = [.. Enumerable.Range(0, 40 * 16).Select(_ => (float)draw.NextNormal())];
        var judge = new HealthJudge(warmup: 20);
        for (var step = 10; step <= 60; step += 10)
        {
            float[] values = [.. Enumerable.Range(0, 8).SelectMany(_ => of.Select(value => value + (0.05f * (float)draw.NextNormal())))];
            var states = new Dictionary<string, Tensor>(StringComparer.Ordinal) { ["target"] = Tensor.From(HostTensor.From<float>(values, 8, 40, 16), Device.Cpu) };
            judge.Take(step, Health.Gauges(states, 64, sequence: true).Select(gauge => KeyValuePair.Create($"gauge/{gauge.Name}", gauge.Value)).Append(KeyValuePair.Create("loss", 1.0)));
        }
        var verdict = judge.Current!;
        Assert.Equal(RunHealth.Collapsed, verdict.Health);
        Assert.Equal("gauge/target/sample_share", verdict.Gauge);
        Assert.Equal(30, verdict.Since);
    });

    [Theory]
    [InlineData(30, RunHealth.Healthy)]
    [InlineData(20, RunHealth.Suspicious)]
    public void ARunThatBecomesFourTimesSlowerIsSuspicious(double later, RunHealth health)
    {
        var judge = new HealthJudge(warmup: 0);
        for (var step = 1; step <= 30; step++)
            judge.Take(step * 10, [new("loss", 1), new("samples_per_second", step == 1 ? 10 : step < 20 ? 100 : later)]);
        Assert.Equal(health, judge.Current!.Health);
        Assert.Equal(health == RunHealth.Healthy ? null : "samples_per_second", judge.Current.Gauge);
    }

    [Fact]
    public void PaddingDoesNotCount() => ComputeThread.Run(() =>
    {
        var draw = Randomness.Of(2, "vectors");
        float[] real = [.. Enumerable.Range(0, 6 * 20 * 8).Select(_ => draw.NextFloat())];
        var (padded, mask) = (new float[6 * 30 * 8], new bool[6 * 30]);
        Array.Fill(padded, 100);
        for (var row = 0; row < 6; row++)
        {
            real.AsSpan(row * 20 * 8, 20 * 8).CopyTo(padded.AsSpan(row * 30 * 8));
            mask.AsSpan((row * 30) + 20, 10).Fill(true);
        }
        var alone = Health.Gauges(new Dictionary<string, Tensor>(StringComparer.Ordinal) { ["local"] = Tensor.From(HostTensor.From<float>(real, 6, 20, 8), Device.Cpu) }, 64, sequence: true);
        var batch = Health.Gauges(new Dictionary<string, Tensor>(StringComparer.Ordinal)
        {
            ["local"] = Tensor.From(HostTensor.From<float>(padded, 6, 30, 8), Device.Cpu),
            ["local padding"] = Tensor.From(HostTensor.From<bool>(mask, 6, 30), Device.Cpu),
        }, 64, sequence: true);
        Assert.Equal(alone, batch);
    });
}
