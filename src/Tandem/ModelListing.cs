using System.Text.Json.Nodes;
using Tandem.Models;
using Tandem.Models.Formats;

using Tandem.Runs;

namespace Tandem;

/// <summary>A model that was found.</summary>
/// <param name="Path">Its folder, relative to the one that was searched.</param>
/// <param name="Model">Its description; null when that cannot be read.</param>
/// <param name="Bytes">Size of its weights.</param>
/// <param name="Fault">Why it cannot be read; null when it can.</param>
public sealed record ListedModel(string Path, ModelFolder? Model, long Bytes, string? Fault);

/// <summary>Finds models and tells what they are.</summary>
public static class ModelListing
{
    const int Depth = 8;

    /// <summary>The model folders in a folder, at any depth up to eight, by path; hidden folders are left out.</summary>
    /// <exception cref="TandemException"><see cref="ErrorKind.Input"/>: there is no such folder.</exception>
    public static IReadOnlyList<ListedModel> Under(string folder)
    {
        if (!Directory.Exists(folder))
            throw new TandemException(ErrorKind.Input, File.Exists(folder) ? "this is a file" : "there is no such folder", folder, "a folder with models or runs");
        var options = new EnumerationOptions { RecurseSubdirectories = true, MaxRecursionDepth = Depth, IgnoreInaccessible = true, AttributesToSkip = FileAttributes.Hidden | FileAttributes.ReparsePoint };
        return [.. Directory.EnumerateFiles(folder, "model.safetensors", options)
            .Select(file => System.IO.Path.GetDirectoryName(file)!)
            .Where(ModelFolder.IsModel)
            .Order(StringComparer.Ordinal)
            .Select(path => Look(path, System.IO.Path.GetRelativePath(folder, path)))];
    }

    /// <summary>The document of a model folder, a run, a checkpoint or a plain safetensors file: architecture, preprocessing, tensors.</summary>
    /// <returns><c>path</c>, <c>kind</c>, <c>config</c>, <c>preprocessing</c>, <c>metadata</c>, <c>parameters</c>, <c>bytes</c>, <c>tensors</c>.</returns>
    /// <exception cref="TandemException"><see cref="ErrorKind.Input"/>: there is nothing, or it cannot be read.</exception>
    public static JsonObject Inspect(string path)
    {
        if (File.Exists(path))
            return Describe(path, path, null);
        var model = ModelFolder.Open(ModelPath.Resolve(path));
        return Describe(model.Path, model.WeightsPath, model);
    }

    static ListedModel Look(string path, string shown)
    {
        var bytes = new FileInfo(System.IO.Path.Combine(path, "model.safetensors")).Length;
        try
        {
            return new(shown, ModelFolder.Open(path), bytes, null);
        }
        catch (TandemException error)
        {
            return new(shown, null, bytes, error.Message);
        }
    }

    static JsonObject Describe(string path, string weights, ModelFolder? model)
    {
        using var file = Safetensors.Open(weights);
        var tensors = file.Names.Select(file.Entry).OrderBy(entry => entry.Name, StringComparer.Ordinal).ToList();
        return new JsonObject
        {
            ["path"] = path,
            ["kind"] = model is null ? "safetensors" : "model",
            ["config"] = model?.Config.DeepClone(),
            ["preprocessing"] = model is null ? null : JsonNode.Parse(File.ReadAllText(System.IO.Path.Combine(model.Path, "preprocessing.json"))),
            ["metadata"] = new JsonObject(file.Metadata.Select(pair => KeyValuePair.Create(pair.Key, (JsonNode?)pair.Value))),
            ["parameters"] = tensors.Sum(entry => Elements(entry.Shape)),
            ["bytes"] = tensors.Sum(entry => entry.Size),
            ["tensors"] = new JsonArray([.. tensors.Select(entry => (JsonNode)new JsonObject
            {
                ["name"] = entry.Name,
                ["type"] = entry.TypeName,
                ["shape"] = new JsonArray([.. entry.Shape.Select(size => (JsonNode)size)]),
                ["bytes"] = entry.Size,
            })]),
        };
    }

    static long Elements(IReadOnlyList<long> shape) => shape.Aggregate(1L, (product, size) => product * size);
}
