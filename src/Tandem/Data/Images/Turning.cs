namespace Tandem.Data.Images;

/// <summary>Mirrors and quarter turns.</summary>
public static class Turning
{
    /// <summary>
    /// The picture as it was meant to be seen, by EXIF tag 0x0112: 2 mirror left-right, 3 by 180°, 4 mirror top-bottom, 5 transpose, 6 turn
    /// 90° clockwise, 7 transverse, 8 turn 90° anticlockwise. Any other value gives the same picture back.
    /// </summary>
    public static Picture Upright(Picture picture, int orientation)
    {
        if (orientation is < 2 or > 8)
            return picture;
        int w = picture.Width, h = picture.Height, c = picture.Channels;
        var result = orientation >= 5 ? Picture.Rent(h, w, c) : Picture.Rent(w, h, c);
        var from = picture.Pixels;
        var to = result.Pixels;
        var at = 0;
        for (var y = 0; y < result.Height; y++)
        {
            for (var x = 0; x < result.Width; x++)
            {
                var (sx, sy) = orientation switch
                {
                    2 => (w - 1 - x, y),
                    3 => (w - 1 - x, h - 1 - y),
                    4 => (x, h - 1 - y),
                    5 => (y, x),
                    6 => (y, h - 1 - x),
                    7 => (w - 1 - y, h - 1 - x),
                    _ => (w - 1 - y, x),
                };
                from.Slice(((sy * w) + sx) * c, c).CopyTo(to[at..]);
                at += c;
            }
        }
        picture.Dispose();
        return result;
    }

    /// <summary>A new picture with left and right exchanged.</summary>
    public static Picture Mirror(Picture picture) => Upright(picture.Copy(), 2);

    /// <summary>A new picture with top and bottom exchanged.</summary>
    public static Picture TopBottom(Picture picture) => Upright(picture.Copy(), 4);
}
