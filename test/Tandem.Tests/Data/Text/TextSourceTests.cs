using System.IO.Compression;
using System.Text;
using Tandem.Data.Text;
using Xunit;

namespace Tandem.Tests.Data.Text;

public sealed class TextSourceTests : IDisposable
{
    readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    List<string> Lines(string path, TextOptions? options = null)
    {
        var lines = new List<string>();
        foreach (var chunk in TextSource.Open(folder[path], options).Chunks())
        {
            for (var i = 0; i < chunk.Count; i++)
                lines.Add(Encoding.UTF8.GetString(chunk[i]));
            chunk.Dispose();
        }
        return lines;
    }

    TandemException Wrong(string path, TextOptions? options = null) => Assert.Throws<TandemException>(() => Lines(path, options));

    [Fact]
    public void PlainTextComesWithoutMarkAndLineEnds()
    {
        folder.Write("a.txt", "\uFEFFone\r\n two \n\nthree");
        Assert.Equal(["one", " two ", "", "three"], Lines("a.txt"));
        Assert.Equal(["one", "", " two ", "", "three", ""], Lines("a.txt", new() { Documents = DocumentEnd.Line }));
        Assert.Equal(["one", " two ", "three"], Lines("a.txt", new() { Documents = DocumentEnd.File }));
    }

    [Fact]
    public void FilesAreDocumentsApartAndCompressionIsToldByContent()
    {
        Directory.CreateDirectory(folder["set"]);
        folder.Write("set/1.txt", "one\n");
        using (var packed = new GZipStream(File.Create(folder["set", "2.txt"]), CompressionLevel.Fastest))
            packed.Write("two\n"u8);
        folder.Write("set/3.bin", "nothing");
        Assert.Equal(["one", "", "two"], Lines("set"));
        Assert.Equal(["one", "", "two"], Lines("set/{1..2}.txt"));
        Assert.Equal(["one", "", "two"], Lines("set/?.txt"));
    }

    [Fact]
    public void JsonLinesAndTablesAreDocumentsOfTheirOwn()
    {
        folder.Write("a.jsonl", "{\"id\": 1, \"text\": \"one\\ntwo\\n\\nthree \\ud83d\\ude00\"}\n\n{\"text\": null}\n{\"text\": \"four\"}\n");
        Assert.Equal(["one", "two", "three \U0001F600", "", "four", ""], Lines("a.jsonl"));
        // Fields by their usual names, whichever comes first in the object.
        folder.Write("b.jsonl", "{\"content\": \"no\", \"text\": \"one\"}\n{\"review\": \"two\"}\n{\"sentence\": \"three\", \"review\": \"no\"}\n");
        Assert.Equal(["one", "", "two", "", "three", ""], Lines("b.jsonl"));
        folder.Write("c.tsv", "id\tsentence\n1\tone\n");
        Assert.Equal(["one", ""], Lines("c.tsv"));
        folder.Write("b.csv", "id,text\n1,\"one, \"\"two\"\"\nthree\"\n2,\n3,four\n");
        Assert.Equal(["one, \"two\"", "three", "", "four", ""], Lines("b.csv"));
        folder.Write("c.tsv", "id\tsentence\n1\tan \"odd quote\n2\ttwo\n");
        Assert.Equal(["an \"odd quote", "", "two", ""], Lines("c.tsv", new() { Column = "sentence" }));
        Assert.Equal(["an \"odd quote", "", "two", ""], Lines("c.tsv", new() { Column = "2" }));
    }

    [Fact]
    public void ShardsYieldTheirTexts()
    {
        PictureMaker.Tar(folder["a.tar.gz"], compressed: true, ("1.txt", "one\n"u8.ToArray()), ("1.png", [1, 2]), ("2.jsonl", "{\"text\":\"two\"}"u8.ToArray()));
        var warnings = new List<string>();
        Assert.Equal(["one", "", "two", ""], Lines("a.tar.gz", new() { Warn = warnings.Add }));
        Assert.Contains("1 members", Assert.Single(warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void BrokenBytesAreToldWithFileAndLineOrReplaced()
    {
        File.WriteAllBytes(folder["a.txt"], [.. "good\nbad "u8, 0xE9, .. " end\n"u8]);
        var error = Wrong("a.txt");
        Assert.Equal(ErrorKind.Input, error.Kind);
        Assert.EndsWith("a.txt, line 2", error.Where, StringComparison.Ordinal);
        Assert.Contains("0xE9 at byte 5", error.Message, StringComparison.Ordinal);
        Assert.Equal(["good", "bad \uFFFD end"], Lines("a.txt", new() { ReplaceInvalid = true }));
        File.WriteAllBytes(folder["b.txt"], [.. Encoding.Unicode.GetPreamble(), .. Encoding.Unicode.GetBytes("hello")]);
        Assert.Contains("UTF-16", Wrong("b.txt").Message, StringComparison.Ordinal);
    }

    [Fact]
    public void WhatIsMissingOrEmptyIsToldInWords()
    {
        folder.Write("empty.txt", "");
        folder.Write("blank.txt", "\n\n\n");
        folder.Write("a.jsonl", "{\"text\": \"x\"}\n{\"txt\": 1}\n");
        folder.Write("b.jsonl", "{\"text\": \"x\"}\n{\"text\": \"y\"\n");
        folder.Write("c.csv", "id,body\n1,x\n2,\"y\n");
        Assert.Contains("no text", Wrong("blank.txt").Message, StringComparison.Ordinal);
        Assert.Contains("no text", Wrong("empty.txt").Message, StringComparison.Ordinal);
        Assert.EndsWith("line 2", Wrong("a.jsonl").Where, StringComparison.Ordinal);
        Assert.Contains("txt", Wrong("a.jsonl").Remedy, StringComparison.Ordinal);
        Assert.EndsWith("line 2", Wrong("b.jsonl").Where, StringComparison.Ordinal);
        Assert.Contains("id, body", Wrong("c.csv", new() { Column = "text" }).Expected, StringComparison.Ordinal);
        Assert.Contains("never closed", Wrong("c.csv", new() { Column = "body" }).Message, StringComparison.Ordinal);
        Assert.Equal(ErrorKind.Input, Wrong("nothing.txt").Kind);
    }

    [Fact]
    public void ALineOfFiftyMegabytesIsReadAndTokenized()
    {
        var word = "word "u8;
        using (var file = File.Create(folder["a.txt"]))
        {
            for (var i = 0; i < 10 << 20; i++)
                file.Write(word);
        }
        var tokenizer = TokenizerFiles.Gpt2(TokenizerTests.Vocabulary("gpt2"));
        var ids = new List<int>();
        foreach (var chunk in TextSource.Open(folder["a.txt"]).Chunks())
        {
            Assert.Equal(1, chunk.Count);
            tokenizer.Encode(chunk[0], ids);
            chunk.Dispose();
        }
        Assert.Equal((10 << 20) + 1, ids.Count);
    }

    [Fact]
    public void AWordOfAMegabyteIsTokenizedInTime()
    {
        var tokenizer = TokenizerFiles.Gpt2(TokenizerTests.Vocabulary("gpt2"));
        var text = new string('a', 1 << 20);
        Assert.Equal(text, tokenizer.Decode(tokenizer.Encode(text)));
    }
}
