using System.IO.Compression;
using Tandem.Data.Images;
using Tandem.Data.Sources;
using Xunit;

namespace Tandem.Tests.Data;

public sealed class SourceTests : IDisposable
{
    readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    static TandemException Fails(string path, SourceOptions? options = null) => Assert.Throws<TandemException>(() => PictureSource.Open(path, options));

    [Fact]
    public void AFolderTreeHasLabelsFromClassFoldersOnlyWhenAsked()
    {
        PictureMaker.Tree(folder.Path, 2, 3);
        using var plain = PictureSource.Open(folder.Path);
        Assert.Equal(6, plain.Count);
        Assert.Null(plain.Label(0));
        using var labelled = PictureSource.Open(folder.Path, null, "folder");
        Assert.Equal(["a", "b"], labelled.ClassNames!);
        Assert.Equal([0, 0, 0, 1, 1, 1], Enumerable.Range(0, 6).Select(i => labelled.Label(i)!.Value));
    }

    [Fact]
    public void AListMayBeginAsAFileOfPicturesDoes()
    {
        foreach (var name in new[] { "BMW/1.ppm", "GIF8/1.ppm" })
        {
            Directory.CreateDirectory(System.IO.Path.GetDirectoryName(folder[name])!);
            File.WriteAllBytes(folder[name], PictureMaker.Ppm(1));
        }
        foreach (var first in new[] { "BMW/1.ppm", "GIF8/1.ppm" })
        {
            using var source = PictureSource.Open(folder.Write("list.txt", $"{first}\nBMW/1.ppm\n"));
            Assert.Equal(2, source.Count);
        }
    }

