using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Tandem.Recipes;

/// <summary>Reads the text of a recipe, JSON with comments or YAML, into a tree whose parts know their lines.</summary>
static class RecipeReader
{
    const int PartLimit = 100_000;

    /// <summary>Reads a recipe.</summary>
    /// <param name="text">The text.</param>
    /// <param name="kind">What the origins say.</param>
    /// <param name="place">The recipe's name or file, for origins and errors.</param>
    /// <exception cref="TandemException">The text is neither (<see cref="ErrorKind.Usage"/>).</exception>
    public static RecipeNode Read(string text, OriginKind kind, string place)
    {
        var node = LooksLikeJson(text) ? ReadJson(Encoding.UTF8.GetBytes(text), kind, place) : ReadYaml(text, kind, place);
        return node.IsSection ? node : throw new TandemException(ErrorKind.Usage, "the recipe is no object of sections", place, "{ \"method\": …, \"data\": { … } }");
    }

    static bool LooksLikeJson(string text)
    {
        var rest = text.AsSpan().TrimStart();
        return rest.IsEmpty || rest[0] is '{' or '[' || rest.StartsWith("//") || rest.StartsWith("/*");
    }

    static RecipeNode ReadJson(byte[] json, OriginKind kind, string place)
    {
        try
        {
            var lines = new LineCount(json);
            var reader = new Utf8JsonReader(json, new JsonReaderOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true });
            if (!reader.Read())
                throw new JsonException("the text is empty");
            var node = ReadJson(ref reader, lines, kind, place);
            reader.Read();
            return node;
        }
        catch (JsonException cause)
        {
            var line = cause.LineNumber is { } number ? string.Create(CultureInfo.InvariantCulture, $"{place}:{number + 1}") : place;
            throw new TandemException(ErrorKind.Usage, $"the recipe is not valid JSON: {cause.Message.Split(" LineNumber:")[0]}", line, "JSON; comments and trailing commas are welcome", inner: cause);
        }
    }

    static RecipeNode ReadJson(ref Utf8JsonReader reader, LineCount lines, OriginKind kind, string place)
    {
        var origin = new RecipeOrigin(kind, place, lines.At(reader.TokenStartIndex));
        if (reader.TokenType != JsonTokenType.StartObject)
            return new RecipeNode(origin, JsonNode.Parse(ref reader));
        var section = new RecipeNode(origin);
        while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
        {
            var name = reader.GetString()!;
            var line = lines.At(reader.TokenStartIndex);
            reader.Read();
            if (!section.Parts!.TryAdd(name, ReadJson(ref reader, lines, kind, place)))
                throw new TandemException(ErrorKind.Usage, $"the recipe gives '{name}' twice", string.Create(CultureInfo.InvariantCulture, $"{place}:{line}"));
        }
        return section;
    }

    static RecipeNode ReadYaml(string text, OriginKind kind, string place)
    {
        try
        {
            var stream = new YamlStream();
            stream.Load(new StringReader(text));
            var parts = 0;
            return stream.Documents.Count == 1
                ? ReadYaml(stream.Documents[0].RootNode, kind, place, ref parts)
                : throw new TandemException(ErrorKind.Usage, $"the recipe has {stream.Documents.Count} YAML documents", place, "one");
        }
        catch (YamlException cause)
        {
            throw new TandemException(ErrorKind.Usage, $"the recipe is neither JSON nor YAML: {cause.Message}", string.Create(CultureInfo.InvariantCulture, $"{place}:{cause.Start.Line}"), inner: cause);
        }
    }

    static RecipeNode ReadYaml(YamlNode yaml, OriginKind kind, string place, ref int parts)
    {
        // Aliases can make a small text huge, or endless.
        if (++parts > PartLimit)
            throw new TandemException(ErrorKind.Usage, $"the recipe has more than {PartLimit} parts", place);
        var origin = new RecipeOrigin(kind, place, (int)yaml.Start.Line);
        if (yaml is not YamlMappingNode mapping)
            return new RecipeNode(origin, YamlValue(yaml, ref parts, place));
        var section = new RecipeNode(origin);
        foreach (var (key, value) in mapping.Children)
        {
            var name = (key as YamlScalarNode)?.Value ?? throw new TandemException(ErrorKind.Usage, "a key is no text", origin.ToString());
            section.Parts![name] = ReadYaml(value, kind, place, ref parts);
        }
        return section;
    }

    static JsonNode? YamlValue(YamlNode yaml, ref int parts, string place)
    {
        if (++parts > PartLimit)
            throw new TandemException(ErrorKind.Usage, $"the recipe has more than {PartLimit} parts", place);
        switch (yaml)
        {
            case YamlSequenceNode list:
                var array = new JsonArray();
                foreach (var item in list.Children)
                    array.Add(YamlValue(item, ref parts, place));
                return array;
            case YamlMappingNode mapping:
                var json = new JsonObject();
                foreach (var (key, value) in mapping.Children)
                    json[(key as YamlScalarNode)?.Value ?? ""] = YamlValue(value, ref parts, place);
                return json;
            default:
                var scalar = (YamlScalarNode)yaml;
                var text = scalar.Value ?? "";
                if (scalar.Style != ScalarStyle.Plain)
                    return JsonValue.Create(text);
                // YAML 1.2's core schema: no yes/no, no octal by a leading zero
                return text switch
                {
                    "" or "~" or "null" or "Null" or "NULL" => null,
                    "true" or "True" or "TRUE" => JsonValue.Create(true),
                    "false" or "False" or "FALSE" => JsonValue.Create(false),
                    _ when long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var whole) => JsonValue.Create(whole),
                    _ when (char.IsAsciiDigit(text[0]) || text[0] is '-' or '+' or '.') && double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) => JsonValue.Create(number),
                    _ => JsonValue.Create(text),
                };
        }
    }

    /// <summary>Line numbers of growing byte positions, counted once over the text.</summary>
    sealed class LineCount(byte[] text)
    {
        long seen;
        int line = 1;

        public int At(long position)
        {
            for (; seen < position; seen++)
            {
                if (text[seen] == '\n')
                    line++;
            }
            return line;
        }
    }
}
