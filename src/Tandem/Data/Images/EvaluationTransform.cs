namespace Tandem.Data.Images;

/// <summary>How an evaluation fits a picture into the network's size.</summary>
public enum Fit
{
    /// <summary>The shorter side becomes <see cref="EvaluationTransform.ResizeTo"/>, then the centre is cut out.</summary>
    Shortest,
    /// <summary>The longer side becomes the size, the rest is filled (OpenCLIP).</summary>
    Longest,
    /// <summary>Both sides are forced, the shape is lost.</summary>
    Squash,
}

/// <summary>What happens to a picture when a network is judged or used: no chance in it.</summary>
public sealed record EvaluationTransform : PictureTransform
{
    /// <summary>A square result.</summary>
    /// <param name="size">Rows and columns of the result.</param>
    public EvaluationTransform(int size)
    {
        Size = size;
        ResizeTo = size;
    }

    /// <summary>Rows and columns of the result.</summary>
    public int Size { get; init; }

    /// <inheritdoc/>
    public override int Height => Size;

    /// <inheritdoc/>
    public override int Width => Size;

    /// <summary>How the picture is fitted.</summary>
    public Fit Fit { get; init; }

    /// <summary>For <see cref="Fit.Shortest"/>: what the shorter side becomes before the centre is cut out.</summary>
    public int ResizeTo { get; init; }

    /// <summary>For <see cref="Fit.Longest"/>: the value of every channel in the border, 0 … 255.</summary>
    public byte Fill { get; init; }

    /// <summary>MAE, DeiT, data2vec, DINO: shorter side to size / 0.875 (size above 224), bicubic, centre, ImageNet's statistics.</summary>
    public static EvaluationTransform MaeEval(int size) => new(size) { ResizeTo = Crop.EvaluationResize(size) };

    /// <summary>CLIP and OpenCLIP: shorter side to size, bicubic, centre, OpenAI's statistics.</summary>
    public static EvaluationTransform ClipEval(int size) => new(size) { Normalisation = Normalisation.OpenAI };

    /// <summary>Both sides forced.</summary>
    public static EvaluationTransform Squash(int size, Interpolation interpolation = Interpolation.Bicubic) => new(size) { Fit = Fit.Squash, Interpolation = interpolation };

    /// <inheritdoc/>
    public override void Apply(Picture picture, IPictureDraws draws, Span<float> to)
    {
        using var fitted = Fitted(picture);
        Normalisation.Apply(fitted, to);
    }

    /// <summary>The picture fitted, still bytes: [size, size, 3].</summary>
    public Picture Fitted(Picture picture)
    {
        using var resized = Resize.Apply(picture, SizeFor(picture.Height, picture.Width).Width, SizeFor(picture.Height, picture.Width).Height, Interpolation);
        return Crop.Cut(resized, Window(resized.Height, resized.Width), Fill);
    }

    /// <summary>Resizes and cuts in the file's own mode and converts after, as transforms do that are handed an unconverted picture (OpenCLIP's CSV data).</summary>
    internal Picture FittedInOwnMode(FilePicture file)
    {
        var (height, width) = SizeFor(file.Height, file.Width);
        var resized = OwnMode.Resized(file, width, height, Interpolation);
        return OwnMode.Cut(resized, Window(height, width), Fill).ToRgb(PictureReading.Published);
    }

    (int Height, int Width) SizeFor(int height, int width)
    {
        switch (Fit)
        {
            case Fit.Shortest:
                return Crop.ShorterSide(height, width, ResizeTo);
            case Fit.Longest:
                var ratio = Math.Max((double)height / Size, (double)width / Size);
                return (Math.Max(1, (int)Math.Round(height / ratio)), Math.Max(1, (int)Math.Round(width / ratio)));
            default:
                return (Size, Size);
        }
    }

    Area Window(int height, int width) => Crop.Centre(height, width, Size, Size);
}
