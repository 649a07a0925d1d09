using Tandem.Data.Images;

namespace Tandem.Runs;

/// <summary>A small picture.</summary>
/// <param name="Width">Columns.</param>
/// <param name="Height">Rows.</param>
/// <param name="Pixels">Row by row, from the top; red, green, blue side by side: <c>height · width · 3</c> bytes.</param>
public sealed record Thumbnail(int Width, int Height, byte[] Pixels)
{
    /// <summary>How far two of one size are apart: the mean over pixels and channels, 0 to 255.</summary>
    public static double Apart(Thumbnail a, Thumbnail b) => a.Pixels.Zip(b.Pixels, (one, other) => Math.Abs(one - other)).Average();
}

/// <summary>Many thumbnails in one picture: a page holds each of them once, however often it shows it.</summary>
/// <param name="Width">Columns of a thumbnail.</param>
/// <param name="Height">Rows of a thumbnail.</param>
/// <param name="Columns">Thumbnails beside each other, in the samples' order.</param>
/// <param name="Rows">Thumbnails below each other.</param>
/// <param name="Jpeg">The picture; base64 in the file.</param>
public sealed record ThumbnailSheet(int Width, int Height, int Columns, int Rows, byte[] Jpeg)
{
    /// <summary>Puts thumbnails beside and below each other.</summary>
    /// <param name="all">Of one size.</param>
    /// <returns>Null where there are none.</returns>
    public static ThumbnailSheet? Of(IReadOnlyList<Thumbnail> all)
    {
        if (all.Count == 0)
            return null;
        var (width, height) = (all[0].Width, all[0].Height);
        var columns = (int)Math.Ceiling(Math.Sqrt((double)all.Count * height / width));
        var rows = (all.Count + columns - 1) / columns;
        var pixels = new byte[3 * columns * width * rows * height];
        for (var i = 0; i < all.Count; i++)
        {
            for (var y = 0; y < height; y++)
                all[i].Pixels.AsSpan(3 * y * width, 3 * width).CopyTo(pixels.AsSpan(3 * (((((i / columns) * height) + y) * columns * width) + (i % columns * width))));
        }
        return new(width, height, columns, rows, JpegEncoder.Encode(pixels, columns * width, rows * height));
    }
}

/// <summary>The samples that a run looks at through time: the same at every moment, so they are kept once.</summary>
/// <param name="Samples">Names, labels, texts.</param>
/// <param name="Sheet">What they look like, in the same order, where they have looks.</param>
public sealed record LookedSamples(IReadOnlyList<SamplePreview> Samples, ThumbnailSheet? Sheet = null)
{
    /// <summary>The file's name without its ending.</summary>
    internal const string FileName = "looked";

    /// <summary>Writes <c>samples/looked.json</c>, as a whole.</summary>
    /// <exception cref="TandemException">The disk is full or refuses (<see cref="ErrorKind.Machine"/>).</exception>
    public void Write(RunFolder run) => SampleFile.Write(run, FileName, this);

    /// <summary>Reads it; null where a run has none, or a damaged one.</summary>
    public static LookedSamples? Read(RunFolder run) => SampleFile.Read<LookedSamples>(run, FileName) is { Samples: not null } looked ? looked : null;
}

/// <summary>Two samples that are as good as the same to the encoder.</summary>
/// <param name="First">Number of the one among <see cref="LookedSamples"/>.</param>
/// <param name="Second">Number of the other.</param>
/// <param name="Cosine">Cosine between their embeddings.</param>
/// <param name="Apart">How far their thumbnails are apart: the mean over pixels, 0 to 255.</param>
public sealed record NearPair(int First, int Second, double Cosine, double? Apart = null);

/// <summary>A sample that stands alone.</summary>
/// <param name="Sample">Its number among <see cref="LookedSamples"/>.</param>
/// <param name="Cosine">Cosine with its <see cref="MapSamples.K"/>-th nearest neighbour.</param>
public sealed record LoneSample(int Sample, double Cosine);

/// <summary>How the looked-at samples lie to each other at one moment: a map of their embeddings, near-duplicates, samples that stand alone.</summary>
/// <param name="Step">The moment; 0 before training.</param>
/// <param name="Places">Two numbers a sample, 0 to 1: where it lies on the map.</param>
/// <param name="K">Which neighbour says how near others usually are.</param>
/// <param name="Usual">Cosine of a sample with its <paramref name="K"/>-th neighbour, the median.</param>
/// <param name="Factor">How much nearer than that the samples of a pair are at least; null where the encoder holds all alike, and no pair can be told.</param>
/// <param name="UsualApart">How far thumbnails usually are apart (as in <see cref="NearPair"/>), the median of any two.</param>
/// <param name="PairCount">How many pairs count, in all.</param>
/// <param name="Pairs">The nearest of them.</param>
/// <param name="Lone">The samples that lie farthest from others, farthest first.</param>
public sealed record MapSamples(long Step, float[] Places, int K, double Usual, double? Factor, double? UsualApart, int PairCount, IReadOnlyList<NearPair> Pairs, IReadOnlyList<LoneSample> Lone)
{
    internal const string Prefix = "map";

    /// <summary>Writes <c>samples/map-step-00000500.json</c>, as a whole.</summary>
    /// <exception cref="TandemException">The disk is full or refuses (<see cref="ErrorKind.Machine"/>).</exception>
    public void Write(RunFolder run) => SampleFile.Write(run, Prefix, Step, this);

    /// <summary>Reads those files of a run that fit its looked-at samples, by step; damaged ones are left out.</summary>
    public static IReadOnlyList<MapSamples> ReadAll(RunFolder run, LookedSamples? looked) =>
        looked is null ? [] : [.. SampleFile.ReadAll<MapSamples>(run, Prefix).Where(file => file.Fits(looked.Samples.Count)).OrderBy(file => file.Step)];

    bool Fits(int count) => Places?.Length == 2 * count && count > 0 && Array.TrueForAll(Places, float.IsFinite) && Pairs is not null && Lone is not null
        && Pairs.All(pair => pair.First >= 0 && pair.First < count && pair.Second >= 0 && pair.Second < count) && Lone.All(lone => lone.Sample >= 0 && lone.Sample < count);
}
