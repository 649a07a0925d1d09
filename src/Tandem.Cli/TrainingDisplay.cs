using System.Globalization;
using System.Text.Json.Nodes;
using Tandem.Cli.Commands;
using Tandem.Runs;
using Tandem.Training;

namespace Tandem.Cli;

/// <summary>Shows a run while it goes on: a moving line on a terminal, plain lines elsewhere, JSON lines for machines.</summary>
sealed class TrainingDisplay(Output output, string folder)
{
    // Where nothing moves, a line now and then is enough.
    static readonly TimeSpan Pause = TimeSpan.FromSeconds(15);
    DateTime said = DateTime.MinValue;
    double? knn, loss;
    bool warned;
    TrainingEvent? latest;
    Verdict? verdict;

    /// <summary>Takes an event of the run.</summary>
    public void Take(TrainingEvent e)
    {
        latest = e;
        loss = e.Value("loss") ?? loss;
        verdict = e.Verdict ?? verdict;
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
                output.Note($"step {e.Step}: " + string.Join(", ", e.Values.Select(v => string.Create(CultureInfo.InvariantCulture, $"{v.Name["eval/".Length..]} {RunsShowCommand.Score(v.Value)}"))));
                break;
            case "checkpoint":
                output.Detail($"checkpoint {e.Text}");
                break;
            case "verdict" when verdict is not null:
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
    /// <exception cref="TandemException">The run collapsed, or its numbers are not finite (<see cref="ErrorKind.Training"/>).</exception>
    public int End(TrainingResult result, CancellationToken stop)
    {
        var report = Path.Combine(folder, "report.html");
        switch (result.End)
        {
            case TrainingEnd.Finished:
                EndLine("finished", result.Step, result.Seconds, result.Loss, result.Verdict);
                output.Line(string.Create(CultureInfo.InvariantCulture, $"Finished {result.Step} steps in {Time(result.Seconds)}, loss {result.Loss:0.0000}."));
                output.Line($"Run: {folder}   Report: {report}");
                return 0;
            case TrainingEnd.Stopped:
                EndLine("stopped", result.Step, result.Seconds, result.Loss, result.Verdict);
                output.Line($"Stopped at step {result.Step}; a checkpoint was written. Go on with: tandem resume {folder}");
                stop.ThrowIfCancellationRequested();
                return 0;
            case TrainingEnd.Collapsed:
                throw Stopped(result, $"training stopped at step {result.Step}. {result.Reason}", result.Verdict?.Gauge == "loss" ? "a loss that falls" : "representations that differ",
                    $"Its checkpoints are kept; what is changed takes a new run: tandem pretrain RECIPE out=FOLDER. To go on with this one all the same: tandem resume {folder} watch.action=warn");
            default:
                throw Stopped(result, $"training stopped at step {result.Step}. {result.Reason}", "finite numbers",
                    $"The last good weights are kept; a new run can start from them: tandem pretrain RECIPE init={folder} out=FOLDER optimizer.learning_rate=…");
        }
    }

    /// <summary>Says that the run broke off: the last JSON line, with the error.</summary>
    /// <returns>The error to throw.</returns>
    public TandemException Fail(Exception cause)
    {
        var error = Faults.Error(cause, Environment.GetCommandLineArgs()[1..]);
        if (!output.ErrorTold)
            EndLine("failed", latest?.Step ?? 0, latest?.Seconds ?? 0, loss ?? double.NaN, verdict, error);
        return error;
    }

    TandemException Stopped(TrainingResult result, string message, string expected, string remedy)
    {
        var error = new TandemException(ErrorKind.Training, message, folder, expected, remedy);
        EndLine("collapsed", result.Step, result.Seconds, result.Loss, result.Verdict, error);
        return error;
    }

    void EndLine(string state, long step, double seconds, double loss, Verdict? judged, TandemException? error = null)
    {
        var line = new JsonObject
        {
            ["event"] = "end",
            ["run"] = folder,
            ["state"] = state,
            ["step"] = step,
            ["seconds"] = Math.Round(seconds, 3),
            ["loss"] = Finite(loss),
            ["verdict"] = state == "collapsed" ? state : judged?.Word,
        };
        if (error is not null)
            line["error"] = Faults.Json(error);
        output.JsonLine(line);
    }

    string Text(TrainingEvent e)
    {
        var text = string.Create(CultureInfo.InvariantCulture, $"step {e.Step}/{e.Steps}  loss {e.Value("loss"):0.0000}  {e.Value("samples_per_second"):0} samples/s");
        if (knn is { } accuracy)
            text += string.Create(CultureInfo.InvariantCulture, $"  kNN {RunsShowCommand.Score(accuracy)}");
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
