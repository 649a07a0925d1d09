using System.Net;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Tandem.Data.Images;
using Tandem.Runs;
using Tandem.Torch;
using Xunit;

namespace Tandem.Tests.Runs;

public sealed class ReportMapTests : IDisposable
{
    readonly TemporaryFolder folder = new();
    int runs;

    public void Dispose() => folder.Dispose();

    string Page(LookedSamples looked, params MapSamples[] maps)
    {
        using var run = RunFolder.Open(SmallRun.Write(folder[$"run {runs++}"]));
        looked.Write(run);
        foreach (var map in maps)
            map.Write(run);
        return Report.Html(run);
    }

    static MapSamples Map(int count, long step = 40, IReadOnlyList<NearPair>? pairs = null, IReadOnlyList<LoneSample>? lone = null, double? factor = 10)
    {
        var draw = Randomness.Of(step, "places");
        return new(step, [.. Enumerable.Range(0, 2 * count).Select(_ => draw.NextFloat())], 10, 0.87, factor, 60, pairs?.Count ?? 0, pairs ?? [], lone ?? []);
    }

    static LookedSamples Pictures(int count, int side = 8) => new([.. Enumerable.Range(0, count).Select(i => new SamplePreview($"{i % 13}/{i}.png", $"class {i % 13}"))], ThumbnailSheet.Of([.. Enumerable.Range(0, count).Select(i => Noise(side, i))]));

    static Thumbnail Noise(int side, int seed)
    {
        var draw = Randomness.Of(seed, "noise");
        return new(side, side, [.. Enumerable.Range(0, side * side * 3).Select(_ => (byte)draw.Next(256))]);
    }

    [Fact]
    public void PicturesStandOnTheMapWithALegend()
    {
        var html = Page(Pictures(200), Map(200, 0), Map(200, pairs: [new(3, 9, 0.99991, 1.5), new(4, 5, 0.999, 58)], lone: [new(7, 0.41)]));
        Assert.Contains("<h2>Map of embeddings</h2>", html, StringComparison.Ordinal);
        Assert.Contains("<figcaption>step 40</figcaption>", html, StringComparison.Ordinal);
        Assert.Contains("<figcaption>untrained</figcaption>", html, StringComparison.Ordinal);
        var drawings = Regex.Matches(html, "<svg viewBox=\"0 0 1000.*?</svg>", RegexOptions.Singleline).Select(drawing => XElement.Parse(drawing.Value)).ToList();
        Assert.Equal([200, 200], drawings.Select(drawing => drawing.Elements("circle").Count()));
        Assert.Equal("class 0 (0/0.png)", drawings[0].Element("circle")!.Element("title")!.Value);
        // Ten classes have a colour, the rest shares one.
        Assert.Equal(11, Regex.Matches(html, "<li data-class=").Count);
        Assert.Contains("</svg>other <b>45</b>", html, StringComparison.Ordinal);
        var thumbnails = Regex.Matches(html, "<i class=\"tile (always|wide) k\\d+\"");
        Assert.InRange(thumbnails.Count, 40, 199);
        // All thumbnails come from one picture.
        Assert.Single(Regex.Matches(html, "data:image"));

        Assert.Contains("2 pairs among the 200 samples", html, StringComparison.Ordinal);
        Assert.Contains("at least 10 times nearer", html, StringComparison.Ordinal);
        Assert.Contains("<b>cosine 0.999910</b><small>thumbnails differ by 1.5 of 255</small>", html, StringComparison.Ordinal);
        Assert.Contains("<h2>Samples that stand alone</h2>", html, StringComparison.Ordinal);
        Assert.Contains("<b>cosine 0.410</b>", html, StringComparison.Ordinal);
    }

    [Fact]
    public void ThumbnailsKeepTheirDistance()
    {
        var html = Page(Pictures(300), Map(300));
        var places = Regex.Matches(html, "<i class=\"tile (?:always|wide) k\\d+\" style=\"left:([\\d.]+)%;top:([\\d.]+)%").Select(place => (X: double.Parse(place.Groups[1].Value), Y: double.Parse(place.Groups[2].Value))).ToList();
        Assert.All(places.SelectMany((a, i) => places.Skip(i + 1).Select(b => Math.Max(Math.Abs(a.X - b.X), Math.Abs(a.Y - b.Y)))), apart => Assert.True(apart > 4.5, $"{apart}"));
    }

