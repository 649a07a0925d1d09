using System.Formats.Tar;
using System.IO.Compression;
using System.Text;
using Tandem.Data.Sources;
using Tandem.Data.Text;
using Xunit;

namespace Tandem.Tests.Data.Text;

public sealed class SentenceSourceTests : IDisposable
{
    readonly TemporaryFolder folder = new();
    readonly List<string> said = [];

    public void Dispose() => folder.Dispose();

    SentenceSource Open(string path, string? labels = null, string? column = null, string? format = null, string? split = null) =>
        SentenceSource.Open(folder[path], new() { Labels = labels, Column = column, Format = format, Split = split, Warn = said.Add });

    TandemException Wrong(string path, string? labels = null, string? column = null, string? format = null, string? split = null) =>
        Assert.Throws<TandemException>(() => Open(path, labels, column, format, split));

    // Each sample as "text|text=label".
    static string[] All(SentenceSource source)
    {
        using (source)
        {
            return [.. Enumerable.Range(0, source.Count).Select(i => string.Join('|', Enumerable.Range(0, source.Parts).Select(part => source.Text(i, part)))
                + (source.Label(i) is { } label ? $"={source.ClassNames![label]}" : source.Score(i) is { } score ? FormattableString.Invariant($"~{score}") : ""))];
        }
    }

