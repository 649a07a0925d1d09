using System.Globalization;
using System.Text.Json.Nodes;
using Tandem.Runs;
using Tandem.Training;

namespace Tandem.Cli;

/// <summary>Shows a run while it goes on: a moving line on a terminal, plain lines elsewhere, JSON lines for machines.</summary>
sealed class TrainingDisplay(Output output)
{
    // Where nothing moves, a line now and then is enough.
    static readonly TimeSpan Pause = TimeSpan.FromSeconds(15);
    DateTime said = DateTime.MinValue;
    double? knn;
    bool warned;

    /// <summary>Takes an event of the run.</summary>
    public void Take(TrainingEvent e)
    {
        if (e.Kind == "step" || e.Kind == "evaluation" || e.Kind == "checkpoint" || e.Kind == "start")
            output.JsonLine(Line(e));
        switch (e.Kind)
        {
            case "step":
                var text = Text(e);
                output.Status(text);
                if (!output.Moving && (DateTime.UtcNow - said > Pause || e.Step == e.Steps))
                {
                    said = DateTime.UtcNow;
                    output.Note(text);
                }
                break;
            case "evaluation":
                knn = e.Value("eval/knn") ?? knn;
                output.Note($"step {e.Step}: " + string.Join(", ", e.Values.Select(v => string.Create(CultureInfo.InvariantCulture, $"{v.Name["eval/".Length..]} {v.Value:0.000}"))));
                break;
            case "checkpoint":
                output.Detail($"checkpoint {e.Text}");
                break;
            case "verdict" when e.Verdict is { } verdict:
                output.JsonLine(new JsonObject { ["event"] = "verdict", ["step"] = e.Step, ["verdict"] = verdict.Word, ["gauge"] = verdict.Gauge, ["value"] = verdict.Gauge is null ? null : Finite(verdict.Value), ["since"] = verdict.Gauge is null ? null : verdict.Since, ["reason"] = verdict.Reason });
                if (verdict.Health != RunHealth.Healthy || warned)
                    output.Note($"{verdict.Word}{(verdict.Reason is null ? " again" : $": {verdict.Reason}")}");
                warned |= verdict.Health != RunHealth.Healthy;
                break;
            case "note":
                output.Note(e.Text ?? "");
                break;
        }
    }

    /// <summary>Says how it ended; the last JSON line.</summary>
    /// <returns>The exit code.</returns>
    public int End(TrainingResult result, string folder, CancellationToken stop)
    {
        var state = result.End switch { TrainingEnd.Finished => "finished", TrainingEnd.Stopped => "stopped", _ => "collapsed" };
        output.JsonLine(new JsonObject
        {
            ["event"] = "end",
            ["run"] = folder,
            ["state"] = state,
            ["step"] = result.Step,
            ["seconds"] = Math.Round(result.Seconds, 3),
            ["loss"] = Finite(result.Loss),
            ["verdict"] = result.End == TrainingEnd.NotFinite ? "collapsed" : result.Verdict?.Word,
        });
        var report = Path.Combine(folder, "report.html");
        switch (result.End)
        {
            case TrainingEnd.Finished:
                output.Line(string.Create(CultureInfo.InvariantCulture, $"Finished {result.Step} steps in {Time(result.Seconds)}, loss {result.Loss:0.0000}."));
                output.Line($"Run: {folder}   Report: {report}");
                return 0;
            case TrainingEnd.Stopped:
                output.Line($"Stopped at step {result.Step}; a checkpoint was written. Go on with: tandem resume {folder}");
                stop.ThrowIfCancellationRequested();
                return 0;
            case TrainingEnd.Collapsed:
                throw new TandemException(ErrorKind.Training, $"training stopped at step {result.Step}: the representation collapsed. {result.Reason}", folder, "representations that differ",
                    "Earlier checkpoints are kept. watch.action=warn goes on all the same.");
            default:
                throw new TandemException(ErrorKind.Training, $"training stopped at step {result.Step}: {result.Reason}", folder, "finite numbers",
                    "The last good weights are kept. Try a lower optimizer.learning_rate, a longer schedule.warmup, or --precision float32.");
        }
    }

    string Text(TrainingEvent e)
    {
        var text = string.Create(CultureInfo.InvariantCulture, $"step {e.Step}/{e.Steps}  loss {e.Value("loss"):0.0000}  {e.Value("samples_per_second"):0} samples/s");
        if (knn is { } accuracy)
            text += string.Create(CultureInfo.InvariantCulture, $"  kNN {accuracy:0.000}");
        if (e.Left is { } left)
            text += $"  {Time(left)} left";
        return text;
    }

    static JsonObject Line(TrainingEvent e)
    {
        var line = new JsonObject { ["event"] = e.Kind, ["step"] = e.Step, ["steps"] = e.Steps };
        foreach (var (name, value) in e.Values)
            line[name] = Finite(value);
        line["seconds"] ??= Math.Round(e.Seconds, 3);
        if (e.Left is { } left)
            line["left"] = Math.Round(left, 1);
        if (e.Text is not null)
            line["checkpoint"] = e.Text;
        return line;
    }

    static JsonNode? Finite(double value) => double.IsFinite(value) ? JsonValue.Create(value) : null;

    static string Time(double seconds) => seconds switch
    {
        < 90 => string.Create(CultureInfo.InvariantCulture, $"{seconds:0} s"),
        < 5400 => string.Create(CultureInfo.InvariantCulture, $"{seconds / 60:0} min"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{seconds / 3600:0.0} h"),
    };
}
