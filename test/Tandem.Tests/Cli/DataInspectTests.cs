using System.Text.Json;
using Tandem.Tests.Data;
using Tandem.Tests.Data.Audio;
using Tandem.Tests.House;
using Xunit;

namespace Tandem.Tests.Cli;

/// <summary><c>tandem data inspect</c> as people start it, on recordings and texts (pictures: <see cref="ModelCommandTests"/>).</summary>
public sealed class DataInspectTests : IDisposable
{
    readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    static TandemProgram.Result Run(params string[] arguments) => TandemProgram.Run(["data", "inspect", .. arguments]);

    JsonElement Json(string name, params string[] arguments)
    {
        var result = Run([folder[name], .. arguments, "--json"]);
        Assert.True(result.ExitCode == 0, result.Error);
        return JsonDocument.Parse(result.Output).RootElement;
    }

    static IEnumerable<string> Counts(JsonElement document, string list, string key) => document.GetProperty(list).EnumerateArray().Select(one => $"{one.GetProperty(key)}: {one.GetProperty("samples")}");

    static double[] Spread(JsonElement spread) => [spread.GetProperty("least").GetDouble(), spread.GetProperty("median").GetDouble(), spread.GetProperty("most").GetDouble()];

    void PutRecordings()
    {
        folder.Put("words/yes/1.wav", SoundMaker.Wav(16_000));
        folder.Put("words/yes/2.wav", SoundMaker.Wav(8_000));
        folder.Put("words/yes/3.flac", SoundMaker.Encode(SoundMaker.Flac, SoundMaker.Tone(32_000), 8_000, channels: 2));
        folder.Put("words/no/4.wav", SoundMaker.Wav(8_000, announced: 16_000));
        folder.Write("words/no/5.wav", "no sound at all");
    }

    [Fact]
    public void RecordingsTellTheirHoursRatesFormatsAndDamage()
    {
        PutRecordings();
        var found = Json("words");
        Assert.Equal(("audio", 5, 5), (found.GetProperty("modality").GetString(), found.GetProperty("samples").GetInt32(), found.GetProperty("looked").GetInt32()));
        Assert.Equal(["no: 2", "yes: 3"], Counts(found, "classes", "name"));
        Assert.Equal(3.5, found.GetProperty("total_seconds").GetDouble(), 3);
        Assert.Equal([0.5, 1, 2], Spread(found.GetProperty("seconds")));
        Assert.Equal(["16000: 2", "8000: 1"], Counts(found, "rates", "hz"));
        Assert.Equal(["1: 2", "2: 1"], Counts(found, "channels", "channels"));
        Assert.Equal(["WAV, Signed 16 bit PCM: 2", "FLAC, Signed 16 bit PCM: 1"], Counts(found, "formats", "format"));
        var bad = found.GetProperty("bad").EnumerateArray().ToList();
        Assert.Equal(["no/4.wav", "no/5.wav"], bad.Select(one => one.GetProperty("name").GetString()));
        Assert.Contains("announces 32000 bytes of sound and holds 16000", bad[0].GetProperty("reason").GetString());
        var shown = Run(folder["words"]).Output;
        Assert.Matches(@"(?m)^recordings +5$", shown);
        Assert.Matches(@"(?m)^in all +3\.5 s$", shown);
        Assert.Matches(@"(?m)^sample rate +16,000 Hz \(2\), 8,000 Hz \(1\)$", shown);
        Assert.Matches(@"(?m)^damaged +2; all were read to the end$", shown);
        Assert.Matches(@"(?m)^damaged +.*no/5\.wav: .*cannot be opened", shown);
    }

    [Fact]
    public void OnlySomeRecordingsAreReadToTheirEnd()
    {
        for (var i = 0; i < 8; i++)
            folder.Put($"flat/{i}.flac", SoundMaker.Encode(SoundMaker.Flac, SoundMaker.Tone(8_000)));
        // Cut behind its header: only who reads on finds it.
        File.WriteAllBytes(folder["flat/1.flac"], File.ReadAllBytes(folder["flat/1.flac"])[..2000]);
        Assert.Empty(Json("flat", "limit=4").GetProperty("bad").EnumerateArray());
        Assert.Equal("1.flac", Assert.Single(Json("flat", "limit=all").GetProperty("bad").EnumerateArray()).GetProperty("name").GetString());
    }

    [Fact]
    public void LinesOfTextTellTheirSizesAndBrokenPlaces()
    {
        File.WriteAllBytes(folder["books.txt"], [.. "A first line.\nÄ second one\n\n\nAnother document\n  \nab"u8, 0xFF, .. "\nend"u8]);
        var found = Json("books.txt");
        Assert.Equal(("text", 5, 8), (found.GetProperty("modality").GetString(), found.GetProperty("samples").GetInt32(), found.GetProperty("lines").GetInt32()));
        // White space alone ends no document.
        Assert.Equal(2, found.GetProperty("documents").GetInt32());
        Assert.Equal([3, 12, 16], Spread(found.GetProperty("characters")));
        Assert.EndsWith("books.txt:5", found.GetProperty("longest").GetString());
        Assert.Equal(JsonValueKind.Null, found.GetProperty("classes").ValueKind);
        Assert.Equal(JsonValueKind.Null, found.GetProperty("tokens").ValueKind);
        var reason = Assert.Single(found.GetProperty("bad").EnumerateArray()).GetProperty("reason").GetString();
        Assert.Contains("books.txt, line 7: the text is not UTF-8: byte 0xFF at byte 3", reason);
        var tokens = Json("books.txt", $"tokenizer={Repository.At("test", "data", "vocab", "gpt2")}");
        Assert.InRange(tokens.GetProperty("total_tokens").GetInt32(), 10, 30);
        Assert.Contains("BPE", tokens.GetProperty("tokenizer").GetString());
        Assert.Matches(@"(?m)^lines +8 in 1 file$", Run(folder["books.txt"]).Output);
    }

