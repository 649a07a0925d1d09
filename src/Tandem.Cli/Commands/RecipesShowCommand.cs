using Tandem.Recipes;

namespace Tandem.Cli.Commands;

/// <summary><c>tandem recipes show</c>: a recipe as it is written, comments and all.</summary>
sealed class RecipesShowCommand : Command
{
    public override string Name => "recipes show";

    public override string Summary => "Prints a recipe as it is written, with its comments and sources";

    public override string Example => "tandem recipes show data2vec2/images-mini";

    public override IReadOnlyList<Operand> Operands { get; } = [new("RECIPE", "a name that recipes ls lists, or a file (JSON with comments, or YAML)")];

    public override string Remarks => "With --json: the values after everything that the recipe is based on, each with its origin.";

    public override Task<int> Run(Call call)
    {
        // Loaded first: a recipe that cannot be read is an error here as everywhere.
        var recipe = RecipeDocument.Load(call.Operands[0]);
        if (call.Options.Json)
            call.Output.Document(recipe.ToJson());
        else
            call.Output.Line(RecipeLibrary.Text(call.Operands[0]).TrimEnd());
        return Task.FromResult(0);
    }
}
