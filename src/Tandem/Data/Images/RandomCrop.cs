namespace Tandem.Data.Images;

/// <summary>Whose rule draws a crop.</summary>
public enum CropRule
{
    /// <summary>torchvision's RandomResizedCrop: draws in single precision, ten tries, then the centre (MAE, OpenCLIP, DINO, data2vec).</summary>
    Torchvision,
    /// <summary>timm's, BEiT's and fairseq's: the same in double precision.</summary>
    Timm,
    /// <summary>MAE's linear probe: one draw, sides cut to the picture (util/crop.py).</summary>
    MaeLinearProbe,
}

/// <summary>
/// A crop of random area and shape (torchvision's RandomResizedCrop.get_params and its relatives).
/// </summary>
/// <param name="Rule">Whose arithmetic.</param>
/// <param name="SmallestScale">Least share of the picture's area.</param>
/// <param name="LargestScale">Largest share of the picture's area.</param>
/// <param name="SmallestRatio">Least width / height.</param>
/// <param name="LargestRatio">Largest width / height.</param>
public sealed record RandomCrop(CropRule Rule = CropRule.Torchvision, double SmallestScale = 0.08, double LargestScale = 1.0,
    double SmallestRatio = 3.0 / 4.0, double LargestRatio = 4.0 / 3.0)
{
    const int Tries = 10;

    /// <summary>Draws a crop for a picture of the given size.</summary>
    public Area Draw(int height, int width, IPictureDraws draws) => Draw(height, width, draws, out _);

    /// <summary>Draws a crop; <paramref name="fallback"/> tells whether every try failed and the centre was taken.</summary>
    public Area Draw(int height, int width, IPictureDraws draws, out bool fallback)
    {
        fallback = false;
        var tries = Rule == CropRule.MaeLinearProbe ? 1 : Tries;
        for (var t = 0; t < tries; t++)
        {
            var (w, h) = Sides((double)height * width, draws);
            if (Rule == CropRule.MaeLinearProbe)
                (w, h) = (Math.Min(w, width), Math.Min(h, height));
            else if (w > width || h > height || (Rule == CropRule.Torchvision && (w <= 0 || h <= 0)))
                continue;
            var top = draws.Integer((int)(height - h + 1));
            var left = draws.Integer((int)(width - w + 1));
            // torchvision and timm differ here: timm lets a side of 0 through and fails later; a crop has at least a pixel.
            return new Area(left, top, (int)Math.Max(w, 1), (int)Math.Max(h, 1));
        }
        fallback = true;
        return Fallback(height, width);
    }

    (double Width, double Height) Sides(double area, IPictureDraws draws)
    {
        double target, ratio;
        if (Rule == CropRule.Timm)
        {
            target = area * draws.Uniform(SmallestScale, LargestScale);
            ratio = Math.Exp(draws.Uniform(Math.Log(SmallestRatio), Math.Log(LargestRatio)));
        }
        else
        {
            target = area * draws.UniformFloat(SmallestScale, LargestScale);
            ratio = (float)Math.Exp(draws.UniformFloat((float)Math.Log(SmallestRatio), (float)Math.Log(LargestRatio)));
        }
        return (Math.Round(Math.Sqrt(target * ratio)), Math.Round(Math.Sqrt(target / ratio)));
    }

    Area Fallback(int height, int width)
    {
        int w = width, h = height;
        var ratio = (double)width / height;
        if (ratio < SmallestRatio)
            h = (int)Math.Round(w / SmallestRatio);
        else if (ratio > LargestRatio)
            w = (int)Math.Round(h * LargestRatio);
        return new Area((width - w) / 2, (height - h) / 2, w, h);
    }
}
