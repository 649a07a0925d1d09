using System.Text.Json;
using Xunit;

namespace Tandem.Tests.Cli;

/// <summary><c>tandem recipes</c> on a recipe of one's own.</summary>
public sealed class RecipesCommandTests : IDisposable
{
    const string Text = """
        {
          "method": "data2vec2", // the method
          "optimizer": { "learning_rate": 1e-3, "beta2": 0.98 }
        }
        """;

    readonly TemporaryFolder folder = new();
    readonly string recipe;

    public RecipesCommandTests() => recipe = folder.Write("my.json", Text);

    public void Dispose() => folder.Dispose();

    [Fact]
    public void ShowPrintsItWithItsComments() => Assert.Equal(Text.TrimEnd() + "\n", TandemProgram.Run("recipes", "show", recipe).Output);

    [Fact]
    public void ExplainSaysWhereEachValueComesFrom()
    {
        var other = folder.Write("other.json", """{ "optimizer": { "beta2": 0.95 } }""");
        var document = JsonDocument.Parse(TandemProgram.Run("recipes", "explain", recipe, "@" + other, "optimizer.learning_rate=5e-4", "--json", "--quiet").Output).RootElement;
        var settings = document.GetProperty("settings").EnumerateArray().ToDictionary(row => row.GetProperty("key").GetString()!, row => row.GetProperty("origin").GetString()!);
        Assert.Equal("command line", settings["optimizer.learning_rate"]);
        Assert.StartsWith($"file {other}", settings["optimizer.beta2"]);
        Assert.Contains("my.json:2", settings["method"]);
    }

    [Fact]
    public void ExplainIsATableForPeople() =>
        Assert.Matches(@"(?m)^optimizer\.learning_rate +(5e-4|0\.0005) +command line", TandemProgram.Run("recipes", "explain", recipe, "optimizer.learning_rate=5e-4").Output);

    [Fact]
    public void ARecipeThatIsNotThereIsToldSo()
    {
        var result = TandemProgram.Run("recipes", "show", "no-such-recipe");
        Assert.Equal(2, result.ExitCode);
        Assert.Contains("no-such-recipe", result.Error);
    }

    [Fact]
    public void TheGroupAloneShowsItsCommands()
    {
        var result = TandemProgram.Run("recipes");
        Assert.Equal(0, result.ExitCode);
        Assert.Contains("recipes explain", result.Output);
        Assert.Contains("Did you mean recipes show?", TandemProgram.Run("recipes", "shw").Error);
    }
}