    [Fact]
    public void TablesTellTheirClassesPairsAndScores()
    {
        folder.Write("sentences.tsv", "sentence\tlabel\n" + string.Concat(Enumerable.Range(0, 30).Select(i => $"the cat sat {i}\t{(i % 3 == 0 ? "good" : "bad")}\n")));
        var classes = Json("sentences.tsv");
        Assert.Equal(["bad: 20", "good: 10"], Counts(classes, "classes", "name"));
        Assert.Equal((30, 1, 0), (classes.GetProperty("samples").GetInt32(), classes.GetProperty("parts").GetInt32(), classes.GetProperty("documents").GetInt32()));
        folder.Write("pairs.tsv", "sentence1\tsentence2\tscore\na\tbc\t0.5\nd\te\t4.75\nf\tg\t2.5\n");
        var pairs = Json("pairs.tsv");
        Assert.Equal([0.5, 2.5, 4.75], Spread(pairs.GetProperty("scores")));
        Assert.Equal((3, 2), (pairs.GetProperty("samples").GetInt32(), pairs.GetProperty("parts").GetInt32()));
        Assert.Equal(JsonValueKind.Null, pairs.GetProperty("classes").ValueKind);
        Assert.Matches(@"(?m)^pairs of texts +3$", Run(folder["pairs.tsv"]).Output);
        folder.Write("reviews/pos/1.txt", "two\nlines");
        folder.Write("reviews/neg/2.txt", "one");
        Assert.Equal(["neg: 1", "pos: 1"], Counts(Json("reviews"), "classes", "name"));
    }

    [Fact]
    public void AFileThatCannotBeReadOnIsNamedAndTheOthersCount()
    {
        folder.Write("set/a.jsonl", "{\"text\": \"one\"}\n{\"text\": \"two\"}\n{\"text\": \n{\"text\": \"never seen\"}\n");
        folder.Write("set/b.jsonl", "{\"text\": \"three\"}\n");
        var found = Json("set");
        Assert.Equal(3, found.GetProperty("samples").GetInt32());
        Assert.Contains("a.jsonl, line 3: ", Assert.Single(found.GetProperty("bad").EnumerateArray()).GetProperty("reason").GetString());
        folder.Write("only.jsonl", "{\"text\": \n");
        var nothing = Run(folder["only.jsonl"]);
        Assert.Equal(3, nothing.ExitCode);
        Assert.Contains("only.jsonl, line 1", nothing.Error);
    }

    [Theory]
    [InlineData("list.csv", "audio")]
    [InlineData("shards", "audio")]
    [InlineData("mnist", "image")]
    [InlineData("notes", "text")]
    [InlineData("sound", "audio")]
    public void ContentTellsWhatItIs(string name, string modality)
    {
        PutRecordings();
        folder.Write("list.csv", "path,text\nwords/yes/1.wav,\"yes, yes\"\nwords/yes/2.wav,no\n");
        Directory.CreateDirectory(folder["shards"]);
        SoundMaker.Tar(folder["shards", "train-0.tar"], compressed: false, ("a.wav", SoundMaker.Wav(8_000)), ("a.txt", SoundMaker.Text("yes")), ("a.json", SoundMaker.Text("{}")));
        folder.Put("mnist/t10k-images-idx3-ubyte", [0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 2, 1, 2, 3, 4]);
        folder.Write("mnist/readme.txt", "what this is");
        folder.Write("notes/readme.md", "See picture.png for it.");
        folder.Write("notes/more.txt", string.Concat(Enumerable.Repeat("a line\n", 20)));
        folder.Put("sound", SoundMaker.Wav(8_000));
        Assert.Equal(modality, Json(name, "labels=none").GetProperty("modality").GetString());
    }

    [Fact]
    public void WhatHasNoEffectOrIsUnknownIsRefused()
    {
        PictureMaker.Tree(folder["pictures"], 1, 2);
        folder.Write("a.txt", "text");
        folder.Write("odd/a.xyz", "?");
        foreach (var (code, error, arguments) in new (int, string, string[])[]
        {
            (2, "there is no modality 'adio' (modality). Expected: image, audio, text. Did you mean audio?", [folder["a.txt"], "modality=adio"]),
            (2, "a limit has no effect on them", [folder["a.txt"], "limit=3"]),
            (2, "add modality=text", [folder["pictures"], "tokenizer=x"]),
            (3, "none of the 1 files here is named like a picture, a recording or a text", [folder["odd"]]),
            (3, "found: 2 .ppm", [folder["pictures"], "modality=audio"]),
            (3, "there is no such file or folder", [folder["missing"]]),
        })
        {
            var result = Run(arguments);
            Assert.Equal(code, result.ExitCode);
            Assert.Contains(error, result.Error, StringComparison.OrdinalIgnoreCase);
        }
    }
}
