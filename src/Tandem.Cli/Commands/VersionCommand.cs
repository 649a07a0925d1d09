using System.Text.Json.Nodes;

namespace Tandem.Cli.Commands;

/// <summary><c>tandem version</c>.</summary>
sealed class VersionCommand : Command
{
    public override string Name => "version";

    public override string Summary => "Says which Tandem this is";

    public override string Example => "tandem version";

    public override Task<int> Run(Call call)
    {
        call.Output.Line($"tandem {AboutTandem.Version}{(AboutTandem.Commit is { } commit ? $" ({commit})" : "")}, .NET {Environment.Version}");
        call.Output.Document(new JsonObject { ["version"] = AboutTandem.Version, ["commit"] = AboutTandem.Commit, ["dotnet"] = Environment.Version.ToString() });
        return Task.FromResult(0);
    }
}
