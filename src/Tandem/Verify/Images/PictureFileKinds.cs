using Tandem.Data.Images;

namespace Tandem.Verify.Images;

/// <summary>Kind <c>decode</c> of method <c>images</c>: files to RGB bytes, as the published recipes read them.</summary>
sealed class DecodeKind : ICaseKind
{
    public string Method => "images";

    public IReadOnlyList<string> Kinds => ["decode"];

    public void Check(GoldenCase golden, Comparison comparison, string device)
    {
        golden.Config.WithoutEffect("mode_before_convert");
        foreach (var file in golden.Config.GetStrings("files"))
        {
            using var picture = PictureDecoder.Decode(File.ReadAllBytes(golden.File(file)), file, PictureReading.Published);
            comparison.Tensor(file, PictureTensors.Bytes(picture));
        }
    }
}

/// <summary>Kind <c>preprocess</c>: evaluation transforms, from file to floats.</summary>
sealed class PreprocessKind : ICaseKind
{
    public string Method => "images";

    public IReadOnlyList<string> Kinds => ["preprocess"];

    public void Check(GoldenCase golden, Comparison comparison, string device)
    {
        var config = golden.Config;
        var recipe = config.GetString("recipe");
        var size = config.GetInt("input_size");
        var normalisation = PictureTensors.Normalisation(config);
        var convertedBefore = config.GetBool("converted_before", true);
        config.WithoutEffect("mode_of_file");
        var flip = config.GetBool("flip", false);
        var crop = config.HasValue("crop_top_left_height_width") ? config.GetInts("crop_top_left_height_width") : null;
        if (recipe == "given_crop" == crop is null)
            throw new CaseFailedException($"recipe '{recipe}' {(crop is null ? "needs" : "takes no")} crop_top_left_height_width");
        var transform = recipe switch
        {
            "mae_eval" => EvaluationTransform.MaeEval(size),
            "clip_eval" => EvaluationTransform.ClipEval(size),
            "squash_bilinear" => EvaluationTransform.Squash(size, Interpolation.Bilinear),
            "given_crop" => EvaluationTransform.Squash(size),
            "open_clip_shortest" => EvaluationTransform.ClipEval(size),
            "open_clip_longest" => EvaluationTransform.ClipEval(size) with { Fit = Fit.Longest },
            "open_clip_squash" => EvaluationTransform.ClipEval(size) with { Fit = Fit.Squash },
            _ => throw new CaseFailedException($"there is no recipe '{recipe}'"),
        } with { Normalisation = normalisation };
        if (config.Has("interpolation"))
            transform = transform with { Interpolation = PictureTensors.Filter(config.GetString("interpolation")) };
        transform = transform with { Fill = checked((byte)config.GetInt("fill_color", 0)) };
        foreach (var file in config.GetStrings("files"))
        {
            var bytes = File.ReadAllBytes(golden.File(file));
            using var fitted = Fitted(bytes, file, transform, convertedBefore, crop);
            using var picture = flip ? Turning.Mirror(fitted) : fitted;
            comparison.Tensor($"{file}.bytes", PictureTensors.Bytes(picture));
            comparison.Tensor($"{file}.tensor", PictureTensors.Floats(new EvaluationTransform(size) { Fit = Fit.Squash, Normalisation = normalisation }, picture, NoPictureDraws.Instance));
        }
    }

    static Picture Fitted(byte[] bytes, string file, EvaluationTransform transform, bool convertedBefore, int[]? crop)
    {
        if (!convertedBefore)
            return transform.FittedInOwnMode(PictureDecoder.Open(bytes, file));
        using var picture = PictureDecoder.Decode(bytes, file, PictureReading.Published);
        return crop is null
            ? transform.Fitted(picture)
            : Resize.Cropped(picture, new Area(crop[1], crop[0], crop[3], crop[2]), transform.Size, transform.Size, transform.Interpolation);
    }
}
