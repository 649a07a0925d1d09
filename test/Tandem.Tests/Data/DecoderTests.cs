using Tandem.Data.Images;
using Xunit;

namespace Tandem.Tests.Data;

public sealed class DecoderTests
{
    static TandemException Fails(byte[] file) =>
        Assert.Throws<TandemException>(() => PictureDecoder.Decode(file, "photo.jpg", PictureReading.Published));

    static void IsInputFaultWithName(TandemException error)
    {
        Assert.Equal(ErrorKind.Input, error.Kind);
        Assert.Equal("photo.jpg", error.Where);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(20)]
    [InlineData(200)]
    public void ATruncatedJpegIsAnErrorEvenIfOnlyItsEndMarkerIsMissing(int missing)
    {
        var error = Fails(File.ReadAllBytes(PictureMaker.Jpeg)[..^missing]);
        IsInputFaultWithName(error);
        Assert.Contains("ends early", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void APngWithoutItsLastRowsIsAnError()
    {
        var file = File.ReadAllBytes(PictureMaker.Png);
        IsInputFaultWithName(Fails(file[..(file.Length / 2)]));
    }

    [Fact]
    public void APngWithoutItsEndChunkIsAccepted()
    {
        var file = File.ReadAllBytes(PictureMaker.Png);
        using var whole = PictureDecoder.Decode(file, "a", PictureReading.Published);
        using var cut = PictureDecoder.Decode(file.AsSpan(0, file.Length - 12), "b", PictureReading.Published);
        Assert.True(whole.Pixels.SequenceEqual(cut.Pixels));
    }

    [Fact]
    public void APngWithDamagedDataIsAnError()
    {
        var file = File.ReadAllBytes(PictureMaker.Png);
        for (var i = file.Length / 2; i < (file.Length / 2) + 20; i++)
            file[i] ^= 0x5A;
        IsInputFaultWithName(Fails(file));
    }

    [Fact]
    public void AHeaderThatAnnouncesAHugePictureIsRefusedBeforeMemoryIsTaken()
    {
        var png = File.ReadAllBytes(PictureMaker.Png);
        // Width and height of 100,000, with a valid checksum.
        new byte[] { 0, 1, 0x86, 0xA0, 0, 1, 0x86, 0xA0 }.CopyTo(png, 16);
        BitConverter.GetBytes(System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(Crc(png.AsSpan(12, 17)))).CopyTo(png, 29);
        IsInputFaultWithName(Fails(png));
        IsInputFaultWithName(Fails("P6\n13000 13000\n255\nxx"u8.ToArray()));
        IsInputFaultWithName(Fails("P6\n99999999999 2\n255\nxx"u8.ToArray()));
    }

    [Fact]
    public void ATextNamedJpgIsToldToBeAText()
    {
        var error = Fails("This is not a picture, whatever its name says."u8.ToArray());
        IsInputFaultWithName(error);
        Assert.Contains("it is text", error.Message, StringComparison.Ordinal);
        Assert.Contains("Git LFS", Fails("version https://git-lfs.github.com/spec/v1\noid sha256:1"u8.ToArray()).Message, StringComparison.Ordinal);
        Assert.Contains("empty", Fails([]).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AnAvifIsNamedAndRefused()
    {
        var error = Fails([0, 0, 0, 32, .. "ftypavif"u8, .. new byte[40]]);
        Assert.Contains("AVIF", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("decode_jpeg")]
    [InlineData("decode_png")]
    [InlineData("decode_other")]
    public void DamagedFilesOfEveryFormatEndInAPictureOrInOneError(string folder)
    {
        var random = new Random(5);
        foreach (var path in Directory.GetFiles(System.IO.Path.Combine(GoldenFolder.Case("images"), folder)).Where(path => !path.EndsWith(".json", StringComparison.Ordinal) && !path.EndsWith(".safetensors", StringComparison.Ordinal)))
        {
            var whole = File.ReadAllBytes(path);
            for (var trial = 0; trial < 60; trial++)
            {
                var file = trial % 3 == 0 ? whole[..random.Next(whole.Length)] : [.. whole];
                for (var change = 0; change < trial % 7 && file.Length > 0; change++)
                    file[random.Next(trial % 2 == 0 ? Math.Min(file.Length, 64) : file.Length)] = (byte)random.Next(256);
                try
                {
                    using var picture = PictureDecoder.Decode(file, path, PictureReading.Natural);
                }
                catch (TandemException error)
                {
                    Assert.Equal(ErrorKind.Input, error.Kind);
                }
            }
        }
    }

    [Fact]
    public void NaturalReadingTurnsByExifAndPublishedReadingDoesNot()
    {
        var file = File.ReadAllBytes(System.IO.Path.Combine(GoldenFolder.Case("images"), "decode_jpeg", "exif6.jpg"));
        using var lying = PictureDecoder.Decode(file, "exif6.jpg", PictureReading.Published);
        using var upright = PictureDecoder.Decode(file, "exif6.jpg", PictureReading.Natural);
        Assert.Equal((lying.Height, lying.Width), (upright.Width, upright.Height));
        // Turned 90° clockwise: the first pixel becomes the last of the first row.
        Assert.True(lying.Pixels[..3].SequenceEqual(upright.Row(0)[^3..]));
    }

    [Fact]
    public void NaturalReadingPutsTransparentPicturesOnWhiteAndScales16Bits()
    {
        var folder = System.IO.Path.Combine(GoldenFolder.Case("images"), "decode_png");
        foreach (var name in new[] { "rgba.png", "la.png", "palette_trns.png" })
        {
            var own = PictureDecoder.Open(File.ReadAllBytes(System.IO.Path.Combine(folder, name)), name);
            using var natural = own.ToRgb(PictureReading.Natural);
            using var published = own.ToRgb(PictureReading.Published);
            for (var i = 0; i < natural.Pixels.Length; i++)
                Assert.True(natural.Pixels[i] >= published.Pixels[i]);
            Assert.False(natural.Pixels.SequenceEqual(published.Pixels));
        }
        using var deep = PictureDecoder.Decode(File.ReadAllBytes(System.IO.Path.Combine(folder, "grey16.png")), "grey16.png", PictureReading.Natural);
        using var clipped = PictureDecoder.Decode(File.ReadAllBytes(System.IO.Path.Combine(folder, "grey16.png")), "grey16.png", PictureReading.Published);
        Assert.True(deep.Pixels.ToArray().Average(x => x) < clipped.Pixels.ToArray().Average(x => x));
    }

    [Fact]
    public void ManyThreadsDecodeAlike()
    {
        var file = File.ReadAllBytes(PictureMaker.Jpeg);
        using var alone = PictureDecoder.Decode(file, "a", PictureReading.Published);
        var expected = alone.Pixels.ToArray();
        Parallel.For(0, 200, _ =>
        {
            using var picture = PictureDecoder.Decode(file, "a", PictureReading.Published);
            Assert.True(picture.Pixels.SequenceEqual(expected));
        });
    }

    internal static uint Crc(ReadOnlySpan<byte> data)
    {
        var crc = 0xFFFFFFFF;
        foreach (var letter in data)
        {
            crc ^= letter;
            for (var bit = 0; bit < 8; bit++)
                crc = (crc & 1) != 0 ? (crc >> 1) ^ 0xEDB88320 : crc >> 1;
        }
        return ~crc;
    }
}
