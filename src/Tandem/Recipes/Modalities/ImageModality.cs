using Tandem.Data;
using Tandem.Data.Images;
using Tandem.Data.Masks;
using Tandem.Data.Sources;
using Tandem.Models;
using Tandem.Networks;
using Tandem.Runs;

namespace Tandem.Recipes.Modalities;

/// <summary>A recipe's section <c>model</c> for pictures.</summary>
public sealed record ImageModelOptions : ModelOptions
{
    /// <summary>Patches, tokens, masks, decoder.</summary>
    public ImageFrontEndOptions FrontEnd { get; init; } = new();
}

/// <summary>Recipes for pictures.</summary>
public sealed class ImageModality : Modality
{
    const int ThumbnailSide = 48;
    readonly ImageDataOptions data;
    readonly ImageModelOptions model;

    /// <summary>Binds the sections.</summary>
    public ImageModality(RecipeDocument document) => (data, model) = (document.Bind<ImageDataOptions>("data"), document.Bind<ImageModelOptions>("model"));

    /// <inheritdoc/>
    public override DataOptions Data => data;

    /// <inheritdoc/>
    public override ModelOptions Model => model;

    /// <inheritdoc/>
    public override FrontEndOptions FrontEnd => model.FrontEnd;

    /// <inheritdoc/>
    public override Preprocessing Preprocessing => new ImagePreprocessing
    {
        Images = data.Images,
        Size = model.FrontEnd.InputSize,
        // Pictures of the training set's own small size are used whole; larger ones as the publishers evaluate.
        ResizeTo = model.FrontEnd.InputSize > 64 ? Crop.EvaluationResize(model.FrontEnd.InputSize) : model.FrontEnd.InputSize,
        Interpolation = data.Interpolation,
        Mean = data.Mean,
        Std = data.Std,
    };

    /// <inheritdoc/>
    public override string InputInWords => $"{model.FrontEnd.InputSize} × {model.FrontEnd.InputSize} pixels, patches of {model.FrontEnd.PatchSize}";

    /// <inheritdoc/>
    public override void Check(Requirement require)
    {
        var (block, front, decoder) = (model.Trunk.Block, model.FrontEnd, model.FrontEnd.Decoder);
        require(block.Width % 4 == 0 || !front.FixedPositions, "model.trunk.block.width", $"two-dimensional positions cannot have a width of {block.Width}", "a multiple of 4");
        require(front.InputSize >= front.PatchSize, "model.front_end.patch_size", $"pictures of {front.InputSize} pixels hold no patch of {front.PatchSize}", "at most the input size");
        var cut = front.InputSize / front.PatchSize * front.PatchSize;
        require(front.InputSize == cut, "model.front_end.input_size", $"pictures of {front.InputSize} pixels cannot be cut into patches of {front.PatchSize}", $"a multiple of the patch size: {cut} or {cut + front.PatchSize}");
        require(front.Channels == 3, "model.front_end.channels", $"pictures are read with 3 channels, not {front.Channels}", "3");
        require(decoder.Kind == DecoderKind.Convolutions || decoder.Width % 8 == 0, "model.front_end.decoder.width", $"8 heads cannot share a width of {decoder.Width}", "a multiple of 8");
        require(data.CropMin > 0 && data.CropMin <= data.CropMax && data.CropMax <= 1, "data.crop_min", $"crops cannot take {data.CropMin} to {data.CropMax} of the picture's area", "0 < crop_min ≤ crop_max ≤ 1");
        require(data.Mirror is >= 0 and <= 1, "data.mirror", $"a chance cannot be {data.Mirror}", "0 to 1");
        require(data.Grey is >= 0 and <= 1, "data.grey", $"a chance cannot be {data.Grey}", "0 to 1");
        require(data.Mean.Length == 3, "data.mean", $"pictures have 3 channels, and {data.Mean.Length} were given", "3 numbers");
        require(data.Std.Length == 3 && data.Std.All(value => value > 0), "data.std", $"pictures have 3 channels, and {data.Std.Length} were given", "3 numbers above 0");
        require(data.Batch >= 1 && data.Batch % data.MicroBatches == 0, "data.micro_batches", $"{data.Batch} pictures cannot be shared by {data.MicroBatches} micro-batches", "a divisor of the batch");
        var masked = MaskedPlaces();
        require(masked > 0 && masked < front.Places, "model.front_end.mask", $"{masked} of {front.Places} patches would be masked", "at least one masked and one visible patch");
    }

    int MaskedPlaces()
    {
        var (mask, places) = (model.FrontEnd.Mask, model.FrontEnd.Places);
        if (mask.Length == 1)
            return places - RandomMask.Kept(places, mask.Probability);
        var drawn = (int)(places * (mask.Inverse ? 1 - mask.Probability : mask.Probability));
        return mask.Inverse ? places - drawn : drawn;
    }

    /// <inheritdoc/>
    public override Source Open(Action<string>? note, string? resumed = null, CancellationToken stop = default) => Preprocessing.Open(DataPath("photos"), data.Source(note, stop), data.BadLimit);

    /// <inheritdoc/>
    public override IBatchStream Batches(Source source, int copies, long seed, long first, Action<string>? warn = null) => Loader.Pictures(
        (PictureSource)source,
        new TrainingPlan(new Order(seed, source.Count), data.Batch, microBatches: data.MicroBatches),
        data.Transform(model.FrontEnd.InputSize),
        new LoaderOptions
        {
            Seed = seed,
            Reading = data.Images,
            Workers = data.Workers,
            SecondView = data.Jitter is null && data.Grey == 0 ? null : data.TeacherTransform(model.FrontEnd.InputSize),
            SecondViewSharesCrop = true,
            Masks = new(new MaskSampler(model.FrontEnd.Mask, copies, seed), (model.FrontEnd.Side, model.FrontEnd.Side)),
            BadLimit = data.BadLimit,
            Warn = warn,
        },
        first);

    /// <inheritdoc/>
    public override Thumbnail Picture(Source source, int sample)
    {
        using var picture = ((PictureSource)source).Read(sample, data.Images);
        using var small = new EvaluationTransform(ThumbnailSide).Fitted(picture);
        return new(small.Width, small.Height, small.Pixels.ToArray());
    }

    /// <inheritdoc/>
    public override (byte[]? Png, IReadOnlyList<string>? Texts) Places(Batch batch, int row)
    {
        var pixels = ((ImageBatch)batch).Pixels;
        var (height, width) = ((int)pixels.Shape[2], (int)pixels.Shape[3]);
        var values = pixels.As<float>().Slice(row * 3 * height * width, 3 * height * width);
        var bytes = new byte[3 * height * width];
        for (var channel = 0; channel < 3; channel++)
        {
            for (var i = 0; i < height * width; i++)
                bytes[(3 * i) + channel] = (byte)Math.Clamp((int)Math.Round(255 * ((values[(channel * height * width) + i] * data.Std[channel]) + data.Mean[channel])), 0, 255);
        }
        return (Png.Encode(bytes, width, height, 3), null);
    }
}
