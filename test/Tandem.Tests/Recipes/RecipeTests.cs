using System.Text.Json.Nodes;
using Tandem.Layers;
using Tandem.Recipes;
using Xunit;

namespace Tandem.Tests.Recipes;

public sealed class RecipeTests : IDisposable
{
    const string Example = """
        // what the first run is made of
        {
          "method": "data2vec2",
          "source": "a file, a commit",
          "data": { "path": "pictures" },
          "optimizer": {
            "learning_rate": 1e-3, /* absolute */
            "betas": [0.9, 0.95],
          },
          "run": { "budget": "1h30m", "memory": "4GiB" },
        }
        """;

    readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    public enum Precision
    {
        Auto,
        Float32,
        Bf16,
    }

    public sealed record DataOptions([property: Meaning("where the samples lie")] string Path, string? Labels = null, int Limit = 10_000);

    public sealed record OptimizerOptions(
        [Meaning("step size after warm-up")][Range(0, 10)] double LearningRate,
        [Range(0, 1)] double[] Betas,
        [Meaning("steps until the full rate", Unit = "steps")][Range(0)] int WarmUp = 100,
        double? ClipNorm = null);

    public sealed record RunOptions
    {
        [Meaning("time to train")]
        public TimeSpan? Budget { get; init; }

        [Meaning("memory to use", Unit = "bytes")]
        public long Memory { get; init; } = 1 << 30;

        public Precision Precision { get; init; } = Precision.Auto;

        public long Seed { get; init; } = 1;

        public string Folder { get; init; } = "runs/1";

        public bool Quick { get; init; }

        public IReadOnlyList<string> Tags { get; init; } = [];
    }

    public sealed record DecoderOptions(int Width = 384, int Layers = 6);

    public sealed record ModelOptions(int Depth = 12, DecoderOptions? Decoder = null, string? Init = null)
    {
        public DecoderOptions Neck { get; init; } = new(Width: 7);

        public Dictionary<string, double> Weights { get; init; } = [];
    }

    static RecipeDocument With(params string[] arguments)
    {
        var document = RecipeDocument.Parse(Example, "example");
        foreach (var argument in arguments)
            document.Apply(argument);
        return document;
    }

    static RecipeDocument Bound(params string[] arguments)
    {
        var document = With(arguments);
        document.Text("method");
        document.Bind<DataOptions>("data");
        document.Bind<OptimizerOptions>("optimizer");
        document.Bind<RunOptions>("run");
        document.Bind<ModelOptions>("model");
        return document;
    }

    static TandemException Refused(Action action)
    {
        var error = Assert.Throws<TandemException>(action);
        Assert.Equal(ErrorKind.Usage, error.Kind);
        return error;
    }

    [Fact]
    public void SectionsBecomeRecords()
    {
        var document = With();
        var optimizer = document.Bind<OptimizerOptions>("optimizer");
        Assert.Equal(1e-3, optimizer.LearningRate);
        Assert.Equal([0.9, 0.95], optimizer.Betas);
        Assert.Equal(100, optimizer.WarmUp);
        Assert.Null(optimizer.ClipNorm);
        var run = document.Bind<RunOptions>("run");
        Assert.Equal(TimeSpan.FromMinutes(90), run.Budget);
        Assert.Equal(4L << 30, run.Memory);
        Assert.Equal(Precision.Auto, run.Precision);
        Assert.Equal("pictures", document.Bind<DataOptions>("data").Path);
    }

    [Fact]
    public void TheCommandLineWinsAndShortKeysAreUnderstood()
    {
        var document = With("data=other,place", "optimizer.learning_rate=2e-3", "optimizer.betas=0.8,0.9", "budget=20m", "run.precision=bf16", "run.tags=a,b", "run.quick=true", "optimizer.clip_norm=3", "seed=7", "run.memory=1.5GiB", "out=x");
        Assert.Equal("other,place", document.Bind<DataOptions>("data").Path);
        var optimizer = document.Bind<OptimizerOptions>("optimizer");
        Assert.Equal((2e-3, 3.0), (optimizer.LearningRate, optimizer.ClipNorm));
        Assert.Equal([0.8, 0.9], optimizer.Betas);
        var run = document.Bind<RunOptions>("run");
        Assert.Equal((TimeSpan.FromMinutes(20), Precision.Bf16, true, 7L, 3L << 29, "x"), (run.Budget, run.Precision, run.Quick, run.Seed, run.Memory, run.Folder));
        Assert.Equal(["a", "b"], run.Tags);
        Assert.Null(With("budget=none").Bind<RunOptions>("run").Budget);
    }

