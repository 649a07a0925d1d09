using System.Text.Json.Nodes;

namespace Tandem.Recipes;

/// <summary>A part of a recipe: a section with parts by name, or a value (text, number, flag, null, list). It knows where it comes from.</summary>
sealed class RecipeNode
{
    public RecipeNode(RecipeOrigin origin) => (Origin, Parts) = (origin, new Dictionary<string, RecipeNode>(StringComparer.Ordinal));

    public RecipeNode(RecipeOrigin origin, JsonNode? value) => (Origin, Value) = (origin, value);

    public RecipeOrigin Origin { get; private set; }

    /// <summary>The parts of a section in the file's order; null for a value.</summary>
    public Dictionary<string, RecipeNode>? Parts { get; private set; }

    /// <summary>The value; null also stands for JSON's null.</summary>
    public JsonNode? Value { get; private set; }

    public bool IsSection => Parts is not null;

    /// <summary>Puts another recipe on top: sections are merged, values replaced.</summary>
    public void Merge(RecipeNode above)
    {
        if (Parts is null || above.Parts is null)
        {
            (Origin, Parts, Value) = (above.Origin, above.Parts, above.Value);
            return;
        }
        foreach (var (name, part) in above.Parts)
        {
            if (Parts.TryGetValue(name, out var own))
                own.Merge(part);
            else
                Parts[name] = part;
        }
    }

    /// <summary>The part at a dotted path, or null.</summary>
    public RecipeNode? Find(string path)
    {
        var node = this;
        foreach (var name in path.Length == 0 ? [] : path.Split('.'))
        {
            if (node?.Parts?.GetValueOrDefault(name) is not { } part)
                return null;
            node = part;
        }
        return node;
    }

    /// <summary>All values with their dotted paths.</summary>
    public IEnumerable<(string Path, RecipeNode Node)> Values(string path = "")
    {
        if (Parts is null)
            return [(path, this)];
        return Parts.SelectMany(part => part.Value.Values(path.Length == 0 ? part.Key : $"{path}.{part.Key}"));
    }

    /// <summary>The part without origins.</summary>
    public JsonNode? ToJson()
    {
        if (Parts is null)
            return Value?.DeepClone();
        var json = new JsonObject();
        foreach (var (name, part) in Parts)
            json[name] = part.ToJson();
        return json;
    }
}
