using Tandem.Data.Images;
using Tandem.Data.Masks;
using Tandem.Data;
using Tandem.Data.Sources;
using Tandem.Torch;
using Xunit;

namespace Tandem.Tests.Data;

public sealed class LoaderTests : IDisposable
{
    readonly TemporaryFolder folder = new();
    readonly PictureTransform transform = TrainingTransform.MaePretrain(8);

    public void Dispose() => folder.Dispose();

    static LoaderOptions Options(int workers = 1) => new()
    {
        Seed = 3,
        Workers = workers,
        SecondView = TrainingTransform.BeitPretrain(8),
        Masks = new MaskPlan(new MaskSampler(new MaskOptions { Probability = 0.75, Length = 1 }, 2, 3), (4, 4)),
    };

    PictureSource Set(int classes = 2, int each = 5)
    {
        PictureMaker.Tree(folder["set"], classes, each);
        return PictureSource.Open(folder["set"], null, "folder");
    }

    static List<ImageBatch> Take(Loader<ImageBatch> loader, int count)
    {
        using (loader)
            return [.. Enumerable.Range(0, count).Select(_ => loader.Next(TestContext.Current.CancellationToken)!)];
    }

    static void Same(ImageBatch a, ImageBatch b)
    {
        Assert.Equal((a.Step, a.Slot), (b.Step, b.Slot));
        Assert.Equal(a.Ids, b.Ids);
        Assert.Equal(a.Labels, b.Labels);
        Assert.Equal(a.Pixels.Bytes, b.Pixels.Bytes);
        Assert.Equal(a.SecondView!.Bytes, b.SecondView!.Bytes);
        Assert.Equal(a.Masks!.Bytes, b.Masks!.Bytes);
    }

    [Fact]
    public void BatchesDoNotDependOnTheNumberOfWorkers()
    {
        using var source = Set();
        var one = Take(Loader.Training(source, transform, 4, Options(1)), 12);
        var four = Take(Loader.Training(source, transform, 4, Options(4)), 12);
        Assert.All(one.Zip(four), pair => Same(pair.First, pair.Second));
        Assert.Equal([4, 3, 8, 8], one[0].Pixels.Shape);
        Assert.Equal([8, 16], one[0].Masks!.Shape);
    }

    [Fact]
    public void TheTeacherSeesTheStudentsCropInItsOwnColours()
    {
        using var source = Set();
        var coloured = new ImageDataOptions { Jitter = new(0.4, 0.4, 0.4, 0.1), Grey = 0.2 };
        var both = Take(Loader.Training(source, coloured.Transform(8), 4, Options() with { SecondView = coloured.TeacherTransform(8), SecondViewSharesCrop = true }), 3);
        var plain = Take(Loader.Training(source, new ImageDataOptions().Transform(8), 4, Options()), 3);
        Assert.All(both.Zip(plain), pair =>
        {
            Assert.Equal(pair.Second.Pixels.Bytes, pair.First.SecondView!.Bytes);
            Assert.NotEqual(pair.Second.Pixels.Bytes, pair.First.Pixels.Bytes);
        });
    }

    [Fact]
    public void ARunResumedAtAStepGoesOnExactly()
    {
        using var source = Set();
        var whole = Take(Loader.Training(source, transform, 4, Options()), 9);
        var rest = Take(Loader.Training(source, transform, 4, Options(2), firstStep: 5), 4);
        Assert.All(whole.Skip(5).Zip(rest), pair => Same(pair.First, pair.Second));
    }

