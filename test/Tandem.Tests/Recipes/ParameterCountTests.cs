using Tandem.Layers;
using Tandem.Recipes;
using Tandem.Tests.Torch;
using Xunit;

namespace Tandem.Tests.Recipes;

/// <summary>Networks of the published recipes have the publishers' sizes.</summary>
public sealed class ParameterCountTests
{
    [Theory]
    [InlineData("audio-base", 93_163_532, 619_776)]
    [InlineData("audio-large", 313_275_408, 1_908_736)]
    [InlineData("text-base", 124_054_272, 28_907_520)]
    [InlineData("text-large", 354_309_120, 31_070_464)]
    [InlineData("text-large-1m", 354_309_120, 31_070_464)]
    public void SpeechAndTextHaveThePublishedCounts(string recipe, long encoder, long decoder) =>
        Assert.Equal((encoder, decoder), Counts(recipe));

    // No counts are published for pictures, but the encoders are vision transformers, whose counts without head are known (B/16, L/16, H/14 at 224 pixels).
    // Those learn their positions, one of each patch and one of the class token; here positions are fixed.
    [Theory]
    [InlineData("images-base", 85_798_656, 14 * 14, 768)]
    [InlineData("images-large", 303_301_632, 14 * 14, 1024)]
    [InlineData("images-huge14", 630_764_800, 16 * 16, 1280)]
    public void PicturesHaveAVisionTransformersCountWithoutItsPositions(string recipe, long transformer, long patches, long width) =>
        Assert.Equal(transformer - ((patches + 1) * width), Counts(recipe).Encoder);

    /// <summary>Trained parameters of the encoder and of the decoder.</summary>
    static (long Encoder, long Decoder) Counts(string name)
    {
        var counts = (Encoder: 0L, Decoder: 0L);
        Kernel.Run(() =>
        {
            using var weights = WeightStore.Shapes();
            using var method = PretrainingRecipe.Read(RecipeDocument.Load("data2vec2/" + name)).Build(weights);
            var decoder = weights.Trained.Where(parameter => parameter.Name.StartsWith("decoder.", StringComparison.Ordinal)).Sum(parameter => parameter.Value.Count);
            counts = (weights.TrainedElements - decoder, decoder);
        });
        return counts;
    }
}
