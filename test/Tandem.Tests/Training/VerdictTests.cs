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
        // Thrown far away, the student answers nearly the same everywhere: whether its variance, the share of positions in it or its rank is crossed first is up to the rounding.
        IsCollapsed(result, status, "gauge/student/variance", "gauge/student/position_share", "gauge/student/effective_rank", "loss", "gradient_norm");
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
        IsCollapsed(result, status, "gauge/target/sample_share", "gauge/student/sample_share", "gauge/target/effective_rank");
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
        Assert.Equal("collapsed", status.Verdict);
    }

    [Fact]
    public void ACollapsedRunGoesOnWhenToldTo()
    {
        using var folder = new TemporaryFolder();
        var (result, status) = Train(folder, TinyRun.Recipe(folder, "run", "steps=80", "objective.instance_norm_layer=false", "objective.layer_norm_targets=false",
            "objective.teacher.decay_start=0", "objective.teacher.decay_end=0", "optimizer.learning_rate=2e-2", "objective.class_weight=0"));
        IsCollapsed(result, status, "gauge/");
        Assert.InRange(status.Step, 1, 79);
        Assert.Contains($"tandem resume {folder["run"]} watch.action=warn", result.Error);
        // What would change what is computed is refused; the command that was shown does it.
        var refused = TandemProgram.RunWith(TinyRun.Environment(folder), "resume", folder["run"], "optimizer.learning_rate=1e-4");
        Assert.Equal(2, refused.ExitCode);
        var resumed = TandemProgram.RunWith(TinyRun.Environment(folder), "resume", folder["run"], "watch.action=warn");
        Assert.True(resumed.ExitCode == 0, resumed.Error);
        Assert.Equal((RunState.Finished, 80L), (RunFolder.Read(folder["run"]).Status().State, RunFolder.Read(folder["run"]).Status().Step));
    }

    [Fact]
    public void AResumedRunIsJudgedByWhatItKeeps()
    {
        using var folder = new TemporaryFolder();
        var (_, status) = Train(folder, TinyRun.Recipe(folder, "run", "steps=60"));
        Assert.Equal("healthy", status.Verdict);
        // As a crash leaves it that came after the last checkpoint, when the machine was busy for a while.
        using (var run = RunFolder.Open(folder["run"]))
            run.WriteStatus(status with { State = RunState.Running, Verdict = "suspicious", VerdictReason = "samples_per_second was low" });
        var resumed = TandemProgram.RunWith(TinyRun.Environment(folder), "resume", folder["run"]);
        Assert.True(resumed.ExitCode == 0, resumed.Error);
        Assert.Equal(("healthy", null), (RunFolder.Read(folder["run"]).Status().Verdict, RunFolder.Read(folder["run"]).Status().VerdictReason));
    }

    [Fact]
    public void NumbersThatAreNotFiniteAreAVerdictWithAdvice()
    {
        using var folder = new TemporaryFolder();
        var (result, status) = Train(folder, TinyRun.Recipe(folder, "run", "steps=400", "optimizer.learning_rate=1e30", "optimizer.clip_norm=0", "schedule.warmup=3"));
        IsCollapsed(result, status, "loss of step", "gradient_norm of step");
        Assert.Contains("optimizer.learning_rate", status.VerdictReason);
        Assert.Null(status.Error);
        Assert.Equal(1, System.Text.RegularExpressions.Regex.Count(Report.Html(RunFolder.Read(folder["run"])), "no step can be made with it"));
    }

    // The student sees other positions of each sample, so what stands at one index of its rows does not stand at one position.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void TheStudentsFeaturesAreComparedAtTheirPositions(bool positionOnly) => ComputeThread.Run(() =>
    {
        const int rows = 32, kept = 6, places = 16, width = 8;
        var draw = Randomness.Of(1, "vectors");
        float[] Vectors(int count) => [.. Enumerable.Range(0, count * width).Select(_ => (float)draw.NextNormal())];
        var (ofPosition, ofSample) = (Vectors(places), Vectors(rows));
        var keep = new long[rows * kept];
        var values = new float[rows * (1 + kept) * width];
        for (var row = 0; row < rows; row++)
        {
            var positions = Enumerable.Range(0, places).OrderBy(_ => draw.NextFloat()).Take(kept).Order().ToArray();
            // An extra token comes first; it is no position.
            values.AsSpan(row * (1 + kept) * width, width).Fill(100);
            for (var i = 0; i < kept; i++)
            {
                keep[(row * kept) + i] = positions[i];
                (positionOnly ? ofPosition.AsSpan(positions[i] * width, width) : ofSample.AsSpan(row * width, width)).CopyTo(values.AsSpan(((row * (1 + kept)) + 1 + i) * width));
            }
        }
        var gauges = Health.Gauges(new Dictionary<string, Tensor>(StringComparer.Ordinal)
        {
            ["student"] = Tensor.From(HostTensor.From<float>(values, rows, 1 + kept, width), Device.Cpu),
            ["keep"] = Tensor.From(HostTensor.From<long>(keep, rows, kept), Device.Cpu),
        }, 64).ToDictionary(gauge => gauge.Name, gauge => gauge.Value, StringComparer.Ordinal);
        Assert.InRange(gauges["student/sample_share"], positionOnly ? 0 : 0.9, positionOnly ? 1e-5 : 1.1);
        Assert.InRange(gauges["student/position_share"], positionOnly ? 0.9 : 0, positionOnly ? 1.1 : 1e-5);
        Assert.InRange(gauges["student/cosine_samples"], positionOnly ? 1 - 1e-5 : -0.3, positionOnly ? 1 + 1e-5 : 0.3);
    });

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
        Assert.Equal(10, verdict.Since);
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
    public void WhatDoesNotDependOnLearningIsJudgedWhileTheRateRises()
    {
        var judge = new HealthJudge(warmup: 50_000);
        Assert.Null(judge.Current);
        for (var step = 20; step <= 80; step += 20)
            judge.Take(step, [new("loss", 100 * step), new("waiting", 0.9), new("gauge/target/sample_share", 0.01)]);
        Assert.Equal((RunHealth.Suspicious, "waiting", 20L), (judge.Current!.Health, judge.Current.Gauge, judge.Current.Since));
        Assert.StartsWith("waiting has been above 0.5 since step 20, now 0.9: most of the time", judge.Current.Reason, StringComparison.Ordinal);
        judge.Take(100, [new("waiting", 0.1)]);
        Assert.Equal(RunHealth.Healthy, judge.Current.Health);
        for (var step = 120; step <= 160; step += 20)
            judge.Take(step, [new("gauge/local/sample_share", 0)]);
        Assert.Equal((RunHealth.Collapsed, "gauge/local/sample_share"), (judge.Current!.Health, judge.Current.Gauge));
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
