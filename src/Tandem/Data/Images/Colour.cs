namespace Tandem.Data.Images;

/// <summary>Changes of colour, byte for byte as torchvision does them through Pillow (ImageEnhance, libImaging/Blend.c, Convert.c). All work in place on RGB.</summary>
public static class Colour
{
    /// <summary>Grey of a colour: (19595 R + 38470 G + 7471 B + 32768) &gt;&gt; 16.</summary>
    public static byte Grey(int red, int green, int blue) => (byte)(((19595 * red) + (38470 * green) + (7471 * blue) + 32768) >> 16);

    /// <summary>All three channels become grey.</summary>
    public static void Grey(Picture picture)
    {
        var pixels = Rgb(picture);
        for (var i = 0; i < pixels.Length; i += 3)
            pixels[i] = pixels[i + 1] = pixels[i + 2] = Grey(pixels[i], pixels[i + 1], pixels[i + 2]);
    }

    /// <summary>Blends with black.</summary>
    /// <param name="picture">RGB, changed in place.</param>
    /// <param name="factor">0 gives black, 1 the picture, more is brighter.</param>
    public static void Brightness(Picture picture, double factor)
    {
        Span<byte> table = stackalloc byte[256];
        BlendTable(table, 0, (float)factor);
        foreach (ref var value in Rgb(picture))
            value = table[value];
    }

    /// <summary>Blends with a flat picture of the mean grey.</summary>
    /// <param name="picture">RGB, changed in place.</param>
    /// <param name="factor">0 gives flat grey, 1 the picture, more has more contrast.</param>
    public static void Contrast(Picture picture, double factor)
    {
        var pixels = Rgb(picture);
        long sum = 0;
        for (var i = 0; i < pixels.Length; i += 3)
            sum += Grey(pixels[i], pixels[i + 1], pixels[i + 2]);
        var mean = (byte)(int)((sum / (double)(pixels.Length / 3)) + 0.5);
        Span<byte> table = stackalloc byte[256];
        BlendTable(table, mean, (float)factor);
        foreach (ref var value in pixels)
            value = table[value];
    }

    /// <summary>Blends with the picture's own grey.</summary>
    /// <param name="picture">RGB, changed in place.</param>
    /// <param name="factor">0 gives grey, 1 the picture, more is more colourful.</param>
    public static void Saturation(Picture picture, double factor)
    {
        var pixels = Rgb(picture);
        var share = (float)factor;
        for (var i = 0; i < pixels.Length; i += 3)
        {
            var grey = Grey(pixels[i], pixels[i + 1], pixels[i + 2]);
            for (var c = i; c < i + 3; c++)
                pixels[c] = Blend(grey, pixels[c], share);
        }
    }

    /// <summary>Turns the hue.</summary>
    /// <param name="picture">RGB, changed in place.</param>
    /// <param name="turn">Share of a full turn, −0.5 … 0.5.</param>
    public static void Hue(Picture picture, double turn)
    {
        var pixels = Rgb(picture);
        var shift = (byte)(int)(255 * turn);
        for (var i = 0; i < pixels.Length; i += 3)
        {
            var (hue, saturation, value) = Hsv.Of(pixels[i], pixels[i + 1], pixels[i + 2]);
            (pixels[i], pixels[i + 1], pixels[i + 2]) = Hsv.ToRgb((byte)(hue + shift), saturation, value);
        }
    }

    static Span<byte> Rgb(Picture picture) => picture.Channels == 3
        ? picture.Pixels
        : throw new ArgumentException($"colours change in RGB, not in {picture.Channels} channels", nameof(picture));

    static void BlendTable(Span<byte> table, byte floor, float factor)
    {
        for (var v = 0; v < 256; v++)
            table[v] = Blend(floor, (byte)v, factor);
    }

    // Truncated, never rounded: this is Pillow's way.
    static byte Blend(byte from, byte to, float factor)
    {
        if (factor == 0)
            return from;
        if (factor == 1)
            return to;
        var difference = factor * (to - from);
        var value = from + difference;
        return value <= 0 ? (byte)0 : value >= 255 ? (byte)255 : (byte)(int)value;
    }
}