    [Fact]
    public void FilesAreOrderedByClassThenFolderThenName()
    {
        foreach (var name in new[] { "a/sub/1.ppm", "a-b/1.ppm", "a/2.ppm", "a/10.ppm", "Z/1.ppm" })
        {
            Directory.CreateDirectory(System.IO.Path.GetDirectoryName(folder[name])!);
            File.WriteAllBytes(folder[name], PictureMaker.Ppm(1));
        }
        using var source = PictureSource.Open(folder.Path, null, "folder");
        Assert.Equal(["Z/1.ppm", "a/10.ppm", "a/2.ppm", "a/sub/1.ppm", "a-b/1.ppm"], Enumerable.Range(0, 5).Select(source.Name));
        Assert.Equal(["Z", "a", "a-b"], source.ClassNames!);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void ATarOfClassFoldersReadsLikeTheFolderItself(bool compressed)
    {
        PictureMaker.Tree(folder["set"], 3, 4);
        var members = Directory.GetFiles(folder["set"], "*", SearchOption.AllDirectories).OrderDescending(StringComparer.Ordinal)
            .Select(path => ("deep/train/" + System.IO.Path.GetRelativePath(folder["set"], path), File.ReadAllBytes(path))).ToArray();
        PictureMaker.Tar(folder["set.tar"], compressed, members);
        using var tree = PictureSource.Open(folder["set"], null, "folder");
        using var tar = PictureSource.Open(folder["set.tar"], null, "folder");
        Assert.Equal(tree.ClassNames, tar.ClassNames);
        Assert.Equal(tree.Count, tar.Count);
        for (var i = 0; i < tree.Count; i++)
        {
            Assert.Equal("deep/train/" + tree.Name(i), tar.Name(i));
            Assert.Equal(tree.Label(i), tar.Label(i));
            Assert.Equal(tree.ReadBytes(i), tar.ReadBytes(i));
        }
    }

    (string, byte[])[] Shard(int first) => [.. Enumerable.Range(first, 3).SelectMany(i => new (string, byte[])[]
    {
        ($"k{i}.ppm.png", []), ($"s{i}.png", File.ReadAllBytes(PictureMaker.Png)), ($"s{i}.txt", PictureMaker.Text($"caption {i}")),
        ($"s{i}.json", PictureMaker.Text($$"""{"group": "g{{i % 2}}", "deep": {"x": {{i}} } }""")), ($"s{i}.cls", PictureMaker.Text($"{i}\n")),
    })];

    [Fact]
    public void ShardsGivePicturesTextsAndLabelsOfJsonOrCls()
    {
        PictureMaker.Tar(folder["set-000.tar"], compressed: false, Shard(0));
        PictureMaker.Tar(folder["set-001.tar"], compressed: true, Shard(3));
        var warnings = new List<string>();
        var range = folder["set-{000..001}.tar"];
        using var groups = PictureSource.Open(range, new SourceOptions { Labels = "json:group", Warn = warnings.Add });
        Assert.Equal(["s0", "s1", "s2", "s3", "s4", "s5"], Enumerable.Range(0, groups.Count).Select(groups.Name));
        Assert.Equal(["g0", "g1"], groups.ClassNames!);
        Assert.Equal([0, 1, 0, 1, 0, 1], Enumerable.Range(0, 6).Select(i => groups.Label(i)!.Value));
        Assert.Equal(PictureMaker.Text("caption 4"), groups.ReadBeside(4, "txt"));
        Assert.Null(groups.ReadBeside(4, "wav"));
        Assert.Single(warnings);
        using var numbers = PictureSource.Open(range, null, "json:deep.x");
        Assert.Equal(5, numbers.Label(5));
        using var cls = PictureSource.Open(folder["set-*.tar"], null, "cls");
        Assert.Equal(3, cls.Label(3));
        Assert.Contains("group, deep", Fails(range, new SourceOptions { Labels = "json:nope" }).Paragraph, StringComparison.Ordinal);
    }

    static byte[] Cifar(params byte[] labels) => [.. labels.SelectMany(label => Enumerable.Repeat(label, 1).Concat(Enumerable.Range(0, 3072).Select(i => (byte)((i / 1024 * 50) + (i % 1024 % 32) + label))))];

    [Fact]
    public void CifarRecordsArePlanarAndTrainAndTestAreToldApart()
    {
        var members = new (string, byte[])[]
        {
            ("cifar-10-batches-bin/batches.meta.txt", PictureMaker.Text("cat\ndog\nfrog\n\n")),
            ("cifar-10-batches-bin/test_batch.bin", Cifar(2)),
            ("cifar-10-batches-bin/data_batch_1.bin", Cifar(0, 1)),
        };
        PictureMaker.Tar(folder["cifar.tar.gz"], compressed: true, members);
        using var train = PictureSource.Open(folder["cifar.tar.gz"]);
        using var test = PictureSource.Open(folder["cifar.tar.gz"], new SourceOptions { Split = "test" });
        Assert.Equal((2, 1), (train.Count, test.Count));
        Assert.Equal(["cat", "dog", "frog"], train.ClassNames!);
        Assert.Equal((1, 2), (train.Label(1), test.Label(0)));
        using var picture = train.Read(1, PictureReading.Published);
        Assert.Equal(new byte[] { 1 + 5, 50 + 1 + 5, 100 + 1 + 5 }, picture.Row(7).Slice(15, 3).ToArray());
        File.WriteAllBytes(folder["broken.bin"], Cifar(1)[..100]);
        Assert.Contains("multiple", Fails(folder["broken.bin"], new SourceOptions { Format = "cifar10" }).Paragraph, StringComparison.Ordinal);
    }

    [Fact]
    public void IdxFilesAreBigEndianAndMayBeGzipped()
    {
        byte[] pictures = [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
        using (var gz = new GZipStream(File.Create(folder["t10k-images-idx3-ubyte.gz"]), CompressionLevel.Fastest))
            gz.Write(pictures);
        File.WriteAllBytes(folder["t10k-labels-idx1-ubyte"], [0, 0, 8, 1, 0, 0, 0, 2, 9, 4]);
        foreach (var path in new[] { folder.Path, folder["t10k-images-idx3-ubyte.gz"] })
        {
            using var source = PictureSource.Open(path);
            Assert.Equal((2, 9, 4), (source.Count, source.Label(0), source.Label(1)));
            using var picture = source.Read(1, PictureReading.Natural);
            Assert.Equal((3, 2), (picture.Width, picture.Height));
            Assert.Equal(new byte[] { 10, 10, 10 }, picture.Row(1)[..3].ToArray());
        }
        File.WriteAllBytes(folder["t10k-images-idx3-ubyte.gz"], pictures[..^1]);
        Assert.Equal(ErrorKind.Input, Fails(folder.Path).Kind);
    }

    [Theory]
    [InlineData("list.csv", "path,label\n\"a/0.ppm\",\"big, red\"\r\na/1.ppm,small\n")]
    [InlineData("list.tsv", "a/0.ppm\tbig, red\na/1.ppm\tsmall")]
    [InlineData("list.txt", "\uFEFFfilename\tlabel\na/0.ppm\tbig, red\na/1.ppm\tsmall\n\n")]
    public void ListsGivePathsAndLabels(string name, string text)
    {
        PictureMaker.Tree(folder.Path, 1, 2);
        using var source = PictureSource.Open(folder.Write(name, text));
        Assert.Equal(["a/0.ppm", "a/1.ppm"], Enumerable.Range(0, source.Count).Select(source.Name));
        Assert.Equal(["big, red", "small"], source.ClassNames!);
        using var unlabelled = PictureSource.Open(folder[name], null, "none");
        Assert.Null(unlabelled.Label(0));
    }

    [Fact]
    public void WholeNumberLabelsAreSortedAsNumbers()
    {
        PictureMaker.Tree(folder.Path, 1, 3);
        using var source = PictureSource.Open(folder.Write("list.csv", "a/0.ppm,10\na/1.ppm,9\na/2.ppm,-1\n"));
        Assert.Equal(["-1", "9", "10"], source.ClassNames!);
    }

    [Fact]
    public void WhatIsMissingOrEmptyIsToldInOneErrorWithARemedy()
    {
        Directory.CreateDirectory(folder["empty"]);
        folder.Write("notes/a.md", "text");
        PictureMaker.Tree(folder["set"], 2, 1);
        Directory.CreateDirectory(folder["set", "c"]);
        Assert.Contains("set", Fails(folder["sets"]).Remedy, StringComparison.Ordinal);
        Assert.Contains("empty", Fails(folder["empty"]).Message, StringComparison.Ordinal);
        Assert.Contains("1 .md", Fails(folder["notes"]).Message, StringComparison.Ordinal);
        Assert.Contains("matches", Fails(folder["x-*.tar"]).Message, StringComparison.Ordinal);
        Assert.Contains("c", Fails(folder["set"], new SourceOptions { Labels = "folder" }).Message, StringComparison.Ordinal);
        Assert.Equal(ErrorKind.Usage, Fails(folder["set"], new SourceOptions { Format = "zip" }).Kind);
        Assert.Equal(ErrorKind.Usage, Fails(folder["set"], new SourceOptions { Labels = "colour" }).Kind);
        Assert.Contains("no class folder", Fails(folder["set", "a"], new SourceOptions { Labels = "folder" }).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void PartsOfASetAreNotTakenForClasses()
    {
        PictureMaker.Tree(folder["train"], 2, 1);
        PictureMaker.Tree(folder["val"], 2, 1);
        Assert.Contains("split=train", Fails(folder.Path, new SourceOptions { Labels = "folder" }).Remedy, StringComparison.Ordinal);
        using var source = PictureSource.Open(folder.Path, new SourceOptions { Labels = "folder", Split = "val" });
        Assert.Equal(2, source.Count);
    }

    [Fact]
    public void ACutTarIsAnErrorWithTheMembersName()
    {
        PictureMaker.Tar(folder["a.tar"], compressed: false, ("x/0.ppm", PictureMaker.Ppm(0, 40, 40)));
        File.WriteAllBytes(folder["a.tar"], File.ReadAllBytes(folder["a.tar"])[..2600]);
        Assert.Contains("x/0.ppm", Fails(folder["a.tar"]).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void TextsBesideThePicturesOfAFolderAreFound()
    {
        PictureMaker.Tree(folder.Path, 1, 2);
        folder.Write("a/1.json", """{"kind": "x"}""");
        folder.Write("a/0.json", """{"kind": "y"}""");
        using var source = PictureSource.Open(folder.Path, null, "json:kind");
        Assert.Equal((1, 0), (source.Label(0), source.Label(1)));
        Assert.Null(source.ReadBeside(0, "txt"));
    }

    [Fact]
    public void ADamagedCompressedArchiveIsAnError()
    {
        PictureMaker.Tar(folder["a.tar.gz"], compressed: true, ("x/0.ppm", PictureMaker.Ppm(0, 60, 60)), ("x/1.ppm", PictureMaker.Ppm(1, 60, 60)));
        var whole = File.ReadAllBytes(folder["a.tar.gz"]);
        File.WriteAllBytes(folder["a.tar.gz"], whole[..(whole.Length / 2)]);
        Assert.Equal(ErrorKind.Input, Fails(folder["a.tar.gz"]).Kind);
        whole.AsSpan(whole.Length / 2, 200).Fill(0x55);
        File.WriteAllBytes(folder["a.tar.gz"], whole);
        Assert.Equal(ErrorKind.Input, Fails(folder["a.tar.gz"]).Kind);
    }

    [Fact]
    public void LinksInCirclesEnd()
    {
        PictureMaker.Tree(folder.Path, 1, 2);
        Directory.CreateSymbolicLink(folder["a", "loop"], folder.Path);
        using var source = PictureSource.Open(folder.Path);
        Assert.Equal(2, source.Count);
    }
}
