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
        var decoder = s.Copies * s.Places * ((s.Width * s.DecoderWidth) + ((s.DecoderLayers - 1L) * s.DecoderWidth * s.DecoderWidth)) * s.Kernel * s.Kernel / s.Groups;
        var projection = (long)s.Copies * s.Places * s.DecoderWidth * s.Width;
        return (patches + (s.Copies * s.Blocks * Block(1 + s.Visible, s.Width)) + decoder + projection, patches + (s.Blocks * Block(1 + s.Places, s.Width)));
    }

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
