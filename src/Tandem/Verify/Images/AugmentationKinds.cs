using Tandem.Data.Images;

namespace Tandem.Verify.Images;

/// <summary>Kind <c>color_jitter</c> of method <c>images</c>: single changes of colour, and their sequences.</summary>
sealed class ColourJitterKind : ICaseKind
{
    public string Method => "images";

    public IReadOnlyList<string> Kinds => ["color_jitter"];

    public void Check(GoldenCase golden, Comparison comparison, string device)
    {
        var k = 0;
        foreach (var item in golden.Config.Objects("items"))
        {
            var picture = PictureTensors.Picture(golden.Inputs[item.GetString("input")]);
            foreach (var step in item.Get("steps").EnumerateArray())
                picture = Change(picture, step[0].GetString()!, step[1].GetDouble());
            var name = PictureTensors.At(k++);
            comparison.Tensor(name, PictureTensors.Bytes(picture, golden.Expect.TryGet(name)));
        }
    }

    static Picture Change(Picture picture, string change, double factor)
    {
        switch (change)
        {
            case "brightness": Colour.Brightness(picture, factor); break;
            case "contrast": Colour.Contrast(picture, factor); break;
            case "saturation": Colour.Saturation(picture, factor); break;
            case "hue": Colour.Hue(picture, factor); break;
            case "grayscale3": Colour.Grey(picture); break;
            case "grayscale1":
                Colour.Grey(picture);
                var grey = Picture.Rent(picture.Width, picture.Height, 1);
                for (var i = 0; i < grey.Pixels.Length; i++)
                    grey.Pixels[i] = picture.Pixels[3 * i];
                return grey;
            case "hflip": return Turning.Mirror(picture);
            case "vflip": return Turning.TopBottom(picture);
            default: throw new CaseFailedException($"there is no change '{change}'");
        }
        return picture;
    }
}

/// <summary>Kind <c>pipeline</c>: whole training transforms with recorded draws.</summary>
sealed class PipelineKind : ICaseKind
{
    public string Method => "images";

    public IReadOnlyList<string> Kinds => ["pipeline"];

    public void Check(GoldenCase golden, Comparison comparison, string device)
    {
        var config = golden.Config;
        var size = config.GetInt("input_size");
        var transform = config.GetString("recipe") switch
        {
            "mae_pretrain" => TrainingTransform.MaePretrain(size),
            "beit_pretrain" => TrainingTransform.BeitPretrain(size),
            "open_clip_train" => TrainingTransform.OpenClip(size),
            "timm_finetune" => throw new SkippedException("fine-tuning augmentation is not built yet"),
            var other => throw new CaseFailedException($"there is no recipe '{other}'"),
        } with { Normalisation = PictureTensors.Normalisation(config) };
        var k = 0;
        foreach (var run in config.Objects("runs"))
        {
            var draws = RecordedPictureDraws.Of(run.Get("draws"));
            var picture = PictureTensors.Picture(golden.Inputs[run.GetString("input")]);
            comparison.Tensor(PictureTensors.At(k), PictureTensors.Floats(transform, picture, draws));
            comparison.Require(draws.Left == 0, $"run {k}: {draws.Left} of the publisher's draws were not made");
            k++;
        }
    }
}
