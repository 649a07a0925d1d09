using Tandem.Data.Images;
using Tandem.Data.Sources;
using Xunit;

namespace Tandem.Tests.Data;

public sealed class CacheTests : IDisposable
{
    readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    PictureSource Open(List<string>? warnings = null, CacheOptions? cache = null, string labels = "folder") =>
        PictureCache.Open(folder["set"], new SourceOptions { Labels = labels, Warn = warnings is null ? null : warnings.Add }, PictureReading.Natural, cache ?? new() { Folder = folder["cache"] });

    string[] Files => Directory.Exists(folder["cache"]) ? Directory.GetFiles(folder["cache"]) : [];

    void IsLikeTheSource(PictureSource cached)
    {
        using var source = PictureSource.Open(folder["set"], null, "folder");
        Assert.Equal(source.Count, cached.Count);
        Assert.Equal(source.ClassNames, cached.ClassNames);
        for (var i = 0; i < source.Count; i++)
        {
            using var a = source.Read(i, PictureReading.Natural);
            using var b = cached.Read(i, PictureReading.Natural);
            Assert.Equal((source.Name(i), source.Label(i), a.Width, a.Height), (cached.Name(i), cached.Label(i), b.Width, b.Height));
            Assert.True(a.Pixels.SequenceEqual(b.Pixels));
        }
    }

    [Fact]
    public void ASecondOpeningFindsTheCacheAndAChangedSetMakesANewOne()
    {
        PictureMaker.Tree(folder["set"], 2, 5);
        using (var first = Open())
            IsLikeTheSource(first);
        var written = File.GetLastWriteTimeUtc(Assert.Single(Files));
        using (var second = Open())
            IsLikeTheSource(second);
        Assert.Equal(written, File.GetLastWriteTimeUtc(Assert.Single(Files)));
        File.WriteAllBytes(folder["set", "a", "new.ppm"], PictureMaker.Ppm(77));
        using (var third = Open())
            IsLikeTheSource(third);
        Assert.Equal(2, Files.Length);
    }

