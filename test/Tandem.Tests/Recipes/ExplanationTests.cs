using Tandem.Recipes;
using Xunit;

namespace Tandem.Tests.Recipes;

public sealed class ExplanationTests
{
    [Theory]
    [InlineData("data2vec2/images-base")]
    [InlineData("data2vec2/audio-base")]
    [InlineData("data2vec2/text-base")]
    public void EverySettingHasAMeaningThatSaysMoreThanItsName(string name)
    {
        var recipe = RecipeDocument.Load(name);
        PretrainingRecipe.Read(recipe);
        Assert.All(recipe.Explain(), row =>
        {
            var words = row.Key.Split('.')[^1].Replace('_', ' ');
            Assert.True(row.Meaning.Length > words.Length && !row.Meaning.Contains("  ", StringComparison.Ordinal), $"{row.Key}: '{row.Meaning}'");
        });
    }
}
