using System.IO.Compression;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Tandem.Runs;
using Xunit;

namespace Tandem.Tests.Runs;

public sealed class ReportTests : IDisposable
{
    readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void AReportHoldsEverythingAndAsksNothingOfTheNetwork()
    {
        SyntheticRun.Write(folder["first"]);
        var html = File.ReadAllText(Report.Write(RunFolder.Read(folder["first"])));
        foreach (var words in new[] { "<title>first · Tandem</title>", "finished", "healthy", "kNN accuracy", "Parts of the loss", "Effective rank", "Cosine between samples", "Learning rate", "Throughput", "Nearest neighbours", "optimizer.<wbr>learning_rate", "computed budget=20m", "6 values at their defaults", "core hours (8 threads)", "bf16" })
            Assert.Contains(words, html, StringComparison.Ordinal);
        Assert.DoesNotMatch(new Regex("(src|href)=\"(?!data:)"), html);
        Assert.DoesNotContain("http://", html, StringComparison.Ordinal);
        Assert.DoesNotContain("https://", html, StringComparison.Ordinal);
        Assert.DoesNotContain("NaN", Regex.Replace(html, "base64,[^\"]*", ""), StringComparison.Ordinal);
        Assert.InRange(html.Length, 50_000, 2_000_000);
    }

    [Fact]
    public void TheVerdictComesFirstWithWhatItRestsOn()
    {
        SmallRun.Write(folder["good"]);
        var html = Report.Html(RunFolder.Read(folder["good"]));
        Assert.Matches(new Regex("<h1>good</h1>\\s*<p class=\"pills\"><span class=\"pill good\">healthy</span><span class=\"pill good\">finished</span></p></header>\\s*<p class=\"note good\">Nothing speaks against this run. Looked at, 4 times"), html);
        SyntheticRun.Write(folder["bad"], RunState.Collapsed, "collapsed");
        html = Report.Html(RunFolder.Read(folder["bad"]));
        Assert.Matches(new Regex("<p class=\"pills\"><span class=\"pill bad\">collapsed</span></p></header>\\s*<p class=\"note bad\">The variance of the targets"), html);
    }

    [Fact]
    public void AnEvaluationThatFellIsSaidBesideTheVerdict()
    {
        using (var run = RunFolder.Open(SmallRun.Write(folder["run"], lines: 2)))
        using (var metrics = run.OpenMetrics(resumed: 20))
            metrics.Append(30, [new("eval/knn", 0.2)]);
        Assert.Contains("The gauges show no collapse, but eval/knn fell from 40.0 % to 20.0 %. Looked at, 2 times", Report.Html(RunFolder.Read(folder["run"])), StringComparison.Ordinal);
    }

    [Fact]
    public void ExpectedCurvesAreDrawnBehindTheRunsOwn()
    {
        Assert.DoesNotContain("class=\"reference\"", Report.Html(RunFolder.Read(SmallRun.Write(folder["plain"]))), StringComparison.Ordinal);
        var expect = JsonNode.Parse("""{"data": "a thousand <cats>", "machine": "a laptop", "curves": {"loss": [[0, 16], [40, 1.5], ["x", 1], [1], 7], "eval/knn": [[20, 0.35], [40, 0.45]], "eval/linear": [[20, 0.4]], "lr": "no list"}}""")!.AsObject();
        var html = Report.Html(RunFolder.Read(SmallRun.Write(folder["run"], expect: expect)));
        var figures = Regex.Matches(html, "<figure class=\"chart\">.*?</figure>", RegexOptions.Singleline).Select(figure => figure.Value).Where(figure => figure.Contains("class=\"reference\"", StringComparison.Ordinal)).ToList();
        Assert.Equal(["Loss", "kNN"], figures.Select(figure => Regex.Match(figure, "<b>(.*?)</b>").Groups[1].Value));
        foreach (var figure in figures)
        {
            Assert.True(figure.IndexOf("class=\"reference\"", StringComparison.Ordinal) < figure.IndexOf("class=\"s0\"", StringComparison.Ordinal), "the reference is drawn first");
            Assert.Matches(new Regex("<path class=\"reference\" d=\"M1 4H21\"/></svg>reference <b>"), figure);
            Assert.Contains("reference: the recipe on a thousand &lt;cats&gt;", figure);
        }
    }

