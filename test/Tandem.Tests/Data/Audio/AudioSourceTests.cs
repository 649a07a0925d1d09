using Tandem.Data;
using Tandem.Data.Audio;
using Tandem.Data.Sources;
using Xunit;

namespace Tandem.Tests.Data.Audio;

public sealed class AudioSourceTests : IDisposable
{
    readonly TemporaryFolder folder = new();
    readonly List<string> warnings = [];

    public void Dispose() => folder.Dispose();

    AudioSource Open(string path, string? labels = null, string? split = null, string? format = null) =>
        AudioSource.Open(path, new() { Labels = labels, Split = split, Format = format, Warn = warnings.Add });

    static TandemException Fails(Action open)
    {
        var error = Assert.Throws<TandemException>(open);
        Assert.NotEqual(ErrorKind.Machine, error.Kind);
        return error;
    }

    static string[] Names(AudioSource source) => [.. Enumerable.Range(0, source.Count).Select(source.Name)];

    static string?[] Classes(AudioSource source) => [.. Enumerable.Range(0, source.Count).Select(i => source.Label(i) is { } label ? source.ClassNames![label] : null)];

    static (string, byte[])[] Members(params ReadOnlySpan<string> names)
    {
        var members = new (string, byte[])[names.Length];
        for (var i = 0; i < names.Length; i++)
            members[i] = (names[i], SoundMaker.Wav(1000 + (100 * i)));
        return members;
    }

    void Put(params ReadOnlySpan<string> names)
    {
        foreach (var (name, bytes) in Members(names))
            folder.Put(name, bytes);
    }

