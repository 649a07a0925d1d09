using System.Text.Json;
using Tandem.Recipes;
using Tandem.Runs;
using Tandem.Tests.Cli;
using Tandem.Tests.Data.Audio;
using Tandem.Torch;
using Tandem.Training;
using Xunit;

namespace Tandem.Tests.Training;

/// <summary>Speech and text from files to embeddings, by the same commands as pictures.</summary>
public sealed class SequenceRunTests
{
    // Two classes that a classifier can tell: low and high tones of different lengths, at a rate that must be resampled.
    static string Sounds(TemporaryFolder folder, string name)
    {
        for (var i = 0; i < 24; i++)
        {
            var (kind, step) = i % 2 == 0 ? ("low", 0.1) : ("high", 0.6);
            folder.Put($"{name}/{kind}/{i}.wav", SoundMaker.WavOf(SoundMaker.Tone(3000 + (100 * i), step + (0.002 * i)), rate: i % 3 == 0 ? 8000 : 16000));
        }
        return folder[name];
    }

    static string Lines(TemporaryFolder folder)
    {
        var lines = Enumerable.Range(0, 300).Select(i => i % 2 == 0 ? $"the ship sailed over the grey sea on day {i}" : $"a cook boiled {i} eggs in the small kitchen");
        return folder.Write("text.txt", string.Join("\n", lines) + "\n");
    }

    static TandemProgram.Result Run(TemporaryFolder folder, params string[] arguments) => TandemProgram.RunWith(TinyRun.Environment(folder), arguments);

    [Fact]
    public void SpeechFromAFolderToEmbeddings()
    {
        using var folder = new TemporaryFolder();
        var sounds = Sounds(folder, "sounds");
        var run = Run(folder, ["pretrain", .. TinySpeech.Recipe(folder, "run", sounds, "steps=12", "labels=folder", $"test={Sounds(folder, "judged")}", "evaluate.k=5")]);
        Assert.True(run.ExitCode == 0, run.Error);
        var samples = Directory.GetFiles(folder["run", "samples"]).Select(Path.GetFileName).ToList();
        Assert.Contains("masked-step-00000012.json", samples);
        Assert.Contains("neighbours-step-00000012.json", samples);
        Assert.Contains("map-step-00000000.json", samples);
        Assert.Contains("map-step-00000012.json", samples);
        var page = File.ReadAllText(folder["run", "report.html"]);
        Assert.Contains("class=\"above\"", page);
        Assert.Matches("data-class=\"k0\".*high <b>12</b>.*low <b>12</b>", page);
        Assert.Contains("class=\"tile query\"", page);

        var judged = Run(folder, "evaluate", "knn,linear", folder["run"], $"train={sounds}", $"test={Sounds(folder, "others")}", "labels=folder", "k=5", "--json");
        Assert.True(judged.ExitCode == 0, judged.Error);
        var probes = JsonDocument.Parse(judged.Output).RootElement.GetProperty("probes").EnumerateArray().ToList();
        Assert.Equal(["trained", "untrained", "log-mel"], probes.Where(probe => probe.GetProperty("probe").GetString() == "knn").Select(probe => probe.GetProperty("encoder").GetString()));
        Assert.Equal(1, probes.Single(probe => probe.GetProperty("encoder").GetString() == "log-mel" && probe.GetProperty("probe").GetString() == "linear").GetProperty("accuracy").GetDouble());

        // What cannot be a recording is left out, counted and named.
        folder.Write("sounds/notes.wav", "this is text");
        folder.Put("sounds/empty.wav", []);
        folder.Put("sounds/one.wav", SoundMaker.WavOf([0.5f]));
        folder.Put("sounds/nan.wav", SoundMaker.WavOf([.. Enumerable.Repeat(float.NaN, 4000)]));
        var embedded = Run(folder, "embed", folder["run"], sounds, $"out={folder["e.jsonl"]}", "--json");
        Assert.True(embedded.ExitCode == 0, embedded.Error);
        var document = JsonDocument.Parse(embedded.Output).RootElement;
        Assert.Equal(24, document.GetProperty("samples").GetInt32());
        Assert.Equal(4, document.GetProperty("skipped").GetInt32());
        Assert.All(new[] { "notes.wav", "empty.wav", "one.wav", "nan.wav" }, name => Assert.Contains(name, embedded.Error));
    }

