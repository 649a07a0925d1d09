using System.Text.Json.Nodes;
using Tandem.Recipes;

namespace Tandem.Cli.Commands;

/// <summary><c>tandem recipes ls</c>: the recipes that come with Tandem.</summary>
sealed class RecipesLsCommand : Command
{
    public override string Name => "recipes ls";

    public override string Summary => "Lists the recipes that come with Tandem";

    public override string Example => "tandem recipes ls";

    public override Task<int> Run(Call call)
    {
        List<(string Name, string Method, string About)> rows = [];
        foreach (var name in RecipeLibrary.Names)
        {
            var recipe = RecipeDocument.Load(name);
            rows.Add((name, recipe.Value("method")?.ToString() ?? "", recipe.Value("about")?.ToString() ?? ""));
        }
        if (rows.Count == 0)
            call.Output.Line("No recipes come with this version.");
        else
            call.Output.Table(["recipe", "method", "about"], rows.Select(row => (IReadOnlyList<string>)[row.Name, row.Method, row.About]));
        call.Output.Document(new JsonObject
        {
            ["recipes"] = new JsonArray([.. rows.Select(row => (JsonNode)new JsonObject { ["name"] = row.Name, ["method"] = row.Method, ["about"] = row.About })]),
        });
        return Task.FromResult(0);
    }
}
