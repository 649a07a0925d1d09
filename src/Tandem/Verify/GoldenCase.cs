using System.Security.Cryptography;
using System.Text.Json;
using Tandem.Data;
using Tandem.Models.Formats;
using Tandem.Models.Peers;
using Tandem.Torch;

namespace Tandem.Verify;

/// <summary>
/// One golden case: a folder with <c>case.json</c> and up to three tensor files, recorded from a published implementation. It remembers which
/// fields of the configuration and which inputs were asked for, because whatever was not understood must fail the case.
/// </summary>
public sealed class GoldenCase
{
    const int DepthLimit = 4096;
    readonly Dictionary<string, string> hashes = new(StringComparer.Ordinal);
    readonly Dictionary<string, (double Relative, double Absolute)> tolerances = new(StringComparer.Ordinal);
    readonly Lazy<TensorSet> inputs, weights, expect;

    GoldenCase(string folder, string path, JsonElement root)
    {
        Folder = folder;
        Path = path;
        Method = root.GetProperty("method").GetString()!;
        Kind = root.GetProperty("kind").GetString()!;
        About = root.TryGetProperty("about", out var about) && about.ValueKind == JsonValueKind.String ? about.GetString()! : "";
        Config = new ConfigReader(root.TryGetProperty("config", out var config) ? Require(config, JsonValueKind.Object, "config") : JsonDocument.Parse("{}").RootElement, "");
        if (root.TryGetProperty("values", out var values))
            Values = Require(values, JsonValueKind.Object, "values");
        if (root.TryGetProperty("values_tolerance", out var tolerance))
            ValuesTolerance = Pair(tolerance, "values_tolerance");
        if (root.TryGetProperty("tolerance", out var all))
        {
            foreach (var rule in Require(all, JsonValueKind.Object, "tolerance").EnumerateObject())
                tolerances[rule.Name] = Pair(rule.Value, $"tolerance.{rule.Name}");
        }
        if (root.TryGetProperty("files", out var files))
        {
            foreach (var file in Require(files, JsonValueKind.Object, "files").EnumerateObject())
                hashes[file.Name] = file.Value.GetString() ?? "";
        }
        inputs = new(() => TensorSet.Open(folder, "inputs"));
        weights = new(() => TensorSet.Open(folder, "weights"));
        expect = new(() => TensorSet.Open(folder, "expect"));
    }

