using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Tandem.Recipes;

namespace Tandem.Cli.Commands;

/// <summary><c>tandem recipes explain</c>: every value with its origin, and with meaning, unit and range where the program documents them.</summary>
sealed class RecipesExplainCommand : Command
{
    static readonly JsonSerializerOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public override string Name => "recipes explain";

    public override string Summary => "Shows every value of a recipe: where it comes from, what it means, what it may be";

    public override string Example => "tandem recipes explain data2vec2/images-mini optimizer.learning_rate=1e-3";

    public override IReadOnlyList<Operand> Operands { get; } = [new("RECIPE", "a name that recipes ls lists, or a file (JSON with comments, or YAML)")];

    public override bool TakesRecipeKeys => true;

    public override Task<int> Run(Call call)
    {
        var recipe = RecipeDocument.Load(call.Operands[0], call.Assignments);
        PretrainingRecipe.Read(recipe);
        var rows = Rows(recipe);
        call.Output.Table(
            ["key", "value", "origin", "meaning"],
            rows.Select(row => (IReadOnlyList<string>)[row.Key, Text(row.Value), row.Origin.ToString(), Meaning(row)]));
        call.Output.Document(new JsonObject
        {
            ["name"] = recipe.Name,
            ["settings"] = new JsonArray([.. rows.Select(row => (JsonNode)new JsonObject
            {
                ["key"] = row.Key,
                ["value"] = row.Value?.DeepClone(),
                ["origin"] = row.Origin.ToString(),
                ["meaning"] = row.Meaning.Length > 0 ? row.Meaning : null,
                ["unit"] = row.Unit,
                ["expected"] = row.Expected.Length > 0 ? row.Expected : null,
            })]),
        });
        return Task.FromResult(0);
    }

    /// <summary>What is documented, then what the recipe sets besides.</summary>
    static List<RecipeRow> Rows(RecipeDocument recipe)
    {
        List<RecipeRow> rows = [.. recipe.Explain()];
        var known = rows.Select(row => row.Key).ToHashSet(StringComparer.Ordinal);
        Collect((JsonObject)recipe.ToJson()["recipe"]!, "");
        return rows;

        void Collect(JsonObject section, string path)
        {
            foreach (var (name, part) in section)
            {
                var key = path.Length == 0 ? name : $"{path}.{name}";
                if (part is not JsonObject inner)
                    continue;
                if (inner.Count != 2 || inner["origin"] is not JsonValue origin || !inner.ContainsKey("value"))
                    Collect(inner, key);
                else if (known.Add(key))
                    rows.Add(new RecipeRow(key, inner["value"]?.DeepClone(), "", null, "", RecipeOrigin.Parse(origin.ToString())));
            }
        }
    }

    static string Text(JsonNode? value) => value switch
    {
        null => "none",
        JsonValue scalar when scalar.TryGetValue<string>(out var text) => text,
        _ => value.ToJsonString(Plain),
    };

    static string Meaning(RecipeRow row) =>
        string.Join("; ", new[] { row.Meaning + (row.Unit is null ? "" : $" [{row.Unit}]"), row.Expected }.Where(part => part.Length > 0));
}
