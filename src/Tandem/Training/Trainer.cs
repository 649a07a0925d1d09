using System.Diagnostics;
using Tandem.Data;
using Tandem.Layers;
using Tandem.Runs;
using Tandem.Torch;

namespace Tandem.Training;

/// <summary>What a trainer is told beside the method and its data.</summary>
/// <param name="Run">Steps, logging, checkpoints.</param>
/// <param name="Optimizer">Adam, decay, clipping.</param>
/// <param name="Schedule">The learning rate.</param>
/// <param name="Watch">Gauges.</param>
/// <param name="MicroBatches">Micro-batches of an update.</param>
/// <param name="Precision">Numbers of the products.</param>
/// <param name="DataSamples">Samples that are learned from, which the order of the data depends on.</param>
public sealed record TrainerOptions(RunOptions Run, OptimizerOptions Optimizer, ScheduleOptions Schedule, WatchOptions Watch, int MicroBatches, Precision Precision, long DataSamples);

/// <summary>What a trainer calls at its moments.</summary>
public sealed record TrainerHooks
{
    /// <summary>Fills a checkpoint's model folder.</summary>
    public required Action<string, long> SaveModel { get; init; }

    /// <summary>Judges the encoder after so many updates, until the token asks for an end; null: never.</summary>
    public Func<long, CancellationToken, IReadOnlyList<(string Name, double Value)>>? Evaluate { get; init; }

    /// <summary>Updates between evaluations.</summary>
    public Func<long, long> EvaluateEvery { get; init; } = steps => Math.Max(1, steps / 10);

    /// <summary>Hears of the number of steps that a budget came to.</summary>
    public Action<long>? StepsDecided { get; init; }

    /// <summary>Hears of everything.</summary>
    public Action<TrainingEvent>? Report { get; init; }
}

/// <summary>
/// Lowers a method's loss: micro-batches, clipping, optimizer, schedule, logging, checkpoints, evaluation, interruption. What happens at
/// update u is a function of the recipe, the seed and u, so a run that was interrupted goes on bit for bit.
/// </summary>
public sealed class Trainer : IDisposable
{
    // Steps that are timed before a budget becomes a number of steps; the first few are slower.
    const int TimedFrom = 4, TimedTo = 16;

    readonly Method method;
    readonly TrainerOptions options;
    readonly TrainerHooks hooks;
    readonly RunFolder run;
    readonly Optimizer optimizer;
    readonly Stopwatch clock = new();
    readonly EventFile events;
    readonly Pace pace = new();
    Metrics? metrics;
    RunStatus status;
    long update, steps, samples;
    int lastSamples;
    HealthJudge? judge;
    Verdict? verdict;
    double secondsBefore;
    double? lastLoss;
    TimeSpan lastCheckpoint, waitedBefore, evaluation;

    /// <summary>Prepares a run; nothing is computed yet.</summary>
    public Trainer(Method method, TrainerOptions options, TrainerHooks hooks, RunFolder run)
    {
        this.method = method;
        this.options = options;
        this.hooks = hooks;
        this.run = run;
        // A budget needs the first updates to be timed, however few steps the recipe has beside it.
        steps = options.Run.Budget is null ? options.Run.Steps : Math.Max(options.Run.Steps, TimedTo);
        optimizer = new(method.Weights, options.Optimizer);
        events = EventFile.Create(run.Path, DateTimeOffset.UtcNow);
        status = run.Status();
        lastLoss = status.Loss; // a resumed run may have no step left
    }

    /// <summary>Completed updates.</summary>
    public long Update => update;

    /// <summary>Puts everything back as a checkpoint has it: weights, teacher, optimizer, counters.</summary>
    /// <returns>A table of what was restored.</returns>
    public IReadOnlyList<(string What, string Restored)> Restore(string checkpoint)
    {
        var state = TrainingState.Load(checkpoint, method, optimizer, options.DataSamples);
        (update, samples, secondsBefore) = (state.Step, state.Samples, state.Seconds);
        return state.Restored;
    }

