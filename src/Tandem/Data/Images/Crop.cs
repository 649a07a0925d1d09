namespace Tandem.Data.Images;

/// <summary>Which pixels a transform takes: sizes and offsets by torchvision's rules, and plain cutting.</summary>
public static class Crop
{
    /// <summary>The size that torchvision's Resize(<paramref name="size"/>) gives: the shorter side becomes size, the longer is truncated.</summary>
    /// <param name="height">Rows of the source.</param>
    /// <param name="width">Columns of the source.</param>
    /// <param name="size">The shorter side wanted.</param>
    /// <param name="longest">If the longer side would exceed this, it becomes this and the shorter follows.</param>
    public static (int Height, int Width) ShorterSide(int height, int width, int size, int? longest = null)
    {
        var (shorter, longer) = width <= height ? (width, height) : (height, width);
        int newShorter = size, newLonger = (int)((long)size * longer / (double)shorter);
        if (longest is { } limit && newLonger > limit)
            (newShorter, newLonger) = ((int)((long)limit * newShorter / (double)newLonger), limit);
        return width <= height ? (newLonger, newShorter) : (newShorter, newLonger);
    }

    /// <summary>The area in the middle; offsets are rounded, halves to even. It leaves the picture where the picture is smaller.</summary>
    public static Area Centre(int height, int width, int cropHeight, int cropWidth) => new(
        cropWidth > width ? -((cropWidth - width) / 2) : (int)Math.Round((width - cropWidth) / 2.0),
        cropHeight > height ? -((cropHeight - height) / 2) : (int)Math.Round((height - cropHeight) / 2.0),
        cropWidth,
        cropHeight);

    /// <summary>What MAE, DeiT and data2vec resize to before the centre crop: size / 0.875 up to 224, size itself above.</summary>
    public static int EvaluationResize(int size) => size <= 224 ? (int)(size / (224.0 / 256.0)) : size;

    /// <summary>Cuts an area out; what lies outside the picture becomes <paramref name="fill"/> in every channel.</summary>
    public static Picture Cut(Picture picture, Area area, byte fill = 0)
    {
        var result = Picture.Rent(area.Width, area.Height, picture.Channels);
        var channels = picture.Channels;
        int left = Math.Clamp(area.Left, 0, picture.Width), right = Math.Clamp(area.Left + area.Width, 0, picture.Width);
        for (var y = 0; y < area.Height; y++)
        {
            var row = result.Row(y);
            var source = area.Top + y;
            var inside = source >= 0 && source < picture.Height && right > left;
            if (!inside || right - left < area.Width)
                row.Fill(fill);
            if (inside)
                picture.Row(source)[(left * channels)..(right * channels)].CopyTo(row[((left - area.Left) * channels)..]);
        }
        return result;
    }
}
