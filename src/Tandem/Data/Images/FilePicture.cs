namespace Tandem.Data.Images;

/// <summary>How the samples of a <see cref="FilePicture"/> are to be understood; Pillow's modes.</summary>
enum PixelMode
{
    /// <summary>One bit a pixel, held as 0 or 255 (Pillow: 1).</summary>
    Bilevel,
    /// <summary>Grey (L).</summary>
    Grey,
    /// <summary>Grey of 16 bits, two bytes a sample, little-endian (I).</summary>
    Grey16,
    /// <summary>Grey and alpha (LA).</summary>
    GreyAlpha,
    /// <summary>RGB.</summary>
    Rgb,
    /// <summary>RGB and alpha (RGBA).</summary>
    Rgba,
    /// <summary>Index into a palette (P).</summary>
    Palette,
    /// <summary>Inks, already inverted as Pillow has them (CMYK).</summary>
    Cmyk,
}

/// <summary>A picture in its file's own mode, before it becomes RGB: what transforms that resize first and convert after need.</summary>
sealed class FilePicture
{
    public required int Width { get; init; }
    public required int Height { get; init; }
    public required PixelMode Mode { get; init; }

    /// <summary>[height, width, samples of the mode].</summary>
    public required byte[] Samples { get; init; }

    /// <summary>Red, green, blue, alpha of 256 entries; only with <see cref="PixelMode.Palette"/>.</summary>
    public byte[]? Palette { get; init; }

    /// <summary>Opacity beside the samples, from a transparent colour of grey or RGB files; [height, width].</summary>
    public byte[]? Alpha { get; init; }

    /// <summary>EXIF tag 0x0112, 1 to 8.</summary>
    public int Orientation { get; set; } = 1;

    public static int BytesOf(PixelMode mode) => mode switch
    {
        PixelMode.Grey16 or PixelMode.GreyAlpha => 2,
        PixelMode.Rgb => 3,
        PixelMode.Rgba or PixelMode.Cmyk => 4,
        _ => 1,
    };

    /// <summary>Converts to RGB bytes, by the chosen rules.</summary>
    public Picture ToRgb(PictureReading reading)
    {
        var natural = reading == PictureReading.Natural;
        var rgb = Mode == PixelMode.Rgb && !natural ? new Picture(Width, Height, 3, Samples) : Convert(natural);
        return natural ? Turning.Upright(rgb, Orientation) : rgb;
    }

    Picture Convert(bool natural)
    {
        var picture = Picture.Rent(Width, Height, 3);
        var to = picture.Pixels;
        var count = Width * Height;
        for (var i = 0; i < count; i++)
        {
            var (r, g, b, a) = Colour(i, natural);
            if (natural && a != 255)
                (r, g, b) = (OnWhite(r, a), OnWhite(g, a), OnWhite(b, a));
            to[3 * i] = r;
            to[(3 * i) + 1] = g;
            to[(3 * i) + 2] = b;
        }
        return picture;
    }

    (byte R, byte G, byte B, byte A) Colour(int i, bool natural)
    {
        var opacity = Alpha is null ? (byte)255 : Alpha[i];
        switch (Mode)
        {
            case PixelMode.Grey16:
                var deep = Samples[2 * i] | (Samples[(2 * i) + 1] << 8);
                var level = natural ? (byte)(((deep * 255) + 32767) / 65535) : (byte)Math.Min(deep, 255);
                return (level, level, level, opacity);
            case PixelMode.GreyAlpha:
                return (Samples[2 * i], Samples[2 * i], Samples[2 * i], Samples[(2 * i) + 1]);
            case PixelMode.Rgb:
                return (Samples[3 * i], Samples[(3 * i) + 1], Samples[(3 * i) + 2], opacity);
            case PixelMode.Rgba:
                return (Samples[4 * i], Samples[(4 * i) + 1], Samples[(4 * i) + 2], Samples[(4 * i) + 3]);
            case PixelMode.Palette:
                var entry = Palette.AsSpan(4 * Samples[i], 4);
                return (entry[0], entry[1], entry[2], entry[3]);
            case PixelMode.Cmyk:
                var light = 255 - Samples[(4 * i) + 3];
                return (Ink(Samples[4 * i], light), Ink(Samples[(4 * i) + 1], light), Ink(Samples[(4 * i) + 2], light), 255);
            default:
                return (Samples[i], Samples[i], Samples[i], opacity);
        }
    }

    static byte Ink(int ink, int light) => (byte)Math.Clamp(light - MulDiv(ink, light), 0, 255);

    static byte OnWhite(int colour, int alpha) => (byte)(255 - MulDiv(255 - colour, alpha));

    /// <summary>a · b / 255, rounded as Pillow rounds it.</summary>
    public static int MulDiv(int a, int b)
    {
        var t = (a * b) + 128;
        return ((t >> 8) + t) >> 8;
    }
}
