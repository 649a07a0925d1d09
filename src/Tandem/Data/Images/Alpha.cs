namespace Tandem.Data.Images;

/// <summary>Colours times opacity and back, in bytes (Pillow's modes La and RGBa).</summary>
static class Alpha
{
    /// <summary>A new picture whose colours are multiplied by their alpha.</summary>
    public static Picture Premultiply(Picture picture)
    {
        var result = Picture.Rent(picture.Width, picture.Height, picture.Channels);
        Span<byte> from = picture.Pixels, to = result.Pixels;
        var channels = picture.Channels;
        for (var i = 0; i < from.Length; i += channels)
        {
            var alpha = from[i + channels - 1];
            for (var c = 0; c < channels - 1; c++)
                to[i + c] = (byte)FilePicture.MulDiv(from[i + c], alpha);
            to[i + channels - 1] = alpha;
        }
        return result;
    }

    /// <summary>Undoes the multiplication, in place: 0 and 255 leave the colour as it is.</summary>
    public static void Divide(Picture picture)
    {
        var pixels = picture.Pixels;
        var channels = picture.Channels;
        for (var i = 0; i < pixels.Length; i += channels)
        {
            int alpha = pixels[i + channels - 1];
            if (alpha is 0 or 255)
                continue;
            for (var c = 0; c < channels - 1; c++)
                pixels[i + c] = (byte)Math.Min(255, 255 * pixels[i + c] / alpha);
        }
    }
}
