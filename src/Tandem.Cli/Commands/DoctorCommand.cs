using System.Text.Json.Nodes;
using Tandem.Cli.Doctor;

namespace Tandem.Cli.Commands;

/// <summary><c>tandem doctor</c>: what this machine has, what it lacks, and how to mend it.</summary>
sealed class DoctorCommand : Command
{
    public override string Name => "doctor";

    public override string Summary => "Says what this machine has, what it lacks, and how to mend it";

    public override string Example => "tandem doctor";

    public override string Remarks => "The exit code is 4 when something is missing without which nothing works, otherwise 0.";

    public override Task<int> Run(Call call)
    {
        List<Finding> findings = [];
        foreach (var check in Checks.All)
        {
            call.Stop.ThrowIfCancellationRequested();
            call.Output.Status($"looking at {check.About}");
            findings.AddRange(Look(check));
        }
        var broken = findings.Any(finding => finding.State == State.Broken);
        Show(findings, call.Output);
        call.Output.Document(new JsonObject
        {
            ["ok"] = !broken,
            ["findings"] = new JsonArray([.. findings.Select(finding => (JsonNode)new JsonObject
            {
                ["about"] = finding.About,
                ["name"] = finding.Name,
                ["state"] = finding.State.ToString().ToLowerInvariant(),
                ["value"] = finding.Value,
                ["remedy"] = finding.Remedy,
            })]),
        });
        return Task.FromResult(broken ? (int)ErrorKind.Machine : 0);
    }

    /// <summary>A check that fails itself is a finding too: the doctor is for machines where things go wrong.</summary>
    static IEnumerable<Finding> Look(ICheck check)
    {
        try
        {
            return [.. check.Look()];
        }
        catch (Exception cause)
        {
            return [new Finding(check.About, "check", State.Warning, $"could not be looked at: {cause.Message}")];
        }
    }

    static void Show(List<Finding> findings, Output output)
    {
        output.Table(
            ["", "what", "value"],
            findings.Select(finding => (IReadOnlyList<string>)[Mark(finding.State), finding.Name, finding.Value]));
        var remedies = findings.Where(finding => finding.Remedy is not null && finding.State is State.Warning or State.Broken).ToList();
        output.Line();
        foreach (var finding in remedies)
            output.Line($"{Mark(finding.State)} {finding.Name}: {finding.Remedy}");
        if (remedies.Count == 0)
            output.Line("Nothing to mend.");
    }

    static string Mark(State state) => state switch
    {
        State.Good => "ok",
        State.Information => "",
        State.Warning => "!",
        _ => "MISSING",
    };
}
