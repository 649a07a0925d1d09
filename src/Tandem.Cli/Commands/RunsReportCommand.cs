using System.Text.Json.Nodes;
using Tandem.Runs;

namespace Tandem.Cli.Commands;

/// <summary><c>tandem runs report</c>: writes a run's report anew.</summary>
sealed class RunsReportCommand : Command
{
    public override string Name => "runs report";

    public override string Summary => "Writes a run's report anew: one self-contained page";

    public override string Example => "tandem runs report runs/photos";

    public override IReadOnlyList<Operand> Operands { get; } = [new("RUN", "a run folder; the run may be going on")];

    public override IReadOnlyList<Setting> Settings { get; } = [new("out", "the file (report.html in the run folder)")];

    public override Task<int> Run(Call call)
    {
        using var run = RunFolder.Read(call.Operands[0]);
        var path = call["out"] ?? run["report.html"];
        if (call.Options.DryRun)
        {
            call.Output.Line($"The report would be written to {path}.");
            call.Output.Document(new JsonObject { ["dry_run"] = true, ["run"] = run.Path, ["out"] = path });
            return Task.FromResult(0);
        }
        Report.Write(run, path);
        call.Output.Line($"Report: {path}");
        call.Output.Document(new JsonObject { ["run"] = run.Path, ["out"] = path, ["bytes"] = new FileInfo(path).Length });
        return Task.FromResult(0);
    }
}