    /// <summary>Trains until the last step, an interruption or a number that is not finite.</summary>
    /// <param name="batches">Micro-batches, beginning with the first of the next update.</param>
    /// <param name="stop">Asks for an end after the update at hand.</param>
    public TrainingResult Fit(IBatchStream batches, CancellationToken stop)
    {
        metrics = run.OpenMetrics(update);
        judge = JudgeOfBefore();
        verdict = judge.Current;
        clock.Start();
        // A resumed run begins with the judgement on what it keeps, whatever was judged of what it lost.
        status = run.WriteStatus(status with { State = RunState.Running, Step = update, Steps = steps, Error = null, Verdict = verdict?.Word, VerdictReason = verdict?.Reason });
        Tell("start");
        if (update == 0 || (update % hooks.EvaluateEvery(steps) == 0 && !IsEvaluated()))
            Evaluate(stop);
        var logged = clock.Elapsed;
        while (update < steps)
        {
            if (stop.IsCancellationRequested)
                return End(TrainingEnd.Stopped, "interrupted");
            var begun = clock.Elapsed;
            var log = (update + 1) % options.Run.LogEvery == 0 || update == 0 || update + 1 == steps;
            var outcome = Advance(batches, log, stop);
            if (outcome is null)
                return End(TrainingEnd.Stopped, "interrupted");
            if (outcome.Problem is { } problem)
            {
                Judge(problem);
                return End(TrainingEnd.NotFinite, problem.Reason);
            }
            pace.Add(clock.Elapsed - begun, lastSamples);
            if (log)
            {
                Log(outcome.Values, batches, clock.Elapsed - logged);
                logged = clock.Elapsed;
                if (Judge(judge.Current) is { Health: RunHealth.Collapsed } collapse && options.Watch.Action == WatchAction.Stop)
                    return End(TrainingEnd.Collapsed, collapse.Reason);
            }
            Budget();
            if (hooks.Evaluate is not null && (update % hooks.EvaluateEvery(steps) == 0 || update == steps))
                Evaluate(stop);
            if (Due())
                Checkpoint();
        }
        return End(TrainingEnd.Finished, null);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        metrics?.Dispose();
        events.Dispose();
        optimizer.Dispose();
    }

    sealed record Outcome(IReadOnlyList<(string Name, double Value)> Values, Verdict? Problem);

    // One update; null if the wait for data was interrupted, in which case nothing has changed that a resumed run would do twice.
    Outcome? Advance(IBatchStream batches, bool log, CancellationToken stop)
    {
        List<(string Name, double Value)> values = [];
        double weight = 0, loss = 0;
        var parts = new Dictionary<string, double>(StringComparer.Ordinal);
        var micro = new List<Batch>();
        try
        {
            while (micro.Count < options.MicroBatches)
                micro.Add(batches.Next(stop) ?? throw new InvalidOperationException("the data ended"));
        }
        catch (OperationCanceledException)
        {
            return null;
        }
        for (var m = 0; m < micro.Count; m++)
        {
            using var scope = TensorScope.Enter("step");
            var decay = method.BeforeMicroBatch(update);
            var pass = new Pass(training: true, options.Precision, new SeededDraws(options.Run.Seed, update, m));
            var step = method.Loss(micro[m], pass);
            var sum = step.Sum.Item();
            if (!double.IsFinite(sum))
            {
                optimizer.ClearGradients();
                return new([], Verdict.NotFinite("loss", sum, update));
            }
            loss += sum;
            weight += step.Weight;
            foreach (var (name, part) in step.Parts)
                parts[name] = parts.GetValueOrDefault(name) + part.Item();
            if (log && m == 0)
                values.AddRange(Gauges(step, decay));
            step.Sum.Backward();
        }
        var norm = optimizer.Step(weight, p => options.Schedule.At(update, options.Optimizer.RateOf(p), steps));
        if (!double.IsFinite(norm))
        {
            optimizer.ClearGradients();
            return new([], Verdict.NotFinite("gradient_norm", norm, update));
        }
        lastLoss = loss / weight;
        values.InsertRange(0,
        [
            ("loss", loss / weight),
            .. parts.Select(p => ($"loss/{p.Key}", p.Value / weight)),
            ("lr", options.Schedule.At(update, options.Optimizer.LearningRate, steps)),
            ("gradient_norm", norm),
        ]);
        update++;
        lastSamples = micro.Sum(batch => batch.Count);
        samples += lastSamples;
        return new(values, null);
    }

