namespace Tandem.Data.Images;

/// <summary>From bytes to floats: x = byte / 255, then (x − mean) / std, every operation in single precision.</summary>
/// <param name="Mean">Mean of red, green, blue, in 0 … 1.</param>
/// <param name="Std">Standard deviation of red, green, blue.</param>
public sealed record Normalisation(float[] Mean, float[] Std)
{
    readonly float[] table = Table(Mean, Std);

    /// <summary>ImageNet's statistics: MAE, data2vec, DINO, DeiT.</summary>
    public static Normalisation ImageNet { get; } = new([0.485f, 0.456f, 0.406f], [0.229f, 0.224f, 0.225f]);

    /// <summary>OpenAI's: CLIP, OpenCLIP and its CoCa.</summary>
    public static Normalisation OpenAI { get; } = new([0.48145466f, 0.4578275f, 0.40821073f], [0.26862954f, 0.26130258f, 0.27577711f]);

    /// <summary>One half: Inception, SigLIP kinds.</summary>
    public static Normalisation Half { get; } = new([0.5f, 0.5f, 0.5f], [0.5f, 0.5f, 0.5f]);

    /// <summary>Writes a picture as floats, [3, height, width].</summary>
    /// <param name="picture">Three channels.</param>
    /// <param name="to">At least 3 · height · width floats.</param>
    /// <param name="mirrored">Whether left and right are exchanged on the way.</param>
    public void Apply(Picture picture, Span<float> to, bool mirrored = false)
    {
        if (picture.Channels != 3)
            throw new ArgumentException($"a picture of {picture.Channels} channels cannot be normalised as RGB", nameof(picture));
        int width = picture.Width, plane = width * picture.Height;
        ReadOnlySpan<float> red = table.AsSpan(0, 256), green = table.AsSpan(256, 256), blue = table.AsSpan(512, 256);
        for (var y = 0; y < picture.Height; y++)
        {
            ReadOnlySpan<byte> row = picture.Row(y);
            Span<float> r = to.Slice(y * width, width), g = to.Slice(plane + (y * width), width), b = to.Slice((2 * plane) + (y * width), width);
            for (var x = 0; x < r.Length; x++)
            {
                var at = 3 * (mirrored ? width - 1 - x : x);
                r[x] = red[row[at]];
                g[x] = green[row[at + 1]];
                b[x] = blue[row[at + 2]];
            }
        }
    }

    /// <summary>Equal means and deviations.</summary>
    public bool Equals(Normalisation? other) => other is not null && Mean.AsSpan().SequenceEqual(other.Mean) && Std.AsSpan().SequenceEqual(other.Std);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Mean[0], Std[0], Mean.Length);

    static float[] Table(float[] mean, float[] std)
    {
        if (mean.Length != 3 || std.Length != 3)
            throw new ArgumentException("mean and std are three numbers each", nameof(mean));
        var table = new float[3 * 256];
        for (var c = 0; c < 3; c++)
        {
            for (var v = 0; v < 256; v++)
            {
                var x = v / 255f;
                var centred = x - mean[c];
                table[(256 * c) + v] = centred / std[c];
            }
        }
        return table;
    }
}
