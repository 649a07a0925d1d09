using System.Globalization;
using System.Text.Json.Nodes;
using Tandem.Data.Images;
using Tandem.Data.Sources;
using Tandem.Probes;
using Tandem.Recipes;
using Tandem.Runs;

namespace Tandem.Cli.Commands;

/// <summary><c>tandem demo</c>: the main job on data that comes along, in a few minutes.</summary>
sealed class DemoCommand : Command
{
    const string Recipe = "data2vec2/demo-images";

    public override string Name => "demo";

    public override string Summary => "Watches an encoder learn from real pictures that come along, in a few minutes";

    public override string Example => "tandem demo";

    public override IReadOnlyList<Operand> Operands { get; } = [new("WHAT", "images", Times.AtMostOnce)];

    public override bool TakesRecipeKeys => true;

    public override string Remarks => "Trains on emoji of three styles without their labels, then judges the encoder on held-out ones by their Unicode group, beside the untrained encoder and the bare pixels. Any key of the recipe can be set, for example out=FOLDER or steps=100.";

    public override Task<int> Run(Call call)
    {
        if (call.Operands.Count > 0 && call.Operands[0] != "images")
            throw new TandemException(ErrorKind.Usage, $"there is no demo '{call.Operands[0]}'", expected: "images");
        var (train, test) = (Data("train.tar.gz"), Data("test.tar.gz"));
        var folder = call["out"] ?? call["run.folder"] ?? Free(Path.Combine("runs", "demo-images"));
        var document = RecipeDocument.Load(Recipe, [$"data={train}", "labels=folder", $"test={test}", $"out={folder}", .. PretrainCommand.Overrides(call.Options), .. call.Assignments]);
        if (call.Options.DryRun)
            throw new TandemException(ErrorKind.Usage, "the demo has no dry run", remedy: $"tandem pretrain {Recipe} data={train} out={folder} --dry-run");
        int code;
        call.Output.Note($"Learning from pictures without labels: {train}. kNN is the share of held-out pictures whose group their nearest neighbours tell.");
        using (var pretraining = Pretraining.Start(document, System.Environment.CommandLine, call.Output.Note))
            code = PretrainCommand.Train(call, pretraining);
        if (code != 0)
            return Task.FromResult(code);
        Judge(call, folder, train, test);
        return Task.FromResult(0);
    }

    static void Judge(Call call, string folder, string train, string test)
    {
        var options = new SourceOptions { Labels = "folder" };
        using var learn = PictureCache.Open(train, options, PictureReading.Natural);
        using var judge = PictureCache.Open(test, options, PictureReading.Natural);
        var report = Evaluation.Run(folder, learn, judge, [new KnnProbe(), new LinearProbe()], new EvaluationOptions { Device = call.Options.Device, Precision = call.Options.Precision }, new EvaluateCommand.Listener(call.Output), call.Stop);
        EvaluateCommand.Show(report, call.Output);
        call.Output.JsonLine(new JsonObject { ["event"] = "demo", ["evaluation"] = report.ToJson(train, test), ["run"] = folder });
        string Share(string probe, string encoder) => string.Create(CultureInfo.InvariantCulture, $"{100 * report.Probes.First(p => p.Probe == probe && p.Encoder == encoder).Accuracy:0} %");
        call.Output.Line();
        call.Output.Line($"1. data2vec 2.0 looked at {learn.Count} emoji, most of each hidden, and learned to predict what a slow copy of itself sees of the whole.");
        call.Output.Line($"2. It never saw a label. Of {judge.Count} held-out emoji its neighbours now tell the group of {Share("knn", "trained")} (untrained {Share("knn", "untrained")}, pixels {Share("knn", "pixels")}).");
        call.Output.Line($"3. A linear classifier on its frozen features: {Share("linear", "trained")} (untrained {Share("linear", "untrained")}, pixels {Share("linear", "pixels")}).");
        call.Output.Line($"4. Everything lies in {folder}; look at {Path.Combine(folder, "report.html")}: curves, gauges, neighbours through time.");
        call.Output.Line("5. Next, your own pictures:  ./tandem pretrain data2vec2/images-mini data=FOLDER out=runs/mine   then   ./tandem embed runs/mine FOLDER out=embeddings.npy");
    }

    static string Data(string name)
    {
        var path = Path.Combine(AppContext.BaseDirectory, "demo", "images", name);
        return File.Exists(path) ? path : throw new TandemException(ErrorKind.Machine, "the demo's pictures are missing", path, "the folder demo/ beside the program", "Build again from a complete checkout.");
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