    List<(string, double)> Gauges(StepLoss step, double? decay)
    {
        List<(string, double)> gauges = [];
        if (decay is { } d)
            gauges.Add(("teacher_decay", d));
        gauges.AddRange(method.Gauges(step).Select(g => ($"gauge/{g.Name}", g.Value)));
        if (options.Watch.Gauges)
            gauges.AddRange(Health.Gauges(step.States, options.Watch.Rows, method.Encoder.FrontEnd.Grid(2).Rows == 1).Select(g => ($"gauge/{g.Name}", g.Value)));
        return gauges;
    }

    void Log(IReadOnlyList<(string Name, double Value)> values, IBatchStream batches, TimeSpan elapsed)
    {
        var waited = batches.Waiting;
        List<(string Name, double Value)> line =
        [
            ("samples", samples), ("seconds", Seconds), .. values,
            ("samples_per_second", pace.SamplesPerSecond),
            ("waiting", Math.Clamp((waited - waitedBefore) / elapsed, 0, 1)),
            ("memory_bytes", Libtorch.Memory.PeakBytes),
        ];
        waitedBefore = waited;
        Write(line);
        status = run.WriteStatus(status with { Step = update, Steps = steps, Samples = samples, Seconds = Seconds, Eta = Left, Loss = lastLoss });
        Tell("step", line);
    }

    void Write(IReadOnlyList<(string Name, double Value)> values)
    {
        judge?.Take(update, values.Select(v => KeyValuePair.Create(v.Name, v.Value)));
        metrics!.Append(update, values.Select(v => KeyValuePair.Create(v.Name, v.Value)));
        foreach (var (name, value) in values.Where(v => v.Name is not ("samples" or "seconds")))
            events.Scalar(EventFile.Seconds(DateTimeOffset.UtcNow), update, name, (float)value);
    }

    // What was logged before a resumption counts as what is logged after it.
    HealthJudge JudgeOfBefore()
    {
        var fresh = new HealthJudge(options.Schedule.Warmup) { Steps = options.Run.Budget is null || update > 0 ? steps : 0 };
        foreach (var line in Metrics.Read(run.MetricsPath))
            fresh.Take(line.Step, line.Values);
        return fresh;
    }

    // Says and writes what the judgement is where it has changed.
    Verdict? Judge(Verdict? now)
    {
        if (now is null)
            return null;
        if (now.Health != verdict?.Health || now.Gauge != verdict?.Gauge)
        {
            run.Log($"verdict: {now.Word}{(now.Reason is null ? "" : $": {now.Reason}")}");
            hooks.Report?.Invoke(new("verdict", update, steps, Seconds, [], now.Reason) { Verdict = now, Left = Left });
        }
        if (now != verdict)
            status = run.WriteStatus(status with { Verdict = now.Word, VerdictReason = now.Reason });
        return verdict = now;
    }

    // An interruption in the middle of an evaluation leaves its step without one.
    bool IsEvaluated() => Metrics.Read(run.MetricsPath).Any(line => line.Step == update && line.Values.Keys.Any(name => name.StartsWith("eval/", StringComparison.Ordinal)));

    void Evaluate(CancellationToken stop)
    {
        if (hooks.Evaluate is null)
            return;
        var begun = clock.Elapsed;
        List<(string, double)> values;
        try
        {
            values = [.. hooks.Evaluate(update, stop).Select(v => ($"eval/{v.Name}", v.Value))];
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return; // the loop ends at its next turn
        }
        evaluation = clock.Elapsed - begun;
        if (values.Count == 0)
            return;
        Write([("samples", samples), ("seconds", Seconds), .. values]);
        Tell("evaluation", values);
        var (name, first) = values[0];
        if (update > 0 && (status.BestValue is not { } best || first > best))
            Checkpoint(best: (name, first));
    }

