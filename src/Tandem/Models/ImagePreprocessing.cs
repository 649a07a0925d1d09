using System.Text.Json.Serialization;
using Tandem.Data;
using Tandem.Data.Images;
using Tandem.Data.Sources;

namespace Tandem.Models;

/// <summary>How pictures are prepared for an encoder.</summary>
public sealed record ImagePreprocessing : Preprocessing
{
    static readonly HashSet<string> Extensions = new(StringComparer.OrdinalIgnoreCase) { ".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm", ".avif", ".heic" };

    /// <summary>How files become RGB.</summary>
    public PictureReading Images { get; init; } = PictureReading.Natural;

    /// <summary>Side of the square that the encoder sees.</summary>
    public int Size { get; init; } = 224;

    /// <summary>What the shorter side becomes before the centre is cut out.</summary>
    public int ResizeTo { get; init; } = 224;

    /// <summary>Filter.</summary>
    public Interpolation Interpolation { get; init; } = Interpolation.Bicubic;

    /// <summary>Mean of red, green, blue in 0 … 1.</summary>
    public float[] Mean { get; init; } = [0.485f, 0.456f, 0.406f];

    /// <summary>Standard deviation of red, green, blue.</summary>
    public float[] Std { get; init; } = [0.229f, 0.224f, 0.225f];

    /// <inheritdoc/>
    [JsonIgnore]
    public override string Samples => "pictures";

    /// <inheritdoc/>
    [JsonIgnore]
    public override string Baseline => "pixels";

    /// <inheritdoc/>
    [JsonIgnore]
    public override int BaselineWidth => 3 * Size * Size;

    /// <summary>The transform.</summary>
    public EvaluationTransform Transform() => new(Size) { ResizeTo = ResizeTo, Interpolation = Interpolation, Normalisation = new(Mean, Std) };

    /// <inheritdoc/>
    public override Source Open(string path, SourceOptions options, double badLimit = 0.01, bool cached = true) =>
        cached ? PictureCache.Open(path, options, Images, new CacheOptions { BadLimit = badLimit }) : PictureSource.Open(path, options);

    /// <inheritdoc/>
    public override bool IsSample(string file) => Extensions.Contains(Path.GetExtension(file));

    /// <inheritdoc/>
    public override Source Files(IReadOnlyList<string> paths) => new NamedPictures([.. paths]);

    /// <inheritdoc/>
    public override ISampleStream Load(Source source, IReadOnlyList<int>? samples, LoadOptions options) => new PictureStream(Own<PictureSource>(source), samples, Transform(), Images, options);

    /// <summary>The pixels as the encoder sees them, row-major [3, size, size].</summary>
    public override float[] Plain(Batch batch) => ((ImageBatch)batch).Pixels.As<float>().ToArray();
}