    /// <summary>Reads <c>case.json</c>; tensors are read when asked for.</summary>
    /// <param name="folder">The case's folder.</param>
    /// <param name="root">The folder that was given to <c>tandem verify</c>; paths in reports are relative to it.</param>
    /// <exception cref="TandemException"><c>case.json</c> is missing, unreadable or wrong (<see cref="ErrorKind.Input"/>).</exception>
    public static GoldenCase Open(string folder, string? root = null)
    {
        var file = System.IO.Path.Combine(folder, "case.json");
        try
        {
            using var stream = System.IO.File.OpenRead(file);
            using var document = JsonDocument.Parse(stream, new JsonDocumentOptions { MaxDepth = DepthLimit }); // trees of hostile objects are deep
            var json = document.RootElement.Clone();
            Require(json, JsonValueKind.Object, "the document");
            foreach (var field in new[] { "method", "kind" })
                Require(json.TryGetProperty(field, out var text) ? text : default, JsonValueKind.String, field);
            var path = System.IO.Path.GetRelativePath(root ?? System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(folder))!, folder);
            return new GoldenCase(folder, path == "." ? System.IO.Path.GetFileName(System.IO.Path.GetFullPath(folder)) : path, json);
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException or JsonException or InvalidOperationException or FormatException)
        {
            throw new TandemException(ErrorKind.Input, $"the case cannot be read: {cause.Message}", file, "a golden case's case.json", inner: cause);
        }
    }

    /// <summary>The case's folder.</summary>
    public string Folder { get; }

    /// <summary>The folder as reports name it.</summary>
    public string Path { get; }

    /// <summary>Whose computation it is: <c>data2vec2</c>, <c>mae</c>, <c>formats</c>.</summary>
    public string Method { get; }

    /// <summary>Which check to run: <c>pretrain_step</c>, <c>mask</c>.</summary>
    public string Kind { get; }

    /// <summary>What this case covers that others do not, one line; may be empty.</summary>
    public string About { get; }

    /// <summary>The publisher's configuration. Every field must be asked for or declared without effect.</summary>
    public ConfigReader Config { get; }

    /// <summary>Plain expected values (and, for some kinds, plain inputs), or null when the case has none.</summary>
    public JsonElement? Values { get; }

    /// <summary>Tolerance of the floats among the values: relative and absolute.</summary>
    public (double Relative, double Absolute) ValuesTolerance { get; } = (1e-4, 1e-8);

    /// <summary>Inputs and recorded draws. Every one must be asked for.</summary>
    public TensorSet Inputs => inputs.Value;

    /// <summary>Parameters and buffers under the publisher's names.</summary>
    public TensorSet Weights => weights.Value;

    /// <summary>What must come out.</summary>
    public TensorSet Expect => expect.Value;

    /// <summary>Names of the other files.</summary>
    public IReadOnlyCollection<string> Files => hashes.Keys;

    /// <summary>The path of another file or folder of the case; a file that is listed under <c>files</c> is checked against its SHA-256.</summary>
    /// <exception cref="TandemException">The name leaves the folder, the file is missing, or it is not the one recorded (<see cref="ErrorKind.Input"/>).</exception>
    public string File(string name)
    {
        var path = System.IO.Path.GetFullPath(System.IO.Path.Combine(Folder, name));
        if (!path.StartsWith(System.IO.Path.GetFullPath(Folder) + System.IO.Path.DirectorySeparatorChar, StringComparison.Ordinal))
            throw FileFault.Forbidden.Error($"'{name}' leaves the case's folder", Folder);
        if (!System.IO.File.Exists(path) && !Directory.Exists(path))
            throw new TandemException(ErrorKind.Input, $"the case has no file '{name}'", Folder);
        if (hashes.TryGetValue(name, out var hash))
        {
            using var stream = System.IO.File.OpenRead(path);
            if (!Convert.ToHexStringLower(SHA256.HashData(stream)).Equals(hash, StringComparison.OrdinalIgnoreCase))
                throw FileFault.Inconsistent.Error($"'{name}' is not the recorded file: its SHA-256 differs", path, hash);
        }
        return path;
    }

    /// <summary>The tolerance of an expected tensor: its own entry, else the longest prefix with a star, else <c>default</c>.</summary>
    /// <exception cref="TandemException">The case gives none (<see cref="ErrorKind.Input"/>).</exception>
    public (double Relative, double Absolute) ToleranceOf(string tensor)
    {
        if (tolerances.TryGetValue(tensor, out var own))
            return own;
        var prefix = tolerances.Keys
            .Where(rule => rule.EndsWith('*') && tensor.StartsWith(rule[..^1], StringComparison.Ordinal))
            .MaxBy(rule => rule.Length);
        if (prefix is not null)
            return tolerances[prefix];
        return tolerances.TryGetValue("default", out var rest)
            ? rest
            : throw new TandemException(ErrorKind.Input, $"no tolerance for tensor '{tensor}'", System.IO.Path.Combine(Folder, "case.json"), "an entry of its name, a prefix with *, or default");
    }

    static JsonElement Require(JsonElement element, JsonValueKind kind, string what) => element.ValueKind == kind
        ? element
        : throw new FormatException($"{what} is {(element.ValueKind == JsonValueKind.Undefined ? "missing" : $"of kind {element.ValueKind}")} instead of {kind}");

    static (double Relative, double Absolute) Pair(JsonElement element, string what)
    {
        if (element.ValueKind != JsonValueKind.Array || element.GetArrayLength() != 2)
            throw new FormatException($"{what} is not [rtol, atol]");
        return (element[0].GetDouble(), element[1].GetDouble());
    }
}
