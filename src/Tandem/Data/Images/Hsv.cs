namespace Tandem.Data.Images;

/// <summary>Hue, saturation, value in bytes, as Pillow converts them (libImaging/Convert.c, rgb2hsv_row and hsv2rgb).</summary>
static class Hsv
{
    public static (byte Hue, byte Saturation, byte Value) Of(byte r, byte g, byte b)
    {
        var high = Math.Max(r, Math.Max(g, b));
        var low = Math.Min(r, Math.Min(g, b));
        if (high == low)
            return (0, 0, high);
        float range = high - low;
        var s = range / high;
        float rc = (high - r) / range, gc = (high - g) / range, bc = (high - b) / range;
        float h;
        if (r == high)
            h = bc - gc;
        else if (g == high)
            h = (float)(2.0 + rc - bc);
        else
            h = (float)(4.0 + gc - rc);
        h = (float)(((h / 6.0) + 1.0) % 1.0);
        return (Clip((int)(h * 255.0)), Clip((int)(s * 255.0)), high);
    }

    public static (byte R, byte G, byte B) ToRgb(byte hue, byte saturation, byte value)
    {
        if (saturation == 0)
            return (value, value, value);
        var sector = (int)Math.Floor(hue * 6.0 / 255.0);
        var f = (float)((hue * 6.0 / 255.0) - sector);
        var s = (float)(saturation / 255.0);
        var sf = s * f;
        var p = Round(value * (1.0 - s));
        var q = Round(value * (1.0 - sf));
        var t = Round(value * (1.0 - (s * (1.0 - f))));
        return (sector % 6) switch
        {
            0 => (value, t, p),
            1 => (q, value, p),
            2 => (p, value, t),
            3 => (p, q, value),
            4 => (t, p, value),
            _ => (value, p, q),
        };
    }

    static byte Round(double x) => Clip((int)Math.Round(x, MidpointRounding.AwayFromZero));

    static byte Clip(int x) => (byte)Math.Clamp(x, 0, 255);
}