    [Fact]
    public void OfStepsAndABudgetTheOneThatIsSetLaterCounts()
    {
        static (TimeSpan? Budget, long Steps) Of(RecipeDocument document) => PretrainingRecipe.Read(document).Run is var run ? (run.Budget, run.Steps) : default;
        RecipeDocument Demo(params string[] arguments) => RecipeDocument.Load("data2vec2/demo-images", ["data=x", "out=y", .. arguments]);
        Assert.Equal(TimeSpan.FromMinutes(3), Of(Demo()).Budget);
        Assert.Equal((null, 100L), Of(Demo("steps=100")));
        Assert.Equal((null, 100L), Of(Demo("budget=5m", "steps=100")));
        Assert.Equal(TimeSpan.FromMinutes(5), Of(Demo("steps=100", "budget=5m")).Budget);
        Assert.Equal((null, 100L), Of(Demo("run={\"steps\": 100}")));
        folder.Write("shorter.json", "{\"run\": {\"steps\": 70}}");
        Assert.Equal((null, 70L), Of(Demo($"@{folder["shorter.json"]}")));
        folder.Write("mine.json", "{\"base\": \"data2vec2/demo-images\", \"run\": {\"steps\": 60}}");
        Assert.Equal((null, 60L), Of(RecipeDocument.Load(folder["mine.json"], "data=x", "out=y")));

        // A run's own recipe keeps its budget beside the steps that fitted into it, until someone sets others.
        var document = Demo();
        _ = Of(document);
        document.Set("run.steps", 1234, "measured");
        folder.Write("recipe.json", document.ToText());
        Assert.Equal((TimeSpan.FromMinutes(3), 1234L), Of(RecipeDocument.Load(folder["recipe.json"])));
        Assert.Equal((null, 50L), Of(RecipeDocument.Load(folder["recipe.json"], "steps=50")));
    }

    [Fact]
    public void AnUnknownKeyNamesTheNearestAndItsSection()
    {
        var error = Refused(() => Bound("optimizer.learning_rte=1").EnsureAllKnown());
        Assert.Equal("command line", error.Where);
        Assert.Contains("'optimizer.learning_rate', step size after warm-up, which stands in the recipe's section 'optimizer'", error.Paragraph, StringComparison.Ordinal);
        Assert.Contains("'run.precision'", Refused(() => Bound("precison=bf16").EnsureAllKnown()).Paragraph, StringComparison.Ordinal);
        Assert.Contains("'optimizer.learning_rate'", Refused(() => Bound("learning_rate=1").EnsureAllKnown()).Paragraph, StringComparison.Ordinal);
        Bound().EnsureAllKnown();
    }

    [Theory]
    [InlineData("optimizer.learning_rate=fast", "'optimizer.learning_rate' is \"fast\"", "a number from 0 to 10 (step size after warm-up)")]
    [InlineData("optimizer.learning_rate=-1", "is \"-1\"", "from 0 to 10")]
    [InlineData("optimizer.learning_rate=nan", "nan", "a number")]
    [InlineData("optimizer.betas=0.9,2", "0.9,2", "a list of numbers from 0 to 1")]
    [InlineData("optimizer.warm_up=1.5", "1.5", "a whole number from 0 on")]
    [InlineData("run.precision=half", "half", "one of auto, float32, bf16")]
    [InlineData("run.quick=1", "'run.quick'", "true or false")]
    [InlineData("budget=soon", "soon", "a time such as 20m")]
    [InlineData("run.memory=lots", "lots", "a size such as 4GiB")]
    [InlineData("data.limit=99999999999", "99999999999", "a whole number")]
    [InlineData("model.depth=null", "null", "a whole number")]
    [InlineData("model.decoder=3", "'model.decoder' is \"3\"", "a section")]
    public void AWrongValueNamesKeyValueOriginAndWhatWasExpected(string argument, string said, string expected)
    {
        var error = Refused(() => Bound(argument));
        Assert.Equal("command line", error.Where);
        Assert.Contains(said, error.Message, StringComparison.Ordinal);
        Assert.Contains(expected, error.Expected, StringComparison.Ordinal);
    }

    [Fact]
    public void AWrongValueInARecipeNamesItsLine()
    {
        var document = RecipeDocument.Parse("{\n \"run\": {\n  \"quick\": \"true\"\n }\n}", "mine.json");
        Assert.Equal("recipe mine.json:3", Refused(() => document.Bind<RunOptions>("run")).Where);
    }

