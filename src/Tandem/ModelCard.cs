using System.Globalization;
using Tandem.Layers;
using Tandem.Recipes;

namespace Tandem;

/// <summary>The README.md of a model folder, made from the run; licence fields are left to people.</summary>
static class ModelCard
{
    public static string Write(PretrainingRecipe recipe, WeightStore weights, long step, int pictures) => string.Create(CultureInfo.InvariantCulture, $"""
        # {Path.GetFileName(recipe.Run.Folder?.TrimEnd('/')) ?? "Encoder"}

        An encoder of pictures, pre-trained without labels by Tandem.

        | | |
        | --- | --- |
        | method | {recipe.Method} |
        | recipe | {recipe.Document.Name} |
        | data | {pictures:N0} pictures of {Path.GetFileName(recipe.Data.Path?.TrimEnd('/'))} |
        | steps | {step:N0}, {recipe.Data.Batch} pictures each |
        | input | {recipe.Model.FrontEnd.InputSize} × {recipe.Model.FrontEnd.InputSize} pixels, patches of {recipe.Model.FrontEnd.PatchSize} |
        | blocks | {recipe.Model.FrontEnd.PrenetDepth} + {recipe.Model.Trunk.Depth}, width {recipe.Model.Trunk.Block.Width}, {recipe.Model.Trunk.Block.Heads} heads |
        | trained parameters | {weights.TrainedElements:N0} (decoder included) |
        | licence of the data | *fill in* |
        | licence of the weights | *fill in* |

        Use: `tandem embed THIS_FOLDER pictures/ out=embeddings.npy`

        """);
}