    [Fact]
    public void TextFromAFileToEmbeddings()
    {
        using var folder = new TemporaryFolder();
        var run = Run(folder, ["pretrain", .. TinyText.Recipe(folder, "run", Lines(folder), "steps=12")]);
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Contains("vocabulary of 300 tokens", run.Error);
        var page = File.ReadAllText(folder["run", "report.html"]);
        Assert.Contains("<mark", page);
        Assert.Matches("<circle[^>]*><title>[^<]*the ship sailed over the grey sea on day", page);
        Assert.Contains("Samples that stand alone", page);
        folder.Write("train.tsv", "text\tlabel\n" + string.Concat(Enumerable.Range(0, 40).Select(i => i % 2 == 0 ? $"the ship sailed {i} miles\tsea\n" : $"boiled eggs for {i} cooks\tkitchen\n")));
        folder.Write("test.tsv", "text\tlabel\n" + string.Concat(Enumerable.Range(50, 20).Select(i => i % 2 == 0 ? $"the ship sailed {i} miles\tsea\n" : $"boiled eggs for {i} cooks\tkitchen\n")));
        var judged = Run(folder, "evaluate", "linear", folder["run"], $"train={folder["train.tsv"]}", $"test={folder["test.tsv"]}", "--json");
        Assert.True(judged.ExitCode == 0, judged.Error);
        Assert.All(JsonDocument.Parse(judged.Output).RootElement.GetProperty("probes").EnumerateArray(), probe => Assert.Equal(1, probe.GetProperty("accuracy").GetDouble()));
        var embedded = Run(folder, "embed", folder["run"], folder["text.txt"], $"out={folder["e.npy"]}", "limit=10", "--json");
        Assert.True(embedded.ExitCode == 0, embedded.Error);
        Assert.Equal(10, JsonDocument.Parse(embedded.Output).RootElement.GetProperty("samples").GetInt32());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void AnInterruptedRunEndsAsIfItHadNotBeen(bool speech)
    {
        using var folder = new TemporaryFolder();
        var data = speech ? Sounds(folder, "sounds") : Lines(folder);
        string[] Recipe(string name) => speech ? TinySpeech.Recipe(folder, name, data, "steps=14") : TinyText.Recipe(folder, name, data, "steps=14");
        var recipe = Recipe("whole");
        Assert.Equal(TrainingEnd.Finished, Train(Pretraining.Start(RecipeDocument.Load(recipe[0], recipe[1..]))));
        recipe = Recipe("cut");
        using var stop = new CancellationTokenSource();
        Assert.Equal(TrainingEnd.Stopped, Train(Pretraining.Start(RecipeDocument.Load(recipe[0], recipe[1..])), stop, at: 5));
        Assert.Equal(TrainingEnd.Finished, Train(Pretraining.Resume(folder["cut"])));
        var (student, teacher) = TinyRun.Weights(folder["whole"]);
        var (again, teacherAgain) = TinyRun.Weights(folder["cut"]);
        Assert.True(student.AsSpan().SequenceEqual(again) && teacher.AsSpan().SequenceEqual(teacherAgain), "the resumed run's weights differ");
    }

    static TrainingEnd Train(Pretraining pretraining, CancellationTokenSource? stop = null, long at = long.MaxValue)
    {
        using (pretraining)
        {
            return pretraining.Run(e =>
            {
                if (e.Kind == "step" && e.Step >= at)
                    stop!.Cancel();
            }, stop?.Token ?? CancellationToken.None).End;
        }
    }

    [Fact]
    public void MistakesAreTold()
    {
        using var folder = new TemporaryFolder();
        var sounds = Sounds(folder, "sounds");
        void Fails(ErrorKind kind, string[] recipe, params string[] words)
        {
            var result = Run(folder, ["pretrain", .. recipe]);
            Assert.True(result.ExitCode == (int)kind, $"{result.ExitCode}: {result.Error}");
            Assert.All(words, word => Assert.Contains(word, result.Error, StringComparison.OrdinalIgnoreCase));
            Assert.False(Directory.Exists(folder["run"]), "a run folder was left behind");
        }
        Fails(ErrorKind.Usage, TinySpeech.Recipe(folder, "run", sounds, "data.modality=smell"), "smell", "image, audio, text");
        Fails(ErrorKind.Usage, TinySpeech.Recipe(folder, "run", sounds, "data.min_samples=10"), "data.min_samples", "too short");
        Fails(ErrorKind.Usage, TinySpeech.Recipe(folder, "run", sounds, "model.front_end.extractor=16:10"), "extractor", "channels:kernel:stride");
        Fails(ErrorKind.Input, TinySpeech.Recipe(folder, "run", folder.Write("nothing/readme.md", "text")[..^"/readme.md".Length]), "recording");
        Fails(ErrorKind.Usage, TinyText.Recipe(folder, "run", Lines(folder), "data.tokens=40"), "positions", "max_tokens");
        Fails(ErrorKind.Input, TinyText.Recipe(folder, "run", folder.Write("empty.txt", "\n\n")), "no text");
        File.WriteAllBytes(folder["latin.txt"], [.. "caf"u8, 0xE9, (byte)'\n']);
        Fails(ErrorKind.Input, TinyText.Recipe(folder, "run", folder["latin.txt"]), "latin.txt, line 1", "UTF-8");
        var small = TandemProgram.RunWith(TinyRun.Environment(folder), "data", "vocab", "train", Lines(folder), $"out={folder["vocabulary"]}", "size=400", "min_frequency=1");
        Assert.True(small.ExitCode == 0, small.Error);
        Fails(ErrorKind.Usage, TinyText.Recipe(folder, "run", Lines(folder), $"data.tokenizer={folder["vocabulary"]}", "model.front_end.vocabulary=270"), "vocabulary", "270");
    }
}
