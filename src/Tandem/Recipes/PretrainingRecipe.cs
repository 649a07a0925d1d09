using Tandem.Data;
using Tandem.Layers;
using Tandem.Methods.Data2Vec2;
using Tandem.Models;
using Tandem.Networks;
using Tandem.Recipes.Modalities;
using Tandem.Training;

namespace Tandem.Recipes;

/// <summary>A pre-training recipe, every section bound to its options.</summary>
public sealed record PretrainingRecipe
{
    /// <summary>Names of the methods that this version knows.</summary>
    public static IReadOnlyList<string> Methods { get; } = ["data2vec2"];

    /// <summary>The recipe's text and origins.</summary>
    public required RecipeDocument Document { get; init; }

    /// <summary>The method.</summary>
    public required string Method { get; init; }

    /// <summary>What is learned from: the sections <c>data</c> and <c>model</c>.</summary>
    public required Modality Modality { get; init; }

    /// <summary>Where samples come from and what happens to them.</summary>
    public DataOptions Data => Modality.Data;

    /// <summary>The network.</summary>
    public ModelOptions Model => Modality.Model;

    /// <summary>The objective.</summary>
    public required Data2Vec2Options Objective { get; init; }

    /// <summary>The optimizer.</summary>
    public required OptimizerOptions Optimizer { get; init; }

    /// <summary>The learning rate over the updates.</summary>
    public required ScheduleOptions Schedule { get; init; }

    /// <summary>Steps, seed, precision, checkpoints.</summary>
    public required RunOptions Run { get; init; }

    /// <summary>The probe while training.</summary>
    public required EvaluateOptions Evaluate { get; init; }

    /// <summary>Gauges of health.</summary>
    public required WatchOptions Watch { get; init; }

    /// <summary>Binds a recipe and refuses keys that no section knows.</summary>
    /// <exception cref="TandemException">A key or value is wrong (<see cref="ErrorKind.Usage"/>).</exception>
    public static PretrainingRecipe Read(RecipeDocument document)
    {
        var method = document.Text("method", Methods[0], $"how to learn: {string.Join(", ", Methods)}");
        if (!Methods.Contains(method, StringComparer.Ordinal))
        {
            throw new TandemException(ErrorKind.Usage, $"there is no method '{method}'", $"method ({document.OriginOf("method")})", string.Join(", ", Methods));
        }
        var recipe = new PretrainingRecipe
        {
            Document = document,
            Method = method,
            Modality = Modality.Read(document),
            Objective = document.Bind<Data2Vec2Options>("objective"),
            Optimizer = document.Bind<OptimizerOptions>("optimizer"),
            Schedule = document.Bind<ScheduleOptions>("schedule"),
            Run = document.Bind<RunOptions>("run"),
            Evaluate = document.Bind<EvaluateOptions>("evaluate"),
            Watch = document.Bind<WatchOptions>("watch"),
        };
        document.EnsureAllKnown();
        recipe.Check();
        return recipe;
    }

    // Settings that contradict each other, before anything is built.
    void Check()
    {
        var (block, front, decoder) = (Model.Trunk.Block, Modality.FrontEnd, Modality.FrontEnd.Decoder);
        Require(block.Width % block.Heads == 0, "model.trunk.block.heads", $"{block.Heads} heads cannot share a width of {block.Width}", "a divisor of the width");
        Require(decoder.Kind != DecoderKind.Convolutions || (block.Width % decoder.Groups == 0 && decoder.Width % decoder.Groups == 0), "model.front_end.decoder.groups",
            $"{decoder.Groups} groups cannot share the widths {block.Width} and {decoder.Width}", "a divisor of both widths");
        Require(Objective.ClassWeight == 0 || front.ExtraTokens > 0, "objective.class_weight", "there is no extra token to learn the mean target", "model.front_end.extra_tokens of at least 1, or 0 here");
        Require(Data.MicroBatches >= 1, "data.micro_batches", $"a step cannot have {Data.MicroBatches} micro-batches", "at least 1");
        Require(Evaluate.Layer is not { } layer || (layer >= 0 && layer <= Model.Trunk.Depth), "evaluate.layer", $"there is no layer {Evaluate.Layer}", $"0 to {Model.Trunk.Depth}");
        Require(Data.BadLimit is >= 0 and <= 1, "data.bad_limit", $"a share cannot be {Data.BadLimit}", "0 to 1");
        Modality.Check(Require);
    }

    void Require(bool holds, string key, string message, string expected)
    {
        if (!holds)
            throw new TandemException(ErrorKind.Usage, message, $"{key} ({Document.OriginOf(key)})", expected);
    }

    /// <summary>Builds the method on a store of weights.</summary>
    public Method Build(WeightStore weights) => new Data2Vec2Method(weights, Modality.Encoder.CreateFrontEnd, Model.Trunk, Objective, Run.Seed);
}