    bool Due() => update < steps && ((options.Run.CheckpointEvery > 0 && update % options.Run.CheckpointEvery == 0)
        || clock.Elapsed - lastCheckpoint >= options.Run.CheckpointInterval);

    void Checkpoint((string Name, double Value)? best = null)
    {
        status = status with { Step = update, Steps = steps, Samples = samples, Seconds = Seconds, Eta = Left, Loss = lastLoss };
        if (best is { } b)
            status = status with { BestBy = b.Name, BestValue = b.Value };
        status = run.WriteCheckpoint(status, folder =>
        {
            hooks.SaveModel(Directory.CreateDirectory(Path.Combine(folder, "model")).FullName, update);
            TrainingState.Save(folder, method, optimizer, update, samples, Seconds, options.DataSamples);
        }, best is not null, options.Run.Keep);
        lastCheckpoint = clock.Elapsed;
        Tell("checkpoint", [], status.Last);
    }

    // Steps that fit become part of the recipe before training goes on; from there the run is exact.
    void Budget()
    {
        if (options.Run.Budget is not { } budget || update != TimedTo)
            return;
        var left = budget - TimeSpan.FromSeconds(Seconds);
        var step = pace.MedianAfter(TimedFrom);
        // A checkpoint now and then, and the report, take their share as well; so do evaluations, as often as the steps that fit make them.
        left *= 0.96;
        var without = Math.Max(1, (long)(left / step));
        var evaluations = hooks.Evaluate is null ? 0 : 1 + (without / hooks.EvaluateEvery(update + without));
        steps = update + Math.Max(1, (long)((left - (evaluations * evaluation)) / step));
        judge!.Steps = steps;
        hooks.StepsDecided?.Invoke(steps);
        status = run.WriteStatus(status with { Steps = steps });
        Tell("note", [], $"{steps} steps fit into the budget");
    }

    TrainingResult End(TrainingEnd end, string? reason)
    {
        if (Update > 0 || end != TrainingEnd.Finished)
            Checkpoint();
        status = run.WriteStatus(status with
        {
            State = end switch { TrainingEnd.Finished => RunState.Finished, TrainingEnd.Stopped => RunState.Stopped, _ => RunState.Collapsed },
            Eta = end == TrainingEnd.Finished ? 0 : status.Eta,
            Error = null, // what speaks against the run is its verdict, and an interruption is no error
        });
        run.Log(reason is null ? "finished" : $"ended: {reason}");
        return new(end, update, Seconds, lastLoss ?? double.NaN, reason) { Verdict = verdict };
    }

    double Seconds => secondsBefore + clock.Elapsed.TotalSeconds;

    double? Left => pace.Any ? (steps - update) * pace.MedianAfter(0).TotalSeconds : null;

    void Tell(string kind, IReadOnlyList<(string Name, double Value)>? values = null, string? text = null) =>
        hooks.Report?.Invoke(new(kind, update, steps, Seconds, values ?? [], text) { Left = Left });
}

/// <summary>Times and samples of the last steps.</summary>
sealed class Pace
{
    const int Kept = 100;
    readonly List<(double Seconds, int Samples)> steps = [];

    public bool Any => steps.Count > 0;

    /// <summary>The median of the steps' rates: batches of long samples hold few, those of short ones many.</summary>
    public double SamplesPerSecond => Any ? Median(steps.Select(step => step.Samples / step.Seconds)) : double.NaN;

    public void Add(TimeSpan step, int samples)
    {
        steps.Add((Math.Max(step.TotalSeconds, 1e-9), samples));
        if (steps.Count > Kept)
            steps.RemoveAt(0);
    }

    /// <summary>The median time without the first <paramref name="skipped"/>, where there are more.</summary>
    public TimeSpan MedianAfter(int skipped) => TimeSpan.FromSeconds(Median(steps.Skip(Math.Min(skipped, steps.Count - 1)).Select(step => step.Seconds)));

    static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToList();
        return sorted[sorted.Count / 2];
    }
}
