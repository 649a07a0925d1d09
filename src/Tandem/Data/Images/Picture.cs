using System.Buffers;

namespace Tandem.Data.Images;

/// <summary>
/// A decoded picture: bytes, row by row, the channels of a pixel side by side ([height, width, channels]). The buffer may come from a
/// pool: <see cref="Dispose"/> gives it back, and is allowed to be forgotten (the garbage collector then takes it).
/// </summary>
public sealed class Picture : IDisposable
{
    byte[] buffer;
    readonly bool pooled;

    /// <summary>A picture over bytes of one's own; nothing is copied.</summary>
    /// <param name="width">Pixels in a row.</param>
    /// <param name="height">Rows.</param>
    /// <param name="channels">1 grey, 2 grey and alpha, 3 RGB, 4 RGBA.</param>
    /// <param name="pixels">At least width · height · channels bytes.</param>
    /// <exception cref="ArgumentException">A side is not positive, or there are too few bytes.</exception>
    public Picture(int width, int height, int channels, byte[] pixels)
        : this(width, height, channels, pixels, pooled: false)
    {
    }

    Picture(int width, int height, int channels, byte[] pixels, bool pooled)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(height);
        if (channels is < 1 or > 4)
            throw new ArgumentOutOfRangeException(nameof(channels), channels, "a picture has 1 to 4 channels");
        if (pixels.LongLength < (long)width * height * channels)
            throw new ArgumentException($"{width} x {height} x {channels} bytes do not fit into {pixels.LongLength}", nameof(pixels));
        Width = width;
        Height = height;
        Channels = channels;
        buffer = pixels;
        this.pooled = pooled;
    }

    /// <summary>A picture with undefined pixels in a buffer from the shared pool.</summary>
    public static Picture Rent(int width, int height, int channels) =>
        new(width, height, channels, ArrayPool<byte>.Shared.Rent(checked(width * height * channels)), pooled: true);

    /// <summary>Pixels in a row.</summary>
    public int Width { get; }

    /// <summary>Rows.</summary>
    public int Height { get; }

    /// <summary>1 grey, 2 grey and alpha, 3 RGB, 4 RGBA.</summary>
    public int Channels { get; }

    /// <summary>The bytes, [height, width, channels].</summary>
    public Span<byte> Pixels => buffer.AsSpan(0, Width * Height * Channels);

    /// <summary>One row, [width, channels].</summary>
    public Span<byte> Row(int y) => buffer.AsSpan(y * Width * Channels, Width * Channels);

    /// <summary>A copy with a buffer of its own.</summary>
    public Picture Copy()
    {
        var copy = Rent(Width, Height, Channels);
        Pixels.CopyTo(copy.Pixels);
        return copy;
    }

    /// <summary>Gives a pooled buffer back. The pixels must not be used afterwards.</summary>
    public void Dispose()
    {
        var returned = Interlocked.Exchange(ref buffer, []);
        if (pooled && returned.Length > 0)
            ArrayPool<byte>.Shared.Return(returned);
    }
}
