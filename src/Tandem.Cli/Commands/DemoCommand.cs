using System.Globalization;
using System.Text.Json.Nodes;
using Tandem.Data.Sources;
using Tandem.Models;
using Tandem.Probes;
using Tandem.Recipes;
using Tandem.Runs;

namespace Tandem.Cli.Commands;

/// <summary><c>tandem demo</c>: the main job on data that comes along, in a few minutes.</summary>
sealed class DemoCommand : Command
{
    /// <summary>A demo: what it learns from, and how what it learned is told.</summary>
    /// <param name="Name">As it is called, and its folder below <c>demo/</c>.</param>
    /// <param name="Samples">What it learns from, in words.</param>
    /// <param name="Told">What the probes tell of held-out samples, in words.</param>
    /// <param name="Data">What it learns from.</param>
    /// <param name="Train">Labelled samples that probes learn from.</param>
    /// <param name="Test">Labelled samples that they are scored on.</param>
    /// <param name="Labels">Where labels come from.</param>
    /// <param name="Next">The command for one's own data.</param>
    sealed record Demo(string Name, string Samples, string Told, string Data, string Train, string Test, string Labels, string Next);

    static readonly Demo[] Demos =
    [
        new("images", "emoji", "the group", "train.tar.gz", "train.tar.gz", "test.tar.gz", "folder", "./tandem pretrain data2vec2/images-cpu-10m data=FOLDER out=runs/mine   then   ./tandem embed runs/mine FOLDER out=embeddings.npy"),
        new("speech", "spoken digits", "the digit", "train.tar.gz", "train.tar.gz", "test.tar.gz", "folder", "./tandem pretrain data2vec2/speech-cpu-10m data=FOLDER out=runs/mine   then   ./tandem embed runs/mine FOLDER out=embeddings.npy"),
        new("text", "pages of eight authors", "the author", "train.txt.gz", "passages-train.tsv.gz", "passages-test.tsv.gz", "column", "./tandem pretrain data2vec2/text-cpu-10m data=FILE.txt out=runs/mine   then   ./tandem embed runs/mine FILE.txt out=embeddings.npy"),
    ];

    public override string Name => "demo";

    public override string Summary => "Trains an encoder in a few minutes on pictures, speech or text that come with Tandem";

    public override string Example => "tandem demo speech";

    public override IReadOnlyList<Operand> Operands { get; } = [new("WHAT", "images (emoji of three styles), speech (spoken digits) or text (pages of eight authors); images when left out", Times.AtMostOnce)];

    public override bool TakesRecipeKeys => true;

    public override string Remarks =>
        "Trains without labels, then judges the encoder on held-out samples by their labels (an emoji's Unicode group, the digit, the author), beside the untrained encoder and a plain description " +
        "(pixels, log-mel statistics, counts of tokens). Any key of the recipe can be set, for example out=FOLDER or steps=100.";

    public override Task<int> Run(Call call)
    {
        var name = call.Operands.Count > 0 ? call.Operands[0] : "images";
        var demo = Demos.FirstOrDefault(one => one.Name == name) ?? throw new TandemException(ErrorKind.Usage, $"there is no demo '{name}'", expected: string.Join(", ", Demos.Select(one => one.Name)));
        var recipe = $"data2vec2/demo-{demo.Name}";
        string data = File(demo, demo.Data), train = File(demo, demo.Train), test = File(demo, demo.Test);
        var folder = call["out"] ?? call["run.folder"] ?? Free(Path.Combine("runs", $"demo-{demo.Name}"));
        string[] labelled = train == data ? [$"labels={demo.Labels}"] : [$"train={train}", $"evaluate.labels={demo.Labels}"];
        var document = RecipeDocument.Load(recipe, [$"data={data}", .. labelled, $"test={test}", $"out={folder}", .. PretrainCommand.Overrides(call.Options), .. call.Assignments]);
        if (call.Options.DryRun)
            return PretrainCommand.DryRun(call, document);
        int code, seen;
        call.Output.Note($"Learning from {demo.Samples}, without labels: {data}. kNN is the share of held-out samples of which their nearest neighbours tell {demo.Told}.");
        using (var pretraining = Pretraining.Start(document, System.Environment.CommandLine, call.Output.Note, call.Stop))
        {
            seen = pretraining.Samples;
            code = PretrainCommand.Train(call, pretraining);
        }
        if (code == 0)
            Judge(call, demo, folder, seen, train, test);
        return Task.FromResult(code);
    }

    static void Judge(Call call, Demo demo, string folder, int seen, string train, string test)
    {
        var preprocessing = ModelFolder.Open(ModelPath.Resolve(folder)).Preprocessing;
        var options = new SourceOptions { Labels = demo.Labels };
        using var learn = preprocessing.Open(train, options);
        using var judge = preprocessing.Open(test, options);
        var report = Evaluation.Run(folder, learn, judge, [new KnnProbe(), new LinearProbe()], new EvaluationOptions { Device = call.Options.Device, Precision = call.Options.Precision }, new EvaluateCommand.Listener(call.Output), call.Stop);
        EvaluateCommand.Show(report, call.Output);
        call.Output.JsonLine(new JsonObject { ["event"] = "demo", ["evaluation"] = report.ToJson(train, test), ["run"] = folder });
        string Share(string probe, string encoder) => string.Create(CultureInfo.InvariantCulture, $"{100 * report.Probes.First(p => p.Probe == probe && p.Encoder == encoder).Accuracy:0} %");
        string Shares(string probe) => $"{Share(probe, "trained")} (untrained {Share(probe, "untrained")}, {preprocessing.Baseline} {Share(probe, preprocessing.Baseline)})";
        call.Output.Line();
        call.Output.Line($"1. data2vec 2.0 looked at {demo.Samples} ({seen:N0} samples), most of each hidden, and learned to predict what a slow copy of itself makes of the whole.");
        call.Output.Line($"2. It never saw a label. Of {judge.Count} held-out samples its neighbours now tell {demo.Told} of {Shares("knn")}.");
        call.Output.Line($"3. A linear classifier on its frozen features: {Shares("linear")}.");
        call.Output.Line($"4. Everything lies in {folder}; look at {Path.Combine(folder, "report.html")}: curves, gauges, what was hidden, neighbours through time.");
        call.Output.Line($"5. Next, your own data:  {demo.Next}");
    }

    static string File(Demo demo, string name)
    {
        var path = Path.Combine(AppContext.BaseDirectory, "demo", demo.Name, name);
        return System.IO.File.Exists(path) ? path : throw new TandemException(ErrorKind.Machine, "the demo's data is missing", path, "the folder demo/ beside the program", "Build again from a complete checkout.");
    }

    // The demo can be run again: each run has a folder of its own.
    static string Free(string folder)
    {
        var free = folder;
        for (var number = 2; RunFolder.IsRun(free); number++)
            free = string.Create(CultureInfo.InvariantCulture, $"{folder}-{number}");
        return free;
    }
}
