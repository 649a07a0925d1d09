using System.Text.Json.Nodes;
using Tandem.Networks;

namespace Tandem.Cli.Commands;

/// <summary><c>tandem models ls</c>: the models in a folder.</summary>
sealed class ModelsLsCommand : Command
{
    public override string Name => "models ls";

    public override string Summary => "Lists the models in a folder, those in runs included";

    public override string Example => "tandem models ls .";

    public override IReadOnlyList<Operand> Operands { get; } = [new("FOLDER", "where to look, at any depth (here)", Times.AtMostOnce)];

    public override Task<int> Run(Call call)
    {
        var folder = call.Operands.Count > 0 ? call.Operands[0] : ".";
        var models = ModelListing.Under(folder);
        var rows = models.Select(Row).ToList();
        if (rows.Count == 0)
            call.Output.Line($"No models in {folder}.");
        else
            call.Output.Table(["model", "method", "modality", "blocks", "width", "input", "parameters", "fault"], rows.Select(row => (IReadOnlyList<string>)[.. row.Select(field => field.Value?.ToString() ?? "")]));
        call.Output.Document(new JsonObject { ["folder"] = folder, ["models"] = new JsonArray([.. rows.Zip(models, Document)]) });
        return Task.FromResult(0);
    }

    static JsonObject Row(ListedModel listed)
    {
        var config = listed.Model?.Encoder;
        return new JsonObject
        {
            ["path"] = listed.Path,
            ["method"] = listed.Model?.Method,
            ["modality"] = config?.Modality,
            ["blocks"] = config is null ? null : config.Trunk.Depth + config.FrontEnd.PrenetDepth,
            ["width"] = config?.Trunk.Block.Width,
            ["input"] = (config?.FrontEnd as ImageFrontEndOptions)?.InputSize,
            ["parameters"] = listed.Model?.Config["parameters"]?.DeepClone(),
            ["fault"] = listed.Fault,
        };
    }

    static JsonObject Document(JsonObject row, ListedModel listed)
    {
        row["bytes"] = listed.Bytes;
        return row;
    }
}