    [Fact]
    public void TextsAreReadNotSeenAndAreNoMarkup()
    {
        var html = Page(new([.. Enumerable.Range(0, 30).Select(i => new SamplePreview($"line {i}", i % 2 == 0 ? "<b>&\"" : null, Text: $"</title><script>alert({i})</script>"))]), Map(30, pairs: [new(0, 1, 0.9999)], lone: [new(2, -0.1)]));
        Assert.DoesNotContain("<script>alert", html, StringComparison.Ordinal);
        Assert.DoesNotContain("<b>&", html, StringComparison.Ordinal);
        Assert.Contains(WebUtility.HtmlEncode("</title><script>alert(0)"), html, StringComparison.Ordinal);
        Assert.DoesNotContain("class=\"tile", html, StringComparison.Ordinal);
        Assert.Contains("other, or without label <b>15</b>", html, StringComparison.Ordinal);
        Assert.Contains("cosine −0.100", html, StringComparison.Ordinal);
    }

    [Fact]
    public void WhereTheEncoderHoldsAllAlikeThePageSaysSo()
    {
        var html = Page(Pictures(50), Map(50, factor: null));
        Assert.Contains("Neither can be told: the encoder holds all samples alike", html, StringComparison.Ordinal);
        Assert.DoesNotContain("pairs among", html, StringComparison.Ordinal);
        Assert.Contains("None among the 50 samples", Page(Pictures(50), Map(50)), StringComparison.Ordinal);
    }

    [Fact]
    public void OldAndDamagedRunsGoWithoutIt()
    {
        Assert.DoesNotContain("Map of embeddings", Report.Html(RunFolder.Read(SmallRun.Write(folder["old"]))), StringComparison.Ordinal);
        // A map of other samples than those that were kept, one with a number beyond them, one that is no JSON.
        using var run = RunFolder.Open(SmallRun.Write(folder["run"]));
        Pictures(20).Write(run);
        Map(19, 1).Write(run);
        Map(20, 2, lone: [new(20, 0.5)]).Write(run);
        File.WriteAllText(folder["run", "samples", "map-step-00000003.json"], "{");
        Assert.DoesNotContain("Map of embeddings", Report.Html(run), StringComparison.Ordinal);
        Map(20, 4).Write(run);
        Assert.Contains("Map of embeddings", Report.Html(run), StringComparison.Ordinal);
        File.WriteAllText(folder["run", "samples", "looked.json"], "[]");
        Assert.DoesNotContain("Map of embeddings", Report.Html(run), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(48, 32)]
    [InlineData(37, 21)]
    [InlineData(1, 1)]
    public void PicturesAreWrittenAsJpeg(int width, int height)
    {
        // Soft colours, as photographs have them; noise is what JPEG cannot hold.
        var pixels = new byte[width * height * 3];
        for (var i = 0; i < pixels.Length; i++)
        {
            var (x, y, channel) = (i / 3 % width, i / 3 / width, i % 3);
            pixels[i] = (byte)(128 + (100 * Math.Sin((x / 7.0) + channel) * Math.Cos((y / 9.0) - channel)));
        }
        var jpeg = JpegEncoder.Encode(pixels, width, height, 90);
        using var back = PictureDecoder.Decode(jpeg, "a.jpg", PictureReading.Published);
        Assert.Equal((width, height, 3), (back.Width, back.Height, back.Channels));
        var read = back.Pixels.ToArray();
        Assert.True(pixels.Zip(read, (a, b) => Math.Abs(a - b)).Average() < 3);
        Assert.Throws<ArgumentException>(() => JpegEncoder.Encode(pixels, width + 1, height));
    }

    [Fact]
    public void ASheetHoldsThumbnailsInTheirOrder()
    {
        var sheet = ThumbnailSheet.Of([.. Enumerable.Range(0, 7).Select(i => new Thumbnail(16, 16, [.. Enumerable.Repeat((byte)(30 * (i + 1)), 16 * 48)]))])!;
        using var picture = PictureDecoder.Decode(sheet.Jpeg, "a.jpg", PictureReading.Published);
        Assert.Equal((16 * sheet.Columns, 16 * sheet.Rows), (picture.Width, picture.Height));
        for (var i = 0; i < 7; i++)
            Assert.InRange(picture.Row((16 * (i / sheet.Columns)) + 8)[3 * ((16 * (i % sheet.Columns)) + 4)], (30 * (i + 1)) - 4, (30 * (i + 1)) + 4);
        Assert.Null(ThumbnailSheet.Of([]));
    }

    [Fact]
    public void ThumbnailsAreComparedPixelByPixel()
    {
        var grey = new Thumbnail(2, 1, [10, 10, 10, 10, 10, 10]);
        Assert.Equal(0, Thumbnail.Apart(grey, grey));
        Assert.Equal(5, Thumbnail.Apart(grey, new(2, 1, [10, 15, 20, 0, 10, 15])));
    }
}