    [Fact]
    public async Task TwoBuildsAtOnceLeaveOneWholeCache()
    {
        PictureMaker.Tree(folder["set"], 2, 40);
        var sources = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() => Open())));
        foreach (var source in sources)
        {
            IsLikeTheSource(source);
            source.Dispose();
        }
        Assert.Single(Files);
    }

    [Fact]
    public void ACacheFolderThatCannotBeWrittenCostsAWarningOnly()
    {
        PictureMaker.Tree(folder["set"], 2, 3);
        folder.Write("file", "where the folder should be");
        var warnings = new List<string>();
        using var source = Open(warnings, new CacheOptions { Folder = folder["file", "cache"] });
        IsLikeTheSource(source);
        Assert.Contains("stay in memory", Assert.Single(warnings), StringComparison.Ordinal);
        using var large = Open(warnings, new CacheOptions { Folder = folder["file", "cache"], MemoryLimit = 10 });
        IsLikeTheSource(large);
    }

    [Fact]
    public void ADamagedCacheIsBuiltAnew()
    {
        PictureMaker.Tree(folder["set"], 2, 3);
        Open().Dispose();
        var file = Assert.Single(Files);
        File.WriteAllBytes(file, File.ReadAllBytes(file)[..^7]);
        using var source = Open();
        IsLikeTheSource(source);
    }

    [Fact]
    public void ADamagedPictureIsLeftOutAndNamedAndTooManyAreAnError()
    {
        PictureMaker.Tree(folder["set"], 2, 60);
        File.WriteAllText(folder["set", "a", "7.ppm"], "no picture");
        var warnings = new List<string>();
        using (var source = Open(warnings))
            Assert.Equal(119, source.Count);
        Assert.Contains("7.ppm", Assert.Single(warnings), StringComparison.Ordinal);
        Open(warnings).Dispose();
        Assert.Equal(2, warnings.Count);
        File.WriteAllText(folder["set", "b", "8.ppm"], "no picture");
        File.WriteAllText(folder["set", "b", "9.ppm"], "no picture");
        var error = Assert.Throws<TandemException>(() => Open());
        Assert.Equal(ErrorKind.Input, error.Kind);
        Assert.Contains("3 of 120", error.Message, StringComparison.Ordinal);
        Assert.Contains("8.ppm", error.Message, StringComparison.Ordinal);
        Assert.Single(Files);
    }

    [Fact]
    public void ClassesThatAreRenamedAreReadAnew()
    {
        PictureMaker.Tree(folder["set"], 2, 2);
        PictureSource List(string cats, string dogs)
        {
            folder.Write("set/list.csv", $"path,label\na/0.ppm,{cats}\nb/0.ppm,{dogs}\n");
            return PictureCache.Open(folder["set", "list.csv"], new SourceOptions { Labels = "column" }, PictureReading.Natural, new() { Folder = folder["cache"] });
        }
        using (var first = List("cats", "dogs"))
            Assert.Equal(["cats", "dogs"], first.ClassNames!);
        using var second = List("cat", "dog");
        Assert.Equal(["cat", "dog"], second.ClassNames!);
    }

    [Fact]
    public void PlacesComeOutOfTheCacheAsTheyWere()
    {
        PictureMaker.Tree(folder["set"], 2, 3);
        using var source = PictureSource.Open(folder["set"], null, "folder");
        for (var time = 0; time < 2; time++)
        {
            using var cached = Open();
            Assert.True(cached.IsDecoded);
            Assert.Equal(Enumerable.Range(0, source.Count).Select(source.Where), Enumerable.Range(0, cached.Count).Select(cached.Where));
        }
    }

    [Fact]
    public void AFaultOfTheMachineIsToldAsWhatItIs()
    {
        var index = new CacheBuild(new Refusing(new TandemException(ErrorKind.Machine, "no permission", "1.ppm")), PictureReading.Natural, keepPixels: true, new(), CancellationToken.None);
        Assert.Equal("no permission", Assert.Throws<TandemException>(() => index.Run(_ => { }, () => 0)).Message);
    }

    sealed class Refusing(Exception cause) : PictureSource
    {
        public override int Count => 100;

        public override string Description => "refusing";

        public override string Name(int index) => $"{index}.ppm";

        public override byte[] ReadBytes(int index) => throw cause;
    }

    [Fact]
    public void AnInterruptedBuildLeavesNothingAndWhatAKilledOneLeftIsSwept()
    {
        PictureMaker.Tree(folder["set"], 2, 3);
        folder.Write("cache/left.pictures.123-abc.tmp", "half");
        using var living = new FileStream(folder.Write("cache/other.pictures.124-abc.tmp", "half"), FileMode.Open, FileAccess.Write, FileShare.None);
        Assert.Throws<OperationCanceledException>(() =>
            PictureCache.Open(folder["set"], new SourceOptions { Stop = new CancellationToken(canceled: true) }, PictureReading.Natural, new() { Folder = folder["cache"] }));
        Assert.Equal(["other.pictures.124-abc.tmp"], Files.Select(System.IO.Path.GetFileName));
    }

    [Fact]
    public void LargeSetsAreReadFromTheirPlaceAndLargeCompressedTarsKeepTheirMembers()
    {
        PictureMaker.Tree(folder["set"], 2, 3);
        var small = new CacheOptions { Folder = folder["cache"], Limit = 100 };
        using (var source = Open(cache: small))
            IsLikeTheSource(source);
        Assert.Empty(Files);
        PictureMaker.Tar(folder["set.tar.gz"], compressed: true, [.. Directory.GetFiles(folder["set"], "*", SearchOption.AllDirectories).Select(path => (System.IO.Path.GetRelativePath(folder["set"], path), File.ReadAllBytes(path)))]);
        for (var time = 0; time < 2; time++)
        {
            using var source = PictureCache.Open(folder["set.tar.gz"], new SourceOptions { Labels = "folder" }, PictureReading.Natural, small);
            IsLikeTheSource(source);
            Assert.False(source.IsDecoded);
            Assert.Single(Files);
        }
    }
}
