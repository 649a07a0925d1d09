using Tandem.Models.Peers;
using System.Text.Json;
using Tandem.Data.Images;
using Tandem.Torch;

namespace Tandem.Verify.Images;

/// <summary>Pictures as the golden cases hold them: bytes [height, width, channels], or [height, width] for grey.</summary>
static class PictureTensors
{
    public static Picture Picture(HostTensor tensor)
    {
        if (tensor.Type != ScalarType.Byte || tensor.Shape.Length is < 2 or > 3)
            throw new CaseFailedException($"an input picture is {tensor.Type} [{string.Join(", ", tensor.Shape)}] instead of bytes [height, width, channels]");
        return new((int)tensor.Shape[1], (int)tensor.Shape[0], tensor.Shape.Length == 3 ? (int)tensor.Shape[2] : 1, [.. tensor.Bytes]);
    }

    /// <summary>The picture as bytes, with the channels left out where <paramref name="like"/> has no axis for them.</summary>
    public static HostTensor Bytes(Picture picture, HostTensor? like = null) => like?.Shape.Length == 2
        ? HostTensor.From<byte>(picture.Pixels, picture.Height, picture.Width)
        : HostTensor.From<byte>(picture.Pixels, picture.Height, picture.Width, picture.Channels);

    public static HostTensor Floats(PictureTransform transform, Picture picture, IPictureDraws draws)
    {
        var values = new float[transform.Floats];
        transform.Apply(picture, draws, values);
        return HostTensor.From<float>(values, 3, transform.Height, transform.Width);
    }

    public static Interpolation Filter(string name) => name switch
    {
        "nearest" => Interpolation.Nearest,
        "bilinear" => Interpolation.Bilinear,
        "bicubic" => Interpolation.Bicubic,
        "lanczos" => Interpolation.Lanczos,
        "hamming" => Interpolation.Hamming,
        "box" => Interpolation.Box,
        _ => throw new CaseFailedException($"there is no filter '{name}'"),
    };

    public static Normalisation Normalisation(ConfigReader config) =>
        new([.. config.GetDoubles("mean").Select(x => (float)x)], [.. config.GetDoubles("std").Select(x => (float)x)]);

    public static string At(int k) => $"out.{k}";

    public static int[] Sides(JsonElement value) => value.ValueKind == JsonValueKind.Array ? [.. value.EnumerateArray().Select(x => x.GetInt32())] : [value.GetInt32()];
}
