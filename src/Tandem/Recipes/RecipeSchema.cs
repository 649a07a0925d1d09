using System.Text.Json.Nodes;
using Tandem.Layers;

namespace Tandem.Recipes;

/// <summary>The JSON Schema (draft 2020-12) of recipes, from the options records.</summary>
public static class RecipeSchema
{
    /// <summary>The schema of a recipe with these sections; several records may share one.</summary>
    /// <param name="sections">Sections by dotted path, and the record that each is bound to.</param>
    public static JsonObject Of(IEnumerable<(string Section, Type Type)> sections)
    {
        var properties = new JsonObject
        {
            ["$schema"] = new JsonObject { ["type"] = "string" },
            ["base"] = Described("string", "the recipe that this one changes"),
            ["method"] = Described("string", "the pre-training method or task"),
            ["about"] = Described("string", "what the recipe is for"),
            ["source"] = Described("string", "where its numbers come from"),
            ["expect"] = Described("object", "what was measured with it, on which machine; curves: lists of [step, value] by metric (loss, eval/knn), which a run's report draws behind its own"),
        };
        foreach (var (section, type) in sections)
        {
            var place = properties;
            foreach (var name in section.Length == 0 ? [] : section.Split('.'))
            {
                if (place[name] is not JsonObject inner || inner["properties"] is not JsonObject)
                    place[name] = inner = new JsonObject { ["type"] = "object", ["properties"] = new JsonObject(), ["additionalProperties"] = false };
                place = (JsonObject)inner["properties"]!;
            }
            Fill(place, type);
        }
        return new JsonObject
        {
            ["$schema"] = "https://json-schema.org/draft/2020-12/schema",
            ["title"] = "Tandem recipe",
            ["type"] = "object",
            ["properties"] = properties,
            ["additionalProperties"] = false,
        };
    }

    static JsonObject Described(string type, string text) => new() { ["type"] = type, ["description"] = text };

    static void Fill(JsonObject properties, Type type)
    {
        foreach (var setting in RecipeBinder.SettingsOf(type))
        {
            var schema = Of(Nullable.GetUnderlyingType(setting.Type) ?? setting.Type, setting.Meaning, setting.Range);
            if (setting.Nullable && schema["type"] is JsonValue single)
                schema["type"] = new JsonArray(single.DeepClone(), "null");
            if (setting.Nullable && schema["enum"] is JsonArray choices)
                choices.Add(null);
            if (setting.Meaning is { } meaning)
                schema["description"] = meaning.Text + (meaning.Unit is null ? "" : $" [{meaning.Unit}]");
            if (RecipeValues.IsValue(setting.Type) && setting.Default is not null)
                schema["default"] = RecipeValues.ToNode(setting.Default, setting.Meaning?.Unit);
            properties[setting.Name] = schema;
        }
    }

    static JsonObject Of(Type type, MeaningAttribute? meaning, RangeAttribute? range)
    {
        if (type == typeof(string))
            return new JsonObject { ["type"] = "string" };
        if (type == typeof(bool))
            return new JsonObject { ["type"] = "boolean" };
        if (type.IsEnum)
            return new JsonObject { ["enum"] = new JsonArray([.. RecipeValues.Choices(type).Select(choice => (JsonNode)choice)]) };
        if (type == typeof(TimeSpan))
            return new JsonObject { ["type"] = new JsonArray("string", "number"), ["examples"] = new JsonArray("20m", "1h30m") };
        if (type == typeof(int) || type == typeof(long) || type == typeof(float) || type == typeof(double))
        {
            var bytes = meaning?.Unit == "bytes";
            var number = new JsonObject { ["type"] = bytes ? new JsonArray("string", "integer") : type == typeof(int) || type == typeof(long) ? "integer" : "number" };
            if (range is { Min: > double.NegativeInfinity })
                number["minimum"] = range.Min;
            if (range is { Max: < double.PositiveInfinity })
                number["maximum"] = range.Max;
            return number;
        }
        if (RecipeValues.DictionaryOf(type) is { } value)
            return new JsonObject { ["type"] = "object", ["additionalProperties"] = Of(value, meaning, range) };
        if (RecipeValues.ItemOf(type) is { } item)
            return new JsonObject { ["type"] = "array", ["items"] = Of(item, meaning, range) };
        var properties = new JsonObject();
        Fill(properties, type);
        return new JsonObject { ["type"] = "object", ["properties"] = properties, ["additionalProperties"] = false };
    }
}
