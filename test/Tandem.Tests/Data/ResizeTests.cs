using Tandem.Data;
using Tandem.Data.Images;
using Xunit;

namespace Tandem.Tests.Data;

/// <summary>The vectorised passes against the plain ones: three channels together must be what each is alone, rows must be what columns are.</summary>
public sealed class ResizeTests
{
    static Picture Noise(Random random, int width, int height, int channels)
    {
        var pixels = new byte[width * height * channels];
        random.NextBytes(pixels);
        return new(width, height, channels, pixels);
    }

    static Picture Channel(Picture picture, int channel) =>
        new(picture.Width, picture.Height, 1, [.. Enumerable.Range(0, picture.Width * picture.Height).Select(i => picture.Pixels[(i * picture.Channels) + channel])]);

    [Theory]
    [InlineData(Interpolation.Bilinear)]
    [InlineData(Interpolation.Bicubic)]
    [InlineData(Interpolation.Lanczos)]
    [InlineData(Interpolation.Box)]
    [InlineData(Interpolation.Hamming)]
    public void ThreeChannelsTogetherAreWhatEachIsAlone(Interpolation filter)
    {
        var random = new Random(1);
        for (var trial = 0; trial < 60; trial++)
        {
            using var picture = Noise(random, random.Next(1, 70), random.Next(1, 70), 3);
            int width = random.Next(1, 70), height = random.Next(1, 70);
            using var together = Resize.Apply(picture, width, height, filter);
            for (var c = 0; c < 3; c++)
            {
                using var alone = Resize.Apply(Channel(picture, c), width, height, filter);
                Assert.True(alone.Pixels.SequenceEqual(Channel(together, c).Pixels), $"{picture.Width} x {picture.Height} to {width} x {height}, channel {c}");
            }
        }
    }

    [Fact]
    public void RowsAreResizedLikeColumns()
    {
        var random = new Random(2);
        for (var trial = 0; trial < 60; trial++)
        {
            using var picture = Noise(random, random.Next(1, 50), random.Next(1, 50), 3);
            var size = random.Next(1, 60);
            using var lower = Resize.Apply(picture, picture.Width, size, Interpolation.Bicubic);
            using var turned = Resize.Apply(Turning.Upright(picture.Copy(), 5), size, picture.Width, Interpolation.Bicubic);
            using var back = Turning.Upright(turned, 5);
            Assert.True(lower.Pixels.SequenceEqual(back.Pixels));
        }
    }

    [Fact]
    public void ACroppedResizeIsACropAndThenAResize()
    {
        var random = new Random(3);
        for (var trial = 0; trial < 60; trial++)
        {
            using var picture = Noise(random, random.Next(20, 60), random.Next(20, 60), 3);
            int width = random.Next(1, 20), height = random.Next(1, 20);
            var area = new Area(random.Next(picture.Width - width + 1), random.Next(picture.Height - height + 1), width, height);
            using var atOnce = Resize.Cropped(picture, area, 16, 16, Interpolation.Bicubic);
            using var cut = Crop.Cut(picture, area);
            using var later = Resize.Apply(cut, 16, 16, Interpolation.Bicubic);
            Assert.True(atOnce.Pixels.SequenceEqual(later.Pixels));
        }
    }

    [Fact]
    public void ATransformLeavesItsPictureAsItWas()
    {
        using var picture = Noise(new Random(4), 40, 30, 3);
        var before = picture.Pixels.ToArray();
        foreach (var transform in new PictureTransform[] { TrainingTransform.BeitPretrain(16), TrainingTransform.MaePretrain(16), EvaluationTransform.ClipEval(16) })
        {
            transform.Apply(picture, new RandomPictureDraws(Tandem.Torch.Randomness.Of(1, "crop")), new float[transform.Floats]);
            Assert.Equal(before, picture.Pixels.ToArray());
        }
    }

    [Fact]
    public void AMissingLibraryIsToldWithTheCommandThatInstallsIt()
    {
        var error = Assert.Throws<TandemException>(() => NativeLibraries.Require("libnothere.so.9", "libnothere9", "XYZ pictures"));
        Assert.Equal(ErrorKind.Machine, error.Kind);
        Assert.Equal("apt-get install libnothere9", error.Remedy);
    }
}
