using System.Text.Json;

namespace Tandem.Data.Text.Json;

/// <summary>A part of a tokenizer.json: fields with their kinds checked, so that a damaged file ends in words that name the field.</summary>
/// <param name="element">A JSON object.</param>
/// <param name="path">The field's name, for errors.</param>
/// <param name="file">The file, for errors.</param>
sealed class JsonPart(JsonElement element, string path, string file)
{
    /// <summary>The part's field <c>type</c>.</summary>
    public string Type => Text("type");

    /// <summary>The JSON itself.</summary>
    public JsonElement Element => element;

    /// <summary>A field, or null when it is missing or null.</summary>
    public JsonElement? Field(string name) => element.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    /// <summary>An object in this one, or null.</summary>
    public JsonPart? Object(string name) => Field(name) is not { } value ? null : value.ValueKind == JsonValueKind.Object ? Inner(value, name) : throw Wrong(name, "an object");

    /// <summary>A list of objects in this one.</summary>
    public IEnumerable<JsonPart> Objects(string name)
    {
        if (Field(name) is not { } list)
            return [];
        if (list.ValueKind != JsonValueKind.Array)
            throw Wrong(name, "a list");
        return list.EnumerateArray().Select(item => item.ValueKind == JsonValueKind.Object ? Inner(item, name) : throw Wrong(name, "a list of objects"));
    }

    JsonPart Inner(JsonElement value, string name) => new(value, path.Length == 0 ? name : $"{path}.{name}", file);

    /// <summary>A text.</summary>
    public string Text(string name) => TextOrNull(name) ?? throw Wrong(name, "a text");

    /// <summary>A text, or null.</summary>
    public string? TextOrNull(string name) => Field(name) is not { } value ? null : value.ValueKind == JsonValueKind.String ? value.GetString() : throw Wrong(name, "a text");

    /// <summary>A truth value.</summary>
    public bool Flag(string name, bool otherwise) => FlagOrNull(name) ?? otherwise;

    /// <summary>A truth value, or null.</summary>
    public bool? FlagOrNull(string name) => Field(name) is not { } value ? null : value.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.GetBoolean() : throw Wrong(name, "true or false");

    /// <summary>A whole number.</summary>
    public int Number(string name, int? otherwise = null) => Field(name) is not { } value ? otherwise ?? throw Wrong(name, "a whole number")
        : value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number) ? number : throw Wrong(name, "a whole number");

    /// <summary>A pair of a token and its id.</summary>
    public (string Text, int Id) TokenAndId(string name) =>
        Field(name) is { ValueKind: JsonValueKind.Array } pair && pair.GetArrayLength() == 2 && pair[0].ValueKind == JsonValueKind.String && pair[1].ValueKind == JsonValueKind.Number && pair[1].TryGetInt32(out var id)
            ? (pair[0].GetString()!, id) : throw Wrong(name, "a token and its id");

    /// <summary>A pattern: a text or a regular expression.</summary>
    public TextPattern Pattern(string name)
    {
        var pattern = Object(name) ?? throw Wrong(name, "a pattern");
        return pattern.TextOrNull("String") is { } text ? TextPattern.Literal(text) : TextPattern.Expression(pattern.Text("Regex"), $"{file}, {path}.{name}");
    }

    /// <summary>The error for a field of the wrong kind.</summary>
    public TandemException Wrong(string name, string expected) => FileFault.Inconsistent.Error($"the field {(path.Length == 0 ? name : $"{path}.{name}")} is missing or of the wrong kind", file, expected);

    /// <summary>The error for something that is not built.</summary>
    public TandemException Unsupported(string what) => FileFault.Unsupported.Error($"{what} ({path})", file);
}
