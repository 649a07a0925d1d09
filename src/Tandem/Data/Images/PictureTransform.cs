namespace Tandem.Data.Images;

/// <summary>
/// What happens to a picture between decoder and network. A record of plain values: it stands in a recipe and in a model's
/// <c>preprocessing.json</c>.
/// </summary>
public abstract record PictureTransform
{
    /// <summary>Rows of the result.</summary>
    public abstract int Height { get; }

    /// <summary>Columns of the result.</summary>
    public abstract int Width { get; }

    /// <summary>How bytes become floats.</summary>
    public Normalisation Normalisation { get; init; } = Normalisation.ImageNet;

    /// <summary>The resampling filter.</summary>
    public Interpolation Interpolation { get; init; } = Interpolation.Bicubic;

    /// <summary>Floats of a result: 3 · height · width.</summary>
    public int Floats => 3 * Height * Width;

    /// <summary>Transforms an RGB picture into floats [3, height, width]. The picture is left as it was.</summary>
    /// <param name="picture">Three channels, any size.</param>
    /// <param name="draws">What the transform draws.</param>
    /// <param name="to">At least <see cref="Floats"/> floats.</param>
    public abstract void Apply(Picture picture, IPictureDraws draws, Span<float> to);
}

/// <summary>
/// The published pre-training transforms: a random crop resized to the network's size, colours by chance, a mirror by chance, floats. Their
/// order differs between publishers: <see cref="ColourFirst"/>.
/// </summary>
public sealed record TrainingTransform : PictureTransform
{
    /// <summary>A square result.</summary>
    /// <param name="size">Rows and columns of the result.</param>
    public TrainingTransform(int size) => Size = size;

    /// <summary>Rows and columns of the result.</summary>
    public int Size { get; init; }

    /// <inheritdoc/>
    public override int Height => Size;

    /// <inheritdoc/>
    public override int Width => Size;

    /// <summary>The crop.</summary>
    public RandomCrop Crop { get; init; } = new();

    /// <summary>How often left and right are exchanged; 0 draws nothing.</summary>
    public double MirrorProbability { get; init; } = 0.5;

    /// <summary>Random changes of colour, or none.</summary>
    public ColourJitter? Jitter { get; init; }

    /// <summary>How often the picture becomes grey; 0 draws nothing.</summary>
    public double GreyProbability { get; init; }

    /// <summary>Whether colour and mirror come before the crop, on the whole picture (BEiT, data2vec 1.0), or after it.</summary>
    public bool ColourFirst { get; init; }

    /// <summary>MAE and data2vec 2.0: crop of 0.2 … 1, bicubic, torchvision's draw, mirror, ImageNet's statistics.</summary>
    public static TrainingTransform MaePretrain(int size) => new(size) { Crop = new(CropRule.Torchvision, SmallestScale: 0.2) };

    /// <summary>fairseq's beit_transforms: colour jitter 0.4, mirror, then a crop of 0.08 … 1 by timm's draw.</summary>
    public static TrainingTransform BeitPretrain(int size) => new(size) { Crop = new(CropRule.Timm), Jitter = new(0.4, 0.4, 0.4), ColourFirst = true };

    /// <summary>data2vec 1.0's pictures: as BEiT's, with torchvision's draw.</summary>
    public static TrainingTransform Data2VecPretrain(int size) => BeitPretrain(size) with { Crop = new(CropRule.Torchvision) };

    /// <summary>OpenCLIP and CoCa: crop of 0.9 … 1, bicubic, no mirror, OpenAI's statistics.</summary>
    public static TrainingTransform OpenClip(int size) => new(size)
    {
        Crop = new(CropRule.Torchvision, SmallestScale: 0.9),
        MirrorProbability = 0,
        Normalisation = Normalisation.OpenAI,
    };

    /// <summary>MAE's linear probe: one draw of 0.08 … 1, cut to the picture, mirror.</summary>
    public static TrainingTransform MaeLinearProbe(int size) => new(size) { Crop = new(CropRule.MaeLinearProbe) };

    /// <summary>DINO's linear probe: torchvision's crop, bilinear, mirror.</summary>
    public static TrainingTransform DinoLinearProbe(int size) => new(size) { Interpolation = Interpolation.Bilinear };

    /// <inheritdoc/>
    public override void Apply(Picture picture, IPictureDraws draws, Span<float> to)
    {
        if (ColourFirst)
        {
            ApplyColourFirst(picture, draws, to);
            return;
        }
        using var resized = Resize.Cropped(picture, Crop.Draw(picture.Height, picture.Width, draws), Size, Size, Interpolation);
        var mirrored = DrawMirror(draws);
        ChangeColours(resized, draws);
        Normalisation.Apply(resized, to, mirrored);
    }

    // Mirroring before the crop: the crop is drawn for the mirrored picture, so it is really mirrored here.
    void ApplyColourFirst(Picture picture, IPictureDraws draws, Span<float> to)
    {
        using var changed = picture.Copy();
        ChangeColours(changed, draws);
        using var source = DrawMirror(draws) ? Turning.Mirror(changed) : changed;
        using var resized = Resize.Cropped(source, Crop.Draw(source.Height, source.Width, draws), Size, Size, Interpolation);
        Normalisation.Apply(resized, to);
    }

    bool DrawMirror(IPictureDraws draws) => MirrorProbability > 0 && draws.ChanceFloat() < MirrorProbability;

    void ChangeColours(Picture picture, IPictureDraws draws)
    {
        Jitter?.Apply(picture, draws);
        if (GreyProbability > 0 && draws.Chance() < GreyProbability)
            Colour.Grey(picture);
    }
}