    [Fact]
    public void AReferenceIsDrawnOnlyWhereItCanBeCompared()
    {
        static JsonObject Run(string key, string origin) => JsonNode.Parse("""
            {"name": "data2vec2/x", "facts": {"expect": {"curves": {"loss": [[1, 9], [50, 5], [200, 4]], "eval/knn": [[50, 0.4]]}}}, "recipe": {"SECTION": {"KEY": {"value": 1, "origin": "ORIGIN"}}}}
            """.Replace("SECTION", key.Split('.')[0]).Replace("KEY", key.Split('.')[1]).Replace("ORIGIN", origin))!.AsObject();
        IEnumerable<string> Drawn(string key, string origin) => RunContents.Expected(Run(key, origin), 100).Curves.Keys;
        // Beyond the run's own steps nothing is compared.
        Assert.Equal([(1, 9), (50, 5)], RunContents.Expected(Run("run.steps", "command line"), 100).Curves["loss"]);
        Assert.Equal(["loss", "eval/knn"], Drawn("optimizer.learning_rate", "command line"));
        Assert.Equal(["loss", "eval/knn"], Drawn("objective.copies", "recipe data2vec2/x:4"));
        Assert.Equal(["loss", "eval/knn"], Drawn("model.init", "command line"));
        foreach (var (key, origin) in new[] { ("objective.copies", "command line"), ("data.batch", "command line"), ("model.depth", "file other.json:3") })
            Assert.Equal(["eval/knn"], Drawn(key, origin));
    }

    [Fact]
    public void DiagramsAreWellFormed()
    {
        SyntheticRun.Write(folder["first"]);
        var drawings = Regex.Matches(Report.Html(RunFolder.Read(folder["first"])), "<svg.*?</svg>", RegexOptions.Singleline);
        Assert.True(drawings.Count > 10);
        foreach (Match drawing in drawings)
            XElement.Parse(drawing.Value);
    }

    [Fact]
    public void ARunThatHasOnlyBegunHasAReport()
    {
        using (var run = RunFolder.Create(folder["new"]))
            run.WriteRecipe("{\"format\": \"tandem run recipe 1\"}");
        Assert.Contains("interrupted", Report.Html(RunFolder.Read(folder["new"])), StringComparison.Ordinal);
    }

    [Fact]
    public void NumbersThatAreNotFiniteBreakTheLineOnly()
    {
        using var run = RunFolder.Create(folder["a"]);
        run.WriteRecipe("not json");
        using (var metrics = run.OpenMetrics())
        {
            for (var step = 1; step <= 5; step++)
                metrics.Append(step, [new("loss", step == 3 ? double.NaN : 100.0 / step), new("constant", 2), new("zero", 0), new("negative", -step)]);
        }
        var html = Report.Html(run);
        Assert.DoesNotContain("NaN", html, StringComparison.Ordinal);
        Assert.Contains("<figcaption><b>Negative</b>", html, StringComparison.Ordinal);
    }

    [Fact]
    public void NamesAreNoMarkup()
    {
        using var run = RunFolder.Create(folder["<b>&"]);
        run.WriteRecipe("{\"format\": \"tandem run recipe 1\"}");
        using (var metrics = run.OpenMetrics())
            metrics.Append(1, [new("<script>alert(1)</script>", 1)]);
        new NeighbourSamples(1, [new(new("\"><script>", Text: "<i>"), [new(new("x", Text: "</section>"), 1)])]).Write(run);
        var html = Report.Html(run);
        Assert.DoesNotContain("<script>alert", html, StringComparison.Ordinal);
        Assert.DoesNotContain("<i>", html, StringComparison.Ordinal);
        Assert.Single(Regex.Matches(html, "<script>"));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(4)]
    public void PicturesAreWrittenAsPng(int channels)
    {
        var pixels = Enumerable.Range(0, 5 * 7 * channels).Select(i => (byte)(i * 37)).ToArray();
        var png = Png.Encode(pixels, 5, 7, channels);
        Assert.Equal([0x89, 0x50, 0x4E, 0x47], png[..4]);
        var data = png.AsSpan().IndexOf("IDAT"u8);
        var length = System.Buffers.Binary.BinaryPrimitives.ReadInt32BigEndian(png.AsSpan(data - 4));
        using var zlib = new ZLibStream(new MemoryStream(png, data + 4, length), CompressionMode.Decompress);
        using var rows = new MemoryStream();
        zlib.CopyTo(rows);
        var filtered = rows.ToArray();
        var stride = 5 * channels;
        var back = new byte[pixels.Length];
        for (var y = 0; y < 7; y++)
        {
            Assert.Equal(2, filtered[y * (stride + 1)]);
            for (var x = 0; x < stride; x++)
                back[(y * stride) + x] = (byte)(filtered[(y * (stride + 1)) + 1 + x] + (y == 0 ? 0 : back[((y - 1) * stride) + x]));
        }
        Assert.Equal(pixels, back);
    }
}