    [Theory]
    [InlineData(SoundMaker.Mp3, "mp3", 44100, 2, 0.2)]
    [InlineData(SoundMaker.Vorbis, "ogg", 16000, 1, 0.05)]
    [InlineData(SoundMaker.Opus, "opus", 48000, 1, 0.1)]
    [InlineData(SoundMaker.Flac, "flac", 8000, 1, 0.001)]
    [InlineData(SoundMaker.Flac, "flac", 16000, 1, 0.0001)]
    public void EveryUsualFormatIsReadAtSixteenKilohertz(int format, string extension, int rate, int channels, double tolerance)
    {
        // The same 200 Hz in every file, one second of it.
        var tone = Enumerable.Range(0, rate).SelectMany(i => Enumerable.Repeat((float)(0.5 * Math.Sin(2 * Math.PI * 200 * i / rate)), channels)).ToArray();
        folder.Put($"a.{extension}", SoundMaker.Encode(format, tone, rate, channels));
        using var source = Open(folder[$"a.{extension}"]);
        using var stream = source.Read(0);
        var samples = stream.ReadAll();
        Assert.InRange(samples.Length, 16000, 17200);
        Assert.InRange(source.Length(0), 16000, 17200);
        // Lossy formats may begin later: compared by loudness and by crossings of zero.
        var middle = samples[4000..12000];
        Assert.InRange(Math.Sqrt(middle.Average(x => x * x)), 0.3536 - tolerance, 0.3536 + tolerance);
        Assert.InRange(middle.Zip(middle.Skip(1)).Count(pair => pair.First < 0 != pair.Second < 0), 198, 202);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void ATarReadsLikeItsFolderPartByPart(bool compressed)
    {
        string[] names = ["top/dev/no/a.wav", "top/train/no/b.wav", "top/train/yes/c.wav"];
        SoundMaker.Tar(folder["set.tar"], compressed, Members(names));
        Put([.. names.Select(name => "set/" + name)]);
        using var packed = Open(folder["set.tar"], "folder", "train");
        using var plain = Open(folder["set", "top"], "folder", "train");
        Assert.Equal(["top/train/no/b.wav", "top/train/yes/c.wav"], Names(packed));
        Assert.Equal(["no", "yes"], plain.ClassNames);
        Assert.Equal(Classes(plain), Classes(packed));
        Assert.Contains("split=nope", Fails(() => Open(folder["set.tar"], split: "nope")).Remedy, StringComparison.Ordinal);
        Assert.Contains("split=nope", Fails(() => Open(folder["set"], split: "nope")).Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void ShardsGiveLabelsAndTextsBesideTheirRecordings()
    {
        (string, byte[])[] Shard(int first) => [.. Enumerable.Range(first, 2).SelectMany(i => new (string, byte[])[]
        {
            ($"k{i}.flac", SoundMaker.Encode(SoundMaker.Flac, SoundMaker.Tone(800 + i))), ($"k{i}.json", SoundMaker.Text($$"""{"who": "s{{i % 2}}"}""")),
            ($"k{i}.cls", SoundMaker.Text($"{i}\n")), ($"k{i}.txt", SoundMaker.Text($"text {i}\n")),
        }).Append(($"x{first}.json", "{}"u8.ToArray()))];
        SoundMaker.Tar(folder["a-0.tar"], compressed: false, Shard(0));
        SoundMaker.Tar(folder["a-1.tar"], compressed: true, Shard(2));
        using var source = Open(folder["a-{0..1}.tar"], "json:who");
        Assert.Equal(["k0", "k1", "k2", "k3"], Names(source));
        Assert.Equal(["s0", "s1", "s0", "s1"], Classes(source));
        Assert.Equal("text 3", source.Entry(3).Text);
        Assert.Contains("2 samples", Assert.Single(warnings), StringComparison.Ordinal);
        using var numbers = Open(folder["a-*.tar"], "cls");
        Assert.Equal(3, numbers.Label(3));
        Assert.Equal(803, numbers.Length(3));
    }

    [Theory]
    [InlineData("list.csv", "path,label,text\na/x.wav,\"big, red\",\"He said \"\"no\"\"\"\r\na/y.wav,small,hm\n")]
    [InlineData("list.tsv", "audio\tlabel\tsentence\na/x.wav\tbig, red\tHe said \"no\"\na/y.wav\tsmall\thm")]
    [InlineData("list.jsonl", "{\"audio_filepath\": \"a/x.wav\", \"label\": \"big, red\", \"text\": \"He said \\\"no\\\"\"}\n\n{\"audio_filepath\": \"a/y.wav\", \"label\": \"small\", \"text\": \"hm\"}\n")]
    public void ListsGivePathsLabelsAndTexts(string name, string text)
    {
        Put("a/x.wav", "a/y.wav");
        using var source = Open(folder.Write(name, text));
        Assert.Equal(["a/x.wav", "a/y.wav"], Names(source));
        Assert.Equal(["big, red", "small"], Classes(source));
        Assert.Equal("He said \"no\"", source.Entry(0).Text);
        if (name.EndsWith("jsonl", StringComparison.Ordinal))
        {
            using var fields = Open(folder[name], "json:text");
            Assert.Equal(["He said \"no\"", "hm"], fields.ClassNames);
        }
    }

    [Fact]
    public void ALineThatIsNoJsonAndAListOfNothingAreErrors()
    {
        Assert.Contains("line 2", Fails(() => Open(folder.Write("a.jsonl", "{\"path\": \"a.wav\"}\n{oops\n"))).Message, StringComparison.Ordinal);
        Assert.Contains("nowhere.wav", Fails(() => Open(folder.Write("b.csv", "path\nnowhere.wav\n"))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ManifestsDropShortLinesWithTheirWordsAndTellWrongSizes()
    {
        Put("root/a b.wav", "root/c.wav", "root/d.wav");
        folder.Write("lists/train.tsv", $"{folder["root"]}\na b.wav\t1000\nc.wav\t10\nd.wav\t999\n");
        folder.Write("lists/train.wrd", "ONE\nTWO\nTHREE\n");
        using var source = AudioSource.Open(folder["lists", "train.tsv"], shortest: 100);
        Assert.Equal(["a b.wav", "d.wav"], Names(source));
        Assert.Equal(["ONE", "THREE"], Enumerable.Range(0, 2).Select(i => source.Entry(i).Text!));
        using (var sound = source.Read(0))
            Assert.Equal(1000, sound.ReadAll().Length);
        var error = Fails(() => source.Read(1).Dispose());
        Assert.Contains("999 samples, the file has 1200", error.Message, StringComparison.Ordinal);
        Assert.EndsWith("d.wav", error.Where, StringComparison.Ordinal);
        folder.Write("lists/train.wrd", "ONE\nTWO\n");
        Assert.Contains("2 lines for the 3 recordings", Fails(() => AudioSource.Open(folder["lists", "train.tsv"])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void CommonVoicesPartsTextsAndSpeakersComeFromItsLists()
    {
        Put("fr/clips/a.mp3", "fr/clips/b.mp3", "fr/clips/c.mp3");
        folder.Write("fr/train.tsv", "locale\tclient_id\tpath\tsentence\nfr\tu2\tb.mp3\t\"Quoi ?\" dit-il\nfr\tu1\ta\t\"\nfr\tu1\tmissing.mp3\tx\n");
        folder.Write("fr/dev.tsv", "client_id\tpath\tsentence\tup_votes\nu3\tc.mp3\tOui.\t\n");
        folder.Write("fr/clip_durations.tsv", "clip\tduration[ms]\na.mp3\t1\n");
        using var train = Open(folder["fr"], "speaker", "train");
        Assert.Equal(["clips/b.mp3", "clips/a.mp3"], Names(train));
        Assert.Equal(["u2", "u1"], Classes(train));
        Assert.Equal("\"Quoi ?\" dit-il", train.Entry(0).Text);
        Assert.Contains("1 of the 3", Assert.Single(warnings), StringComparison.Ordinal);
        using var all = Open(folder["fr"], "speaker");
        Assert.Equal(["u1", "u2", "u3"], Classes(all));
        using var list = Open(folder["fr", "dev.tsv"], "speaker");
        Assert.Equal(("Oui.", "u3"), (list.Entry(0).Text, Classes(list)[0]));
    }

    [Fact]
    public void LjSpeechsPartsComeFromItsLists()
    {
        Put("lj/wavs/a.wav", "lj/wavs/b.wav");
        folder.Write("lj/metadata.csv", "a|\"Mr. 1\"|Mister one\nb|b|\n");
        folder.Write("lj/metadata_test.csv", "b|B\n");
        using var test = Open(folder["lj"], split: "test");
        Assert.Equal("wavs/b.wav", Assert.Single(Names(test)));
        Assert.Equal("B", test.Entry(0).Text);
        using var list = Open(folder["lj", "metadata.csv"]);
        Assert.Equal("Mister one", list.Entry(0).Text);
    }

    [Fact]
    public void SpeechCommandsPartsComeFromItsListsOrFromItsRule()
    {
        string[] names = ["bed/0a_nohash_0.wav", "bed/1b_nohash_0.wav", "cat/0a_nohash_1.wav", "cat/2c_nohash_0.wav", "_background_noise_/hum.wav"];
        Put([.. names]);
        var byRule = names.Take(4).GroupBy(name => CorpusLists.SpeechCommandsPart(name).Split, StringComparer.Ordinal).ToDictionary(group => group.Key, group => group.ToArray(), StringComparer.Ordinal);
        foreach (var (part, expected) in byRule)
        {
            using var source = Open(folder.Path, "none", part);
            Assert.Equal(expected, Names(source));
        }
        folder.Write("validation_list.txt", "bed/0a_nohash_0.wav\n");
        folder.Write("testing_list.txt", "cat/2c_nohash_0.wav\n");
        using var training = Open(folder.Path, "folder", "train");
        Assert.Equal(["bed/1b_nohash_0.wav", "cat/0a_nohash_1.wav"], Names(training));
        using var testing = Open(folder.Path, "speaker", "test");
        Assert.Equal(["2c"], testing.ClassNames);
        using var all = Open(folder.Path, "folder");
        Assert.Equal(["bed", "cat"], all.ClassNames);
    }

    [Fact]
    public void SpeakersAndPartsOfNamesAreLabels()
    {
        Put("libri/train/19/198/19-198-0000.wav", "libri/train/26/7/26-7-0001.wav", "vox/wav/id10001/v/00001.wav", "vox/wav/id10002/v/00001.wav", "digits/0_jo-hn_1.wav", "digits/7_ann_2.wav");
        using var libri = Open(folder["libri"], "speaker", "train");
        Assert.Equal(["19", "26"], Classes(libri));
        using var vox = Open(folder["vox"], "speaker");
        Assert.Equal(["id10001", "id10002"], Classes(vox));
        using var digits = Open(folder["digits"], "name:1");
        Assert.Equal(["0", "7"], Classes(digits));
        using var words = Open(folder["digits"], "name:2");
        Assert.Equal(["jo", "ann"], Classes(words));
        Assert.Contains("7_ann_2.wav", Fails(() => Open(folder["digits"], "name:4")).Where, StringComparison.Ordinal);
        Assert.Equal(ErrorKind.Usage, Fails(() => Open(folder["digits"], "name:0")).Kind);
        Assert.Contains("does not tell its speaker", Fails(() => Open(folder["digits"], "speaker")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void PicturesTakeLabelsFromTheirNamesToo()
    {
        PictureMaker.Tree(folder["set"], 1, 1);
        File.Move(folder["set", "a", "0.ppm"], folder["set", "a", "cat_3.ppm"]);
        using var source = PictureSource.Open(folder["set"], null, "name:1");
        Assert.Equal(["cat"], source.ClassNames!);
    }

    [Fact]
    public void FilesNamedOneByOneKeepTheirNames()
    {
        Put("a.wav");
        using var source = AudioSource.OfFiles([folder["a.wav"], folder["gone.wav"]]);
        Assert.Equal([folder["a.wav"], folder["gone.wav"]], Names(source));
        Assert.Equal(1000, source.Length(0));
        Assert.Contains("gone.wav", Fails(() => source.Length(1)).Where, StringComparison.Ordinal);
    }

    [Fact]
    public void OtherDataIsAnErrorThatSaysWhatIsThere()
    {
        folder.Put("set/a.png", File.ReadAllBytes(PictureMaker.Png));
        var error = Fails(() => Open(folder["set"]));
        Assert.Contains("1 .png", error.Message, StringComparison.Ordinal);
        Assert.Contains("wav, flac", error.Expected, StringComparison.Ordinal);
        Assert.Equal(ErrorKind.Usage, Fails(() => Open(folder["set"], format: "cifar10")).Kind);
    }
}
