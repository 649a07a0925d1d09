using Tandem.Recipes;

namespace Tandem.Cli.Commands;

/// <summary><c>tandem recipes schema</c>: the JSON Schema that editors complete and check recipes with.</summary>
sealed class RecipesSchemaCommand : Command
{
    public override string Name => "recipes schema";

    public override string Summary => "Writes the JSON Schema of recipes, for editors";

    public override string Example => "tandem recipes schema > recipe.schema.json";

    public override string Remarks => "A recipe that begins with \"$schema\": \"recipe.schema.json\" is then completed and checked while it is typed.";

    public override Task<int> Run(Call call)
    {
        var document = RecipeDocument.Load(RecipeLibrary.Names[0]);
        PretrainingRecipe.Read(document);
        var schema = document.Schema();
        if (call.Options.Json)
            call.Output.Document(schema);
        else
            call.Output.Line(schema.ToJsonString(new() { WriteIndented = true }));
        return Task.FromResult(0);
    }
}