    [Fact]
    public void AMissingValueSaysHowToGiveIt()
    {
        var error = Refused(() => RecipeDocument.Parse("{}").Bind<DataOptions>("data"));
        Assert.Contains("'data.path' is missing: where the samples lie", error.Message, StringComparison.Ordinal);
        Assert.Contains("`data=…`", error.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void SectionsNestAndMayBeNull()
    {
        var model = With().Bind<ModelOptions>("model");
        Assert.Equal((12, null, 7), (model.Depth, model.Decoder, model.Neck.Width));
        model = With("model.decoder.width=5", "model.neck.layers=2", "model.weights.a=0.5").Bind<ModelOptions>("model");
        Assert.Equal(new DecoderOptions(5), model.Decoder);
        Assert.Equal(0.5, model.Weights["a"]);
        Assert.Equal(2, model.Neck.Layers);
        Bound("model.decoder.width=5", "model.decoder=none", "model.weights.b=1").EnsureAllKnown();
        Assert.Contains("'model.decoder.width'", Refused(() => Bound("model.decoder.widht=5").EnsureAllKnown()).Paragraph, StringComparison.Ordinal);
    }

    [Fact]
    public void YamlSaysTheSame()
    {
        var document = RecipeDocument.Parse("method: data2vec2\ndata:\n  path: pictures\n  limit: 5\nrun:\n  budget: 20m # short\n  tags: [a, b]\n  precision: bf16\noptimizer:\n  learning_rate: 1e-3\n  betas: [0.9, 0.95]\n", "r.yaml");
        Assert.Equal(5, document.Bind<DataOptions>("data").Limit);
        Assert.Equal(TimeSpan.FromMinutes(20), document.Bind<RunOptions>("run").Budget);
        Assert.Equal(1e-3, document.Bind<OptimizerOptions>("optimizer").LearningRate);
        Assert.Equal("recipe r.yaml:6", document.OriginOf("run.budget").ToString());
    }

    [Fact]
    public void CommentsMayStandInsideLists()
    {
        var document = RecipeDocument.Parse("{ \"optimizer\": { \"betas\": [0.9, // first\n 0.95, /* second */ ], \"learning_rate\": 1 } }");
        Assert.Equal([0.9, 0.95], document.Bind<OptimizerOptions>("optimizer").Betas);
    }

    public sealed record Mask(double Ratio, double Keep = 0)
    {
        public double Visible { get; } = Ratio + Keep <= 1 ? 1 - Ratio : throw new ArgumentException("ratio and keep exceed 1", nameof(Ratio));
    }

    [Fact]
    public void ARecordMayRefuseSettingsThatContradictEachOther() =>
        Assert.Contains("ratio and keep exceed 1", Refused(() => RecipeDocument.Parse("{ \"mask\": { \"ratio\": 0.8, \"keep\": 0.5 } }").Bind<Mask>("mask")).Message, StringComparison.Ordinal);

    [Fact]
    public void ASectionMayBeGivenAsJson()
    {
        var document = With("model={\"depth\":3,\"decoder\":{\"width\":4}}", "run.tags=[\"x,y\"]");
        Assert.Equal(new DecoderOptions(4), document.Bind<ModelOptions>("model").Decoder);
        Assert.Equal(["x,y"], document.Bind<RunOptions>("run").Tags);
    }

    [Fact]
    public void FilesAreMergedAndBasedOnEachOther()
    {
        folder.Write("base.json", """{ "expect": { "knn": 0.5 }, "run": { "seed": 3, "tags": ["x"] }, "data": { "path": "p" } }""");
        folder.Write("mine.json", """{ "base": "base.json", "run": { "seed": 4 } }""");
        folder.Write("more.json", """{ "run": { "folder": "f" } }""");
        var document = RecipeDocument.Load(folder["mine.json"], "@" + folder["more.json"], "run.quick=true");
        var run = document.Bind<RunOptions>("run");
        Assert.Equal((4L, "f", true), (run.Seed, run.Folder, run.Quick));
        Assert.Equal(["x"], run.Tags);
        // What was measured with the base says nothing of this one.
        Assert.False(document.Has("expect.knn"));
        Assert.Equal($"file {folder["base.json"]}:1", document.OriginOf("run.tags").ToString());
        folder.Write("circle.json", """{ "base": "circle.json" }""");
        Assert.Contains("circle", Refused(() => RecipeDocument.Load(folder["circle.json"])).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{ \"a\": }", "example:1")]
    [InlineData("{ \"a\": 1,\n \"a\": 2 }", "example:2")]
    [InlineData("a: [1", "example:")]
    [InlineData("- 1", "example")]
    public void AMalformedRecipeNamesItsLine(string text, string where) => Assert.StartsWith(where, Refused(() => RecipeDocument.Parse(text, "example")).Where, StringComparison.Ordinal);

    [Fact]
    public void ArgumentsThatSetNothingAreRefused()
    {
        Refused(() => With("fast"));
        Refused(() => With("=1"));
        Refused(() => With("a..b=1"));
        Refused(() => With("@none.json"));
        Assert.Contains("optimizer.learning_rate", Refused(() => With("optimizer=adam")).Expected, StringComparison.Ordinal);
        Refused(() => With("data.path.x=1"));
    }

    [Fact]
    public void AnUnknownRecipeNamesTheNearest() => Assert.Contains("tandem recipes ls", Refused(() => RecipeDocument.Load("data2vec2/imges")).Paragraph, StringComparison.Ordinal);

    [Fact]
    public void ExplainTellsEveryKey()
    {
        var rows = Bound("budget=20m").Explain();
        var rate = rows.Single(row => row.Key == "optimizer.learning_rate");
        Assert.Equal(("step size after warm-up", "a number from 0 to 10", "recipe example:7"), (rate.Meaning, rate.Expected, rate.Origin.ToString()));
        Assert.Equal(("20m", "command line"), ((string?)rows.Single(row => row.Key == "run.budget").Value, rows.Single(row => row.Key == "run.budget").Origin.ToString()));
        Assert.Equal(("steps", "default"), (rows.Single(row => row.Key == "optimizer.warm_up").Unit, rows.Single(row => row.Key == "optimizer.warm_up").Origin.ToString()));
        Assert.Contains(rows, row => row.Key == "model.neck.width" && (int)row.Value! == 7);
    }

    [Fact]
    public void ARunsRecipeIsReadBackWithItsOrigins()
    {
        var document = Bound("budget=20m", "optimizer.betas=0.8,0.9", "model.decoder.width=5", "model.weights.a=1", "run.precision=bf16", "data=null");
        document.Set("run.seed", 99, "budget=20m");
        var path = folder.Write("recipe.json", document.ToText());

        var again = RecipeDocument.Load(path);
        Assert.Equal("data2vec2", again.Text("method"));
        Assert.Equal("null", again.Bind<DataOptions>("data").Path);
        Assert.Equal([0.8, 0.9], again.Bind<OptimizerOptions>("optimizer").Betas);
        var run = again.Bind<RunOptions>("run");
        Assert.Equal((TimeSpan.FromMinutes(20), 99L, Precision.Bf16, 4L << 30), (run.Budget, run.Seed, run.Precision, run.Memory));
        Assert.Equal(5, again.Bind<ModelOptions>("model").Decoder!.Width);
        again.EnsureAllKnown();
        Assert.Equal("command line", again.OriginOf("run.budget").ToString());
        Assert.Equal("computed budget=20m", again.OriginOf("run.seed").ToString());
        Assert.Equal("recipe example:7", again.OriginOf("optimizer.learning_rate").ToString());
        Assert.Equal("default", again.OriginOf("optimizer.warm_up").ToString());
        var reread = JsonNode.Parse(again.ToText())!["recipe"]!;
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(document.ToText())!["recipe"]!, reread), reread.ToJsonString());
    }

    [Fact]
    public void TheSchemaKnowsTypesRangesAndDefaults()
    {
        var properties = Bound().Schema()["properties"]!;
        var rate = properties["optimizer"]!["properties"]!["learning_rate"]!;
        Assert.Equal(("number", 0, 10), ((string)rate["type"]!, (double)rate["minimum"]!, (double)rate["maximum"]!));
        Assert.Equal(3, properties["run"]!["properties"]!["precision"]!["enum"]!.AsArray().Count);
        Assert.Equal(100, (int)properties["optimizer"]!["properties"]!["warm_up"]!["default"]!);
        Assert.Equal("integer", (string)properties["model"]!["properties"]!["neck"]!["properties"]!["width"]!["type"]!);
        Assert.False((bool)properties["data"]!["additionalProperties"]!);
    }

    [Theory]
    [InlineData("20m", 1200.0)]
    [InlineData("1h30m", 5400.0)]
    [InlineData("90", 90.0)]
    [InlineData("1.5h", 5400.0)]
    [InlineData("2d", 172800.0)]
    [InlineData("250ms", 0.25)]
    [InlineData("m", null)]
    [InlineData("3 weeks", null)]
    [InlineData("-1s", null)]
    [InlineData("", null)]
    public void TimesAreReadAsPeopleWriteThem(string text, double? seconds)
    {
        Assert.Equal(seconds is not null, Quantities.TryTime(text, out var time));
        if (seconds is not { } expected)
            return;
        Assert.Equal(expected, time.TotalSeconds);
        Assert.True(Quantities.TryTime(Quantities.Time(time), out var again));
        Assert.Equal(time, again);
    }

    [Theory]
    [InlineData("4GiB", 4L << 30, "4GiB")]
    [InlineData("10000", 10000L, "10000B")]
    [InlineData("1.5 GB", 1_500_000_000L, "1500000000B")]
    [InlineData("512KiB", 512L << 10, "512KiB")]
    [InlineData("GiB", null, null)]
    [InlineData("-4GiB", null, null)]
    public void SizesAreReadAsPeopleWriteThem(string text, long? bytes, string? written)
    {
        Assert.Equal(bytes is not null, Quantities.TryBytes(text, out var read));
        if (bytes is null)
            return;
        Assert.Equal(bytes, read);
        Assert.Equal(written, Quantities.Bytes(read));
    }
}