    void Tar(string name, bool packed, params (string Name, string Text)[] members)
    {
        using Stream file = File.Create(folder[name]);
        using Stream to = packed ? new GZipStream(file, CompressionLevel.Fastest) : file;
        using var tar = new TarWriter(to);
        foreach (var (member, text) in members)
            tar.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, member) { DataStream = new MemoryStream(Encoding.UTF8.GetBytes(text)) });
    }

    [Fact]
    public void PlainTextIsATextALine()
    {
        folder.Write("a.txt", "\uFEFFone\r\n\n \u00A0two \n\t\nthree");
        using var source = Open("a.txt");
        Assert.Equal(["one", "two", "three"], All(source));
        Assert.Equal(["a.txt:1", "a.txt:3", "a.txt:5"], Enumerable.Range(0, 3).Select(source.Name));
        Assert.Equal($"{folder["a.txt"]}, line 3", source.Where(1));
        Assert.Null(source.ClassNames);
        Assert.Equal(1, source.Parts);
        using (var packed = new GZipStream(File.Create(folder["b.gz"]), CompressionLevel.Fastest))
            packed.Write("four\n"u8);
        Assert.Equal(["one", "two", "three", "four"], All(Open("{a.txt,b.gz}")));
    }

    [Fact]
    public void GluesLayoutsAreToldByHeaderOrShape()
    {
        folder.Write("CoLA/train.tsv", "gj04\t1\t\tThe sailors \"rode.\ngj04\t0\t*\tThem sailed\n");
        Assert.Equal(["The sailors \"rode.=1", "Them sailed=0"], All(Open("CoLA/train.tsv")));
        Assert.Equal(["The sailors \"rode.", "Them sailed"], All(Open("CoLA/train.tsv", labels: "none")));
        folder.Write("CoLA/test.tsv", "index\tsentence\n0\tBill whistled.\n");
        Assert.Equal(["Bill whistled."], All(Open("CoLA/test.tsv")));
        folder.Write("sst.tsv", "sentence\tlabel\nhide new secretions \t0\nfine\t1\n");
        Assert.Equal(["hide new secretions=0", "fine=1"], All(Open("sst.tsv")));
        folder.Write("mrpc.txt", "\uFEFFQuality\t#1 ID\t#2 ID\t#1 String\t#2 String\n1\t10\t11\tA said.\t\"A\" said\n");
        Assert.Equal(["A said.|\"A\" said=1"], All(Open("mrpc.txt")));
        folder.Write("qnli.tsv", "index\tquestion\tsentence\tlabel\n0\tWho?\tHe.\tentailment\n1\tWhy?\tSo.\tnot_entailment\n");
        Assert.Equal(["Who?|He.=entailment", "Why?|So.=not_entailment"], All(Open("qnli.tsv")));
        folder.Write("mnli.tsv", "index\tgenre\tsentence1\tsentence2\tlabel1\tgold_label\n0\tx\ta\tb\tneutral\tentailment\n1\tx\tc\t\tneutral\tneutral\n2\tx\tc\td\tneutral\t-\n");
        Assert.Equal(["a|b=entailment", "c|=neutral"], All(Open("mnli.tsv")));
        Assert.Contains("1 rows of", said[^1]);
        folder.Write("qqp.tsv", "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n1\t2\t3\tWhy?\tWhy so?\t1\n2\t3\t4\tcut\n3\t4\t5\tHow?\tWhen?\t0\textra\n4\t5\t6\tWho?\tWhom?\t0\n");
        Assert.Equal(["Why?|Why so?=1", "Who?|Whom?=0"], All(Open("qqp.tsv")));
        Assert.Contains("2 rows of", said[^1]);
    }

    [Fact]
    public void NumbersWithDecimalsAreScores()
    {
        folder.Write("sts.tsv", "index\tsentence1\tsentence2\tscore\n0\ta\tb\t5.000\n1\tc\td\t3.800\n");
        using var source = Open("sts.tsv");
        Assert.True(source.IsScored);
        Assert.Null(source.ClassNames);
        Assert.Equal(["a|b~5", "c|d~3.8"], All(source));
        folder.Write("whole.tsv", "text\tscore\na\t1.0\nb\t0.0\n");
        Assert.Equal(["a=1.0", "b=0.0"], All(Open("whole.tsv")));
    }

    [Fact]
    public void ColumnsAreChosenByNameOrNumber()
    {
        folder.Write("a.csv", "id,body,kind\n1,\"one, \"\"two\"\"\nthree\",x\n2,four,y\n");
        Assert.Equal(["one, \"two\"\nthree=x", "four=y"], All(Open("a.csv", labels: "column:kind", column: "body")));
        Assert.Equal(["one, \"two\"\nthree=x", "four=y"], All(Open("a.csv", labels: "column:3", column: "2")));
        Assert.Equal(["x|1", "y|2"], All(Open("a.csv", column: "kind,id")));
        Assert.Contains("id, body, kind", Wrong("a.csv").Expected);
        Assert.Contains("no column 'bodi'", Wrong("a.csv", column: "bodi").Message);
        Assert.Contains("label's usual name", Wrong("a.csv", column: "body", labels: "column").Message);
        folder.Write("bare.csv", "3,Wall street\n1,Goal\n");
        Assert.Equal(["Wall street=3", "Goal=1"], All(Open("bare.csv", column: "2", labels: "column:1")));
        Assert.Equal(ErrorKind.Usage, Wrong("a.csv", labels: "colour").Kind);
        Assert.Equal(ErrorKind.Usage, Wrong("a.csv", column: "a,b,c").Kind);
        folder.Write("other.csv", "comment,label\nsome,1\n");
        Assert.Equal(["some=1"], All(Open("other.csv")));
    }

    [Fact]
    public void JsonLinesHaveFields()
    {
        folder.Write("a.jsonl", "{\"premise\": \"a\", \"hypothesis\": \"b\", \"label\": \"x\"}\n\n{\"label\": null, \"premise\": \"c\", \"hypothesis\": \"d\"}\n{\"label\": 3, \"premise\": \"e\", \"hypothesis\": \"\\ud83d\\ude00\"}\n");
        Assert.Equal(["a|b=x", "e|\U0001F600=3"], All(Open("a.jsonl")));
        Assert.Contains("1 objects of", said[^1]);
        Assert.Equal(["a", "c", "e"], All(Open("a.jsonl", column: "premise", labels: "none")));
        folder.Write("deep.jsonl", "{\"text\": \"a\", \"meta\": {\"lang\": \"de\"}}\n{\"text\": \"b\", \"meta\": {\"lang\": \"en\"}}\n");
        Assert.Equal(["a=de", "b=en"], All(Open("deep.jsonl", labels: "json:meta.lang")));
        Assert.Contains("no field 'land'", Wrong("deep.jsonl", labels: "json:meta.land").Message);
        folder.Write("bad.jsonl", "{\"text\": \"a\"}\n{\"text\": \n");
        Assert.Contains("line 2", Wrong("bad.jsonl").Where);
        folder.Write("list.json", "[{\"text\": \"a\"}]");
        Assert.Contains("JSON list", Wrong("list.json").Message);
    }

    [Fact]
    public void FilesInClassFoldersAreATextEach()
    {
        folder.Write("set/pos/1.txt", "good\nfilm\n");
        folder.Write("set/pos/2.txt", "fine");
        folder.Write("set/neg/1.txt", "bad");
        folder.Write("set/urls.txt", "http://…");
        Assert.Equal(["bad=neg", "good\nfilm=pos", "fine=pos"], All(Open("set")));
        Assert.Contains("1 files of", said[^1]);
        Assert.Equal(["bad", "good\nfilm", "fine"], All(Open("set", labels: "none")));
        using var source = Open("set");
        Assert.Equal("pos/1.txt", source.Name(1));
        folder.Write("parts/train/pos/1.txt", "a");
        folder.Write("parts/test/pos/1.txt", "b");
        Assert.Equal(["b=pos"], All(Open("parts", split: "test")));
        Assert.Contains("parts of a data set", Wrong("parts").Message);
    }

    [Fact]
    public void PartsOfASetAreFiles()
    {
        folder.Write("sst/train.tsv", "sentence\tlabel\na\t0\nb\t1\n");
        folder.Write("sst/dev.tsv", "sentence\tlabel\nc\t0\n");
        folder.Write("sst/LICENSE", "none");
        Assert.Equal(["c=0"], All(Open("sst", split: "dev")));
        Assert.Equal(["a=0", "b=1"], All(Open("sst", split: "train")));
        Assert.Contains("split=dev", Wrong("sst").Remedy);
        Assert.Contains("split=valid", Wrong("sst", split: "valid").Message);
    }

    [Theory]
    [InlineData("a.tar", false)]
    [InlineData("a.tar.gz", true)]
    public void APathMayGoOnInsideAnArchive(string name, bool packed)
    {
        Tar(name, packed, ("./glue/SST/train.tsv", "sentence\tlabel\na\t0\nb\t1\n"), ("./glue/SST/dev.tsv", "sentence\tlabel\nc\t0\n"), ("./glue/imdb/train/pos/1.txt", "good"), ("./glue/imdb/train/neg/1.txt", "bad"));
        Assert.Equal(["c=0"], All(Open($"{name}/glue/SST/dev.tsv")));
        Assert.Equal(["a=0", "b=1"], All(Open($"{name}/glue/SST", split: "train")));
        Assert.Equal(["good=pos", "bad=neg"], All(Open($"{name}/glue/imdb/train")));
        Assert.Equal(["good=pos", "bad=neg"], All(Open($"{name}/glue/imdb", split: "train")));
        Assert.Contains("holds no 'glue/MNLI'", Wrong($"{name}/glue/MNLI").Message);
        using var source = Open($"{name}/glue/SST/dev.tsv");
        Assert.Equal("dev.tsv:2", source.Name(0));
        Assert.Contains("dev.tsv, line 2", source.Where(0));
    }

    [Fact]
    public void ShardsHaveTextsWithLabelsBeside()
    {
        Tar("shard-0.tar", false, ("1.txt", "one"), ("1.json", "{\"label\": \"x\", \"lang\": \"de\"}"), ("2.txt", "two"), ("2.json", "{\"label\": \"y\", \"lang\": \"en\"}"), ("3.json", "{}"));
        Assert.Equal(["one=x", "two=y"], All(Open("shard-0.tar")));
        Assert.Equal(["one=de", "two=en"], All(Open("shard-{0..0}.tar", labels: "json:lang")));
        Assert.Contains("1 samples", said[^1]);
        Tar("cls.tar", false, ("a/1.txt", "one"), ("a/1.cls", "4"), ("b/2.txt", "two"), ("b/2.cls", "11"));
        Assert.Equal(["one=4", "two=11"], All(Open("cls.tar")));
        Assert.Equal(["one=a", "two=b"], All(Open("cls.tar", labels: "folder")));
        using var source = Open("cls.tar");
        Assert.Equal("a/1", source.Name(0));
    }

    [Fact]
    public void TextsAreGivenDirectly()
    {
        using var source = SentenceSource.OfTexts(["one", "", "\ud83d"], ["a", "b", "c"]);
        Assert.Equal(["one", "", "\uFFFD"], All(source));
        Assert.Equal("b", source.Name(1));
        using var empty = SentenceSource.OfTexts([""]);
        Assert.Equal("1", empty.Name(0));
    }

    [Fact]
    public void BadInputIsNamed()
    {
        File.WriteAllBytes(folder["latin.txt"], [.. "fine\nschön"u8[..^3], 0xF6, (byte)'n']);
        var error = Wrong("latin.txt");
        Assert.Contains("not UTF-8", error.Message);
        Assert.Contains("line 2", error.Where);
        folder.Write("empty.txt", "");
        Assert.Contains("empty", Wrong("empty.txt").Message);
        folder.Write("blank.txt", "\n \n");
        Assert.Contains("no text", Wrong("blank.txt").Message);
        folder.Write("void.tsv", "sentence\tlabel\n");
        Assert.Contains("no text", Wrong("void.tsv").Message);
        folder.Write("mixed/a.tsv", "sentence\na\n");
        folder.Write("mixed/b.tsv", "sentence1\tsentence2\na\tb\n");
        Assert.Contains("pairs of texts", Wrong("mixed").Message);
        folder.Write("plain.txt", "a\n");
        Assert.Contains("no columns", Wrong("plain.txt", labels: "column").Message);
        Assert.Contains("plain text", Wrong("plain.txt", column: "text").Message);
        Assert.Contains("there is no such file", Wrong("missing.txt").Message);
        Assert.Contains("no format 'xml'", Wrong("plain.txt", format: "xml").Message);
        Assert.Contains("no tar", Wrong("plain.txt", format: "tar").Message);
        File.WriteAllBytes(folder["a.bin"], [1, 2, 3]);
        Directory.CreateDirectory(folder["bins"]);
        File.Move(folder["a.bin"], folder["bins", "a.bin"]);
        Assert.Contains("none of the 1 files", Wrong("bins").Message);
    }

    [Fact]
    public void AHundredThousandTextsAndALineOfMegabytesAreRead()
    {
        folder.Write("many.tsv", "sentence\tlabel\n" + string.Concat(Enumerable.Range(0, 100_000).Select(i => $"sentence number {i}\t{i % 3}\n")));
        using var source = Open("many.tsv");
        Assert.Equal(100_000, source.Count);
        Assert.Equal("sentence number 77777", source.Text(77_777));
        Assert.Equal(77_777 % 3, source.Label(77_777));
        folder.Write("long.txt", new string('a', 5_000_000) + "\nshort\n");
        using var wide = Open("long.txt");
        Assert.Equal(5_000_000, wide.Text(0).Length);
        Assert.Equal("short", wide.Text(1));
    }

    [Fact]
    public void WhatExceedsTheMemoryLiesInATemporaryFile()
    {
        using var store = new SentenceStore(inMemory: 10);
        string[] texts = ["12345", "", "123456", "12345", "another"];
        foreach (var text in texts)
            store.Add(Encoding.UTF8.GetBytes(text));
        store.Filled();
        Assert.Equal(texts, Enumerable.Range(0, store.Count).Select(i => Encoding.UTF8.GetString(store[i])));
    }
}