    [Fact]
    public void EveryEpochHoldsEachSampleOnceInANewOrderAcrossBatchBorders()
    {
        var order = new Order(1, 10);
        var row = Enumerable.Range(0, 30).Select(i => order.At(i)).ToArray();
        for (var epoch = 0; epoch < 3; epoch++)
            Assert.Equal(Enumerable.Range(0, 10), row.Skip(10 * epoch).Take(10).Order());
        Assert.NotEqual(row[..10], row[10..20]);
        var plan = new TrainingPlan(order, 4);
        Assert.Equal(row[8..12], Enumerable.Range(0, 4).Select(slot => plan.Sample(2, slot)));
        Assert.Equal(row, Enumerable.Range(0, 30).Select(i => new Order(1, 10).At(i)));
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 1)]
    [InlineData(2, 3)]
    public void RanksAndMicroBatchesShareAStepWithoutOverlap(int ranks, int micro)
    {
        var order = new Order(1, 100);
        var slots = new List<int>();
        for (var rank = 0; rank < ranks; rank++)
        {
            var plan = new TrainingPlan(order, 20, rank, ranks, micro);
            for (var batch = 3 * micro; batch < 4 * micro; batch++)
            {
                var place = plan.Place(batch);
                Assert.Equal(3, place.Step);
                slots.AddRange(Enumerable.Range(place.Slot, place.Count));
            }
        }
        Assert.Equal(Enumerable.Range(0, 20), slots);
        Assert.Equal(ErrorKind.Usage, Assert.Throws<TandemException>(() => new TrainingPlan(order, 20, 0, 3)).Kind);
    }

    [Fact]
    public void AnEvaluationSeesEverySampleOnceInOrder()
    {
        using var source = Set();
        using var loader = Loader.Evaluation(source, EvaluationTransform.MaeEval(8), 4, new LoaderOptions { Workers = 2 });
        var batches = new List<ImageBatch>();
        while (loader.Next(TestContext.Current.CancellationToken) is { } batch)
            batches.Add(batch);
        Assert.Equal([4, 4, 2], batches.Select(batch => batch.Count));
        Assert.Equal(Enumerable.Range(0, 10).Select(i => (long)i), batches.SelectMany(batch => batch.Ids));
        Assert.Equal([0, 0, 0, 0, 0, 1, 1, 1, 1, 1], batches.SelectMany(batch => batch.Labels!));
    }

    [Fact]
    public void ADamagedPictureSurfacesWithItsNameOrIsReplacedWhereAllowed()
    {
        using var source = Set();
        File.WriteAllText(folder["set", "a", "3.ppm"], "no picture");
        using (var loader = Loader.Training(source, transform, 10, Options(2)))
            Assert.EndsWith("3.ppm", Assert.Throws<TandemException>(() => loader.Next(TestContext.Current.CancellationToken)).Where, StringComparison.Ordinal);
        var tolerant = Options() with { BadLimit = 0.2 };
        using var one = Loader.Training(source, transform, 10, tolerant);
        using var three = Loader.Training(source, transform, 10, tolerant with { Workers = 3 });
        for (var i = 0; i < 4; i++)
        {
            var batch = one.Next(TestContext.Current.CancellationToken)!;
            Same(batch, three.Next(TestContext.Current.CancellationToken)!);
            Assert.DoesNotContain(3L, batch.Ids);
        }
        Assert.Equal(1, one.Replaced);
    }

    [Fact]
    public void DisposingEndsTheThreadsAndCancellingEndsTheWaiting()
    {
        using var source = Set();
        var loader = Loader.Training(source, transform, 4, Options(3));
        _ = loader.Next(TestContext.Current.CancellationToken);
        loader.Dispose();
        Assert.True(loader.Producing > TimeSpan.Zero);
        using var slow = Loader.Pictures(new Endless(), new SequentialPlan(4, 4), transform);
        using var cancellation = new CancellationTokenSource(50);
        Assert.Throws<OperationCanceledException>(() => slow.Next(cancellation.Token));
        Endless.Gate.Set();
    }

    sealed class Endless : PictureSource
    {
        public static ManualResetEventSlim Gate { get; } = new();

        public override int Count => 4;

        public override string Description => "a source that waits";

        public override string Name(int index) => "x";

        public override byte[] ReadBytes(int index)
        {
            Gate.Wait();
            return PictureMaker.Ppm(1);
        }
    }

    [Fact]
    public void ASourceWithoutOneSoundPictureIsAnErrorNotAnEndlessSearch()
    {
        folder.Write("set/a/only.png", "no picture at all");
        using var source = PictureSource.Open(folder["set"], "folder", null);
        using var loader = Loader.Training(source, transform, 2, new LoaderOptions { BadLimit = 1 });
        var error = Assert.Throws<TandemException>(() => loader.Next(TestContext.Current.CancellationToken));
        Assert.Equal(ErrorKind.Input, error.Kind);
    }
}
