using Tandem.Networks;

namespace Tandem.Bench;

/// <summary>
/// Multiply-adds of a forward pass by formula: matrix products and convolutions only, whatever the program really computes. A program that
/// skips work or repeats it is counted as if it did neither.
/// </summary>
static class UsefulWork
{
    /// <summary>One transformer block on one sequence: qkv, both attention products, output, feed-forward of ratio 4.</summary>
    public static long Block(long tokens, long width) => tokens * ((12 * width * width) + (2 * tokens * width));

    /// <summary>data2vec 2.0 on one picture: the student with its decoder, and the teacher.</summary>
    public static (long Student, long Teacher) Image(ImageShape s)
    {
        long patches = s.Places * 3L * s.Patch * s.Patch * s.Width;
        var decoder = s.Copies * s.Places * Convolutions(s.Width, s.DecoderWidth, s.DecoderLayers) * s.Kernel * s.Kernel / s.Groups;
        var projection = (long)s.Copies * s.Places * s.DecoderWidth * s.Width;
        return (patches + (s.Copies * s.Blocks * Block(1 + s.Visible, s.Width)) + decoder + projection, patches + (s.Blocks * Block(1 + s.Places, s.Width)));
    }

    /// <summary>data2vec 2.0 on one recording; the teacher hears through the student's extractor.</summary>
    public static (long Student, long Teacher) Audio(AudioShape s)
    {
        long extractor = 0, channels = 1, samples = s.Samples;
        foreach (var layer in s.Extractor)
        {
            samples = ((samples - layer.Kernel) / layer.Stride) + 1;
            extractor += samples * channels * layer.Channels * layer.Kernel;
            channels = layer.Channels;
        }
        var positions = (long)s.PositionDepth * s.Places * s.Width * s.Width / s.PositionGroups * s.PositionKernel;
        var decoder = s.Copies * s.Places * ((Convolutions(s.Width, s.DecoderWidth, s.DecoderLayers) * s.Kernel / s.Groups) + ((long)s.DecoderWidth * s.Width));
        return (extractor + (s.Places * channels * s.Width) + (s.Copies * (positions + (s.Depth * Block(s.Visible, s.Width)))) + decoder,
            positions + (s.Depth * Block(s.Places, s.Width)));
    }

    /// <summary>data2vec 2.0 on one row of tokens; the teacher consists of blocks alone.</summary>
    public static (long Student, long Teacher) Text(TextShape s)
    {
        long hidden = 2L * s.DecoderWidth;
        var decoder = s.Copies * s.Tokens * ((Convolutions(s.Width, s.DecoderWidth, s.DecoderLayers) * s.Kernel / s.Groups) + (s.DecoderWidth * hidden) + (hidden * s.Width));
        return ((s.Copies * s.Depth * Block(s.Visible, s.Width)) + decoder, s.Depth * Block(s.Tokens, s.Width));
    }

    // Channels in times channels out, summed over a decoder's layers.
    static long Convolutions(long width, long decoderWidth, long layers) => (width * decoderWidth) + ((layers - 1) * decoderWidth * decoderWidth);

    /// <summary>Floating-point operations of one sample's step: the student's forward pass three times (forward, both gradients), the teacher's once.</summary>
    public static double Operations((long Student, long Teacher) work) => 2.0 * ((3.0 * work.Student) + work.Teacher);
}

/// <summary>The sizes that decide an image row's work.</summary>
sealed record ImageShape(int Input, int Patch, int Width, int Prenet, int Depth, int Heads, int TopLayers, int Copies, int Visible, int DecoderLayers, int DecoderWidth, int Kernel, int Groups, int Batch)
{
    public int Places => Input / Patch * (Input / Patch);

    public int Blocks => Prenet + Depth;

    public static ImageShape Small { get; } = new(32, 4, 128, 0, 4, 4, 4, 4, 12, 3, 128, 3, 16, 128);

    public static ImageShape Base { get; } = new(224, 16, 384, 2, 10, 6, 10, 8, 39, 6, 384, 3, 16, 8);
}

/// <summary>The sizes that decide an audio row's work.</summary>
sealed record AudioShape(
    int Samples, IReadOnlyList<ExtractorLayer> Extractor, int Width, int Depth, int Heads, int TopLayers, int Copies, int Visible, int PositionDepth, int PositionKernel,
    int PositionGroups, int DecoderLayers, int DecoderWidth, int Kernel, int Groups, int Batch)
{
    public int Places => new AudioFrontEndOptions { Extractor = Extractor }.Frames.Of(Samples);

    public static AudioShape Small { get; } = new(
        64_000, [new(128, 10, 5), new(128, 3, 2), new(128, 3, 2), new(128, 3, 2), new(128, 3, 2), new(128, 2, 2), new(128, 2, 2)], 256, 6, 4, 4, 4, 100, 5, 19, 16, 4, 128, 7, 16, 8);
}

/// <summary>The sizes that decide a text row's work.</summary>
sealed record TextShape(
    int Tokens, int MaxTokens, int Vocabulary, int Width, int Depth, int Heads, int TopLayers, int Copies, int Visible, int DecoderLayers, int DecoderWidth, int Kernel, int Groups, int Batch)
{
    public static TextShape Small { get; } = new(256, 512, 8_000, 256, 6, 4, 6, 8, 133, 5, 256, 9, 1, 16);
}
