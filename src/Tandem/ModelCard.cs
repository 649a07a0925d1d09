using System.Globalization;
using Tandem.Layers;
using Tandem.Recipes;

namespace Tandem;

/// <summary>The README.md of a model folder, made from the run; licence fields are left to people.</summary>
static class ModelCard
{
    /// <summary>Writes it.</summary>
    /// <param name="recipe">The run's recipe.</param>
    /// <param name="weights">The method's weights.</param>
    /// <param name="step">Completed updates.</param>
    /// <param name="samples">Samples that were learned from.</param>
    /// <param name="judged">The last evaluation while training, if there was one.</param>
    public static string Write(PretrainingRecipe recipe, WeightStore weights, long step, int samples, (long Step, double Accuracy)? judged) => string.Create(CultureInfo.InvariantCulture, $"""
        # {Path.GetFileName(recipe.Run.Folder?.TrimEnd('/')) ?? "Encoder"}

        An encoder of {recipe.Modality.Preprocessing.Samples}, pre-trained without labels by Tandem.

        | | |
        | --- | --- |
        | method | {recipe.Method} |
        | recipe | {recipe.Document.Name} |
        | data | {samples:N0} {recipe.Modality.Samples} of {Path.GetFileName(recipe.Data.Path?.TrimEnd('/'))} |
        | steps | {step:N0}, {recipe.Data.BatchInWords} each |
        | input | {recipe.Modality.InputInWords} |
        | blocks | {recipe.Modality.FrontEnd.PrenetDepth} + {recipe.Model.Trunk.Depth}, width {recipe.Model.Trunk.Block.Width}, {recipe.Model.Trunk.Block.Heads} heads |
        | trained parameters | {weights.TrainedElements:N0} (decoder included) |
        | nearest neighbours | {Judged(recipe, judged)} |
        | licence of the data | *fill in* |
        | licence of the weights | *fill in* |

        Use: `tandem embed THIS_FOLDER {recipe.Modality.Preprocessing.Samples}/ out=embeddings.npy`

        """);

    static string Judged(PretrainingRecipe recipe, (long Step, double Accuracy)? judged) => judged is not { } known ? "not judged while training (`tandem evaluate`)"
        : string.Create(CultureInfo.InvariantCulture, $"tell {100 * known.Accuracy:0.0} % of samples of {Path.GetFileName(recipe.Evaluate.Test?.TrimEnd('/'))} at step {known.Step:N0}");
}
