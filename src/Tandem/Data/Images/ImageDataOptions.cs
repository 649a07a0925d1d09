namespace Tandem.Data.Images;

/// <summary>A recipe's section <c>data</c> for pictures.</summary>
public sealed record ImageDataOptions : DataOptions
{
    /// <summary>How files become RGB: natural (turned by EXIF, alpha on white) or published (as the papers' programs do).</summary>
    public PictureReading Images { get; init; } = PictureReading.Natural;

    /// <summary>Pictures of a step, over all processes.</summary>
    public int Batch { get; init; } = 256;

    /// <summary>Smallest share of the picture's area that a crop takes.</summary>
    public double CropMin { get; init; } = 0.2;

    /// <summary>Largest share of the picture's area that a crop takes.</summary>
    public double CropMax { get; init; } = 1;

    /// <summary>Chance of a mirrored picture.</summary>
    public double Mirror { get; init; } = 0.5;

    /// <summary>Random colours of what the student sees, or none. The teacher sees the same crop in its own colours.</summary>
    public ColourJitter? Jitter { get; init; }

    /// <summary>Chance that the student sees a grey picture.</summary>
    public double Grey { get; init; }

    /// <summary>Filter of resizing.</summary>
    public Interpolation Interpolation { get; init; } = Interpolation.Bicubic;

    /// <summary>Mean of red, green, blue in 0 … 1.</summary>
    public float[] Mean { get; init; } = [0.485f, 0.456f, 0.406f];

    /// <summary>Standard deviation of red, green, blue.</summary>
    public float[] Std { get; init; } = [0.229f, 0.224f, 0.225f];

    /// <inheritdoc/>
    public override string BatchInWords => $"{Batch} pictures";

    /// <summary>What training does to a picture.</summary>
    public TrainingTransform Transform(int size) => TeacherTransform(size) with { Jitter = Jitter, GreyProbability = Grey };

    /// <summary>What it does to the teacher's view.</summary>
    public TrainingTransform TeacherTransform(int size) => new(size)
    {
        Crop = new(CropRule.Torchvision, SmallestScale: CropMin, LargestScale: CropMax),
        MirrorProbability = Mirror,
        Interpolation = Interpolation,
        Normalisation = new(Mean, Std),
    };
}
