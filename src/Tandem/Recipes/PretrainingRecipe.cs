using Tandem.Data.Images;
using Tandem.Data.Masks;
using Tandem.Layers;
using Tandem.Methods.Data2Vec2;
using Tandem.Models;
using Tandem.Networks;
using Tandem.Training;

namespace Tandem.Recipes;

/// <summary>A recipe's section <c>model</c> for pictures.</summary>
public sealed record ImageModelOptions
{
    /// <summary>A model folder, run or checkpoint whose weights training starts from; null: fresh weights.</summary>
    public string? Init { get; init; }

    /// <summary>The shared blocks.</summary>
    public TrunkOptions Trunk { get; init; } = new();

    /// <summary>Patches, tokens, masks, decoder.</summary>
    public ImageFrontEndOptions FrontEnd { get; init; } = new();
}

/// <summary>A pre-training recipe, every section bound to its options.</summary>
public sealed record PretrainingRecipe
{
    /// <summary>Names of the methods that this version knows.</summary>
    public static IReadOnlyList<string> Methods { get; } = ["data2vec2"];

    /// <summary>The recipe's text and origins.</summary>
    public required RecipeDocument Document { get; init; }

    /// <summary>The method.</summary>
    public required string Method { get; init; }

    /// <summary>Where samples come from and what happens to them.</summary>
    public required ImageDataOptions Data { get; init; }

    /// <summary>The network.</summary>
    public required ImageModelOptions Model { get; init; }

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
            Data = document.Bind<ImageDataOptions>("data"),
            Model = document.Bind<ImageModelOptions>("model"),
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
        var (block, front, decoder) = (Model.Trunk.Block, Model.FrontEnd, Model.FrontEnd.Decoder);
        Require(block.Width % block.Heads == 0, "model.trunk.block.heads", $"{block.Heads} heads cannot share a width of {block.Width}", "a divisor of the width");
        Require(block.Width % 4 == 0 || !front.FixedPositions, "model.trunk.block.width", $"two-dimensional positions cannot have a width of {block.Width}", "a multiple of 4");
        Require(front.InputSize >= front.PatchSize, "model.front_end.patch_size", $"pictures of {front.InputSize} pixels hold no patch of {front.PatchSize}", "at most the input size");
        Require(front.Channels == 3, "model.front_end.channels", $"pictures are read with 3 channels, not {front.Channels}", "3");
        Require(decoder.Kind != DecoderKind.Convolutions || (block.Width % decoder.Groups == 0 && decoder.Width % decoder.Groups == 0), "model.front_end.decoder.groups",
            $"{decoder.Groups} groups cannot share the widths {block.Width} and {decoder.Width}", "a divisor of both widths");
        Require(decoder.Kind == DecoderKind.Convolutions || decoder.Width % 8 == 0, "model.front_end.decoder.width", $"8 heads cannot share a width of {decoder.Width}", "a multiple of 8");
        Require(Objective.ClassWeight == 0 || front.ExtraTokens > 0, "objective.class_weight", "there is no extra token to learn the mean target", "model.front_end.extra_tokens of at least 1, or 0 here");
        Require(Data.Batch % Data.MicroBatches == 0, "data.micro_batches", $"{Data.Batch} pictures cannot be shared by {Data.MicroBatches} micro-batches", "a divisor of the batch");
        var masked = MaskedPlaces();
        Require(masked > 0 && masked < front.Places, "model.front_end.mask", $"{masked} of {front.Places} patches would be masked", "at least one masked and one visible patch");
    }

    int MaskedPlaces()
    {
        var (mask, places) = (Model.FrontEnd.Mask, Model.FrontEnd.Places);
        if (mask.Length == 1)
            return places - RandomMask.Kept(places, mask.Probability);
        var drawn = (int)(places * (mask.Inverse ? 1 - mask.Probability : mask.Probability));
        return mask.Inverse ? places - drawn : drawn;
    }

    void Require(bool holds, string key, string message, string expected)
    {
        if (!holds)
            throw new TandemException(ErrorKind.Usage, message, $"{key} ({Document.OriginOf(key)})", expected);
    }

    /// <summary>The encoder's architecture.</summary>
    public EncoderConfig Encoder => new("image", Model.Trunk, Model.FrontEnd);

    /// <summary>How pictures are prepared when the encoder is used.</summary>
    public ImagePreprocessing Preprocessing => new()
    {
        Images = Data.Images,
        Size = Model.FrontEnd.InputSize,
        // Pictures of the training set's own small size are used whole; larger ones as the publishers evaluate.
        ResizeTo = Model.FrontEnd.InputSize > 64 ? Crop.EvaluationResize(Model.FrontEnd.InputSize) : Model.FrontEnd.InputSize,
        Interpolation = Data.Interpolation,
        Mean = Data.Mean,
        Std = Data.Std,
    };

    /// <summary>Draws the masks of a sample.</summary>
    public MaskPlan Masks => new(new MaskSampler(Model.FrontEnd.Mask, Objective.Copies, Run.Seed), (Model.FrontEnd.Side, Model.FrontEnd.Side));

    /// <summary>Builds the method on a store of weights.</summary>
    public Method Build(WeightStore weights) => new Data2Vec2Method(weights, Encoder.CreateFrontEnd, Model.Trunk, Objective, Run.Seed);
}
