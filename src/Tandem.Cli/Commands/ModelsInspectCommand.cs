using System.Globalization;
using System.Text.Json.Nodes;

namespace Tandem.Cli.Commands;

/// <summary><c>tandem models inspect</c>: architecture, preprocessing and tensors of a model.</summary>
sealed class ModelsInspectCommand : Command
{
    const int TensorsShown = 30;

    public override string Name => "models inspect";

    public override string Summary => "Shows a model's architecture, preprocessing and tensors, or the tensors of a safetensors file";

    public override string Example => "tandem models inspect runs/photos";

    public override IReadOnlyList<Operand> Operands { get; } = [new("PATH", "a model folder, a run folder, a checkpoint folder or a .safetensors file")];

    public override string Remarks => $"The first {TensorsShown} tensors are shown; --verbose shows them all, --json has them all.";

    public override Task<int> Run(Call call)
    {
        var document = ModelListing.Inspect(call.Operands[0]);
        var output = call.Output;
        List<IReadOnlyList<string>> facts =
        [
            ["path", document["path"]!.ToString()],
            ["kind", document["kind"]!.ToString()],
            ["parameters", Number(document["parameters"]!)],
            ["bytes", Number(document["bytes"]!)],
        ];
        Flatten("", document["config"], facts);
        Flatten("preprocessing.", document["preprocessing"], facts);
        Flatten("metadata.", document["metadata"], facts);
        output.Table(["what", "value"], facts);
        output.Line();
        var tensors = document["tensors"]!.AsArray();
        var shown = output.Verbose ? tensors.Count : Math.Min(TensorsShown, tensors.Count);
        output.Table(["tensor", "type", "shape"], tensors.Take(shown).Select(tensor => (IReadOnlyList<string>)[tensor!["name"]!.ToString(), tensor["type"]!.ToString(), Shape(tensor["shape"]!)]));
        if (shown < tensors.Count)
            output.Line($"… and {tensors.Count - shown} tensors (--verbose shows all)");
        output.Document(document);
        return Task.FromResult(0);
    }

    static void Flatten(string before, JsonNode? node, List<IReadOnlyList<string>> facts)
    {
        foreach (var (name, value) in node as JsonObject ?? [])
        {
            if (value is JsonObject)
                Flatten($"{before}{name}.", value, facts);
            else if (!(before.Length == 0 && name == "parameters"))
                facts.Add([before + name, value is JsonArray ? value.ToJsonString() : value?.ToString() ?? "none"]);
        }
    }

    static string Shape(JsonNode shape) => $"[{string.Join(", ", shape.AsArray().Select(size => size!.ToString()))}]";

    static string Number(JsonNode number) => number.GetValue<long>().ToString("N0", CultureInfo.InvariantCulture);
}
