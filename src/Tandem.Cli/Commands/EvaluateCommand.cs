using System.Globalization;
using System.Text.Json.Nodes;
using Tandem.Data.Sources;
using Tandem.Models;
using Tandem.Probes;
using Tandem.Runs;

namespace Tandem.Cli.Commands;

/// <summary><c>tandem evaluate</c>: judges an encoder's features by probes, beside baselines.</summary>
sealed class EvaluateCommand : Command
{
    static readonly string[] Probes = ["knn", "linear", "similarity"];

    public override string Name => "evaluate";

    public override string Summary => "Judges an encoder by probes on labelled samples, beside the untrained encoder and a plain description";

    public override string Example => "tandem evaluate knn,linear runs/photos train=photos/train test=photos/test";

    public override IReadOnlyList<Operand> Operands { get; } = [new("PROBES", "knn, linear, or both with a comma; similarity for pairs of texts with scores"), new("MODEL", "a model folder, a run folder (its best checkpoint, else its last) or a checkpoint folder")];

    public override IReadOnlyList<Setting> Settings { get; } =
    [
        new("train", "labelled pictures, recordings or texts that the probes learn from", Required: true),
        new("test", "labelled samples that they are scored on", Required: true),
        new("labels", "where labels come from: folder, name:N (N-th part of the file's name), speaker, json:FIELD, cls, column, own, auto (auto)"),
        new("column", "where the text stands in a table or JSON lines; two with a comma for pairs (the usual names)"),
        new("format", "format of the data, where its content does not tell: folder, tar, webdataset, cifar10, cifar100, idx, list, …"),
        new("train_split", "part of train, where its path holds several (train, where train and test are one path)"),
        new("test_split", "part of test (test, where train and test are one path)"),
        new("layer", "0: the input of the shared blocks, i: the i-th of them, last, or auto: chosen for each probe on a tenth of train (pictures last, all else auto)"),
        new("limit", "at most so many training and so many test samples, drawn by the seed (all)"),
        new("k", "neighbours that vote, for knn (20)"),
        new("vote", "plain: one vote each; weighted: DINO's exp(similarity / temperature), for knn (plain)"),
        new("temperature", "of the weighted vote (0.07)"),
        new("baselines", "untrained; pixels, log-mel or tokens, by what the encoder takes; both with a comma, or none (both)"),
        new("seed", "decides the untrained weights, the held-out tenth of train, and what limit= draws (0)"),
    ];

    public override string Remarks =>
        "Accuracy, or for similarity Spearman's correlation, stands with its 95 % interval. linear chooses its penalty on a tenth of train; test samples are only predicted. " +
        "Where train and test are one path that holds both parts (CIFAR, MNIST, folders train/ and test/), each takes its part. docs/probes.md says how to read the table.";

    public override Task<int> Run(Call call)
    {
        var probes = Wanted(call);
        var options = Options(call);
        if (ModelPath.Doubt(call.Operands[1]) is { } doubt)
            call.Output.Note(doubt);
        var preprocessing = ModelFolder.Open(ModelPath.Resolve(call.Operands[1])).Preprocessing;
        string train = call["train"]!, test = call["test"]!;
        // One path for both: each takes its part of what lies there.
        var parts = DataPaths.AreSame(train, test);
        Source Open(string path, string? part) => preprocessing.Open(path, new SourceOptions { Format = call["format"], Labels = call["labels"] ?? "auto", Column = call["column"], Split = part, Warn = call.Output.Note, Stop = call.Stop });
        TandemException Same(Exception? inner = null) => new(ErrorKind.Usage, $"train and test are the same {preprocessing.Samples}", test, $"other {preprocessing.Samples} to test on than those to learn from", "Give test=… another path.", inner);
        // One path that holds no parts at all is the same twice.
        Source Take(string path, string? asked, bool guess, string part)
        {
            if (asked is not null || !guess)
                return Open(path, asked);
            try
            {
                return Open(path, part);
            }
            catch (TandemException error) when (parts && part == "train" && error.Kind == ErrorKind.Input)
            {
                Open(path, null).Dispose();
                throw Same(error);
            }
        }
        using var learn = Take(train, call["train_split"], parts, "train");
        // A folder of CIFAR or MNIST holds both parts, and the test part is meant; elsewhere nothing has this name.
        using var judge = Take(test, call["test_split"], parts || DataPaths.HoldsTestPart(test), "test");
        if (parts && learn.Description == judge.Description && learn.Count == judge.Count && learn.Name(0) == judge.Name(0))
            throw Same();
        call.ApplyThreads();
        if (call.Options.DryRun)
        {
            string[] names = [.. probes.Select(probe => probe.Name)], encoders = [.. Evaluation.Plan(call.Operands[1], learn, judge, probes, options)];
            call.Output.Line($"{string.Join(", ", names)} on {learn.Count} training and {judge.Count} test {preprocessing.Samples}; encoders: {string.Join(", ", encoders)}");
            static JsonArray List(string[] texts) => new([.. texts.Select(text => (JsonNode)text)]);
            call.Output.Document(new JsonObject
            {
                ["dry_run"] = true,
                ["probes"] = List(names),
                ["encoders"] = List(encoders),
                ["train"] = new JsonObject { ["path"] = train, ["samples"] = learn.Count },
                ["test"] = new JsonObject { ["path"] = test, ["samples"] = judge.Count },
            });
            return Task.FromResult(0);
        }
        var report = Evaluation.Run(call.Operands[1], learn, judge, probes, options, new Listener(call.Output), call.Stop);
        Show(report, call.Output);
        call.Output.Document(report.ToJson(train, test));
        return Task.FromResult(0);
    }

    static List<Probe> Wanted(Call call)
    {
        var weighted = call.OneOf("vote", "plain", "weighted") == "weighted";
        if (call["temperature"] is not null && !weighted)
            throw new TandemException(ErrorKind.Usage, "temperature has no effect on the plain vote", "temperature", remedy: "Add vote=weighted.");
        int k = call.Whole("k") ?? 20;
        var temperature = call.Positive("temperature") ?? 0.07;
        return [.. SettingValues.Words(call.Operands[0], "probe", Probes).Select(name => name switch
        {
            "knn" => (Probe)new KnnProbe(k, weighted, temperature),
            "linear" => new LinearProbe(call.Seed()),
            _ => new SimilarityProbe(),
        })];
    }

    static EvaluationOptions Options(Call call) => new()
    {
        Baselines = call["baselines"] switch { null => null, "none" => [], var given => [.. given.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)] },
        Layer = call["layer"],
        BaselinesRequired = call["baselines"] is not null,
        Seed = call.Seed(),
        Limit = call.Whole("limit"),
        Device = call.Options.Device,
        Precision = call.Options.Precision,
        Warn = call.Output.Note,
    };

    internal static void Show(EvaluationReport report, Output output)
    {
        // Probes of scores and of classes take different data: they never stand in one table.
        if (report.Probes.All(result => result.Correlation is not null))
        {
            output.Table(["probe", "encoder", "Spearman", "95 % interval", "Pearson", "settings"], report.Probes.Select(result => (IReadOnlyList<string>)
                [result.Probe, result.Encoder, Plain(result.Correlation!.Spearman), $"{Plain(result.Low)} to {Plain(result.High)}", Plain(result.Correlation.Pearson), SettingsOf(result)]));
            Tell(report, output);
            return;
        }
        var five = report.Probes.Any(result => result.TopFive is not null && result.TopFive > result.Accuracy);
        List<string> headers = ["probe", "encoder", "accuracy", "95 % interval", "settings"];
        if (five)
            headers.Insert(4, "top 5");
        output.Table(headers, report.Probes.Select(result =>
        {
            List<string> row = [result.Probe, result.Encoder, Percent(result.Accuracy), $"{Percent(result.Low)} to {Percent(result.High)}", SettingsOf(result)];
            if (five)
                row.Insert(4, result.TopFive is { } share ? Percent(share) : "");
            return (IReadOnlyList<string>)row;
        }));
        Tell(report, output);
    }

    static void Tell(EvaluationReport report, Output output) =>
        output.Line(string.Create(CultureInfo.InvariantCulture, $"{report.TrainSamples} training, {report.TestSamples} test samples; model {report.Model}"));

    static string SettingsOf(ProbeResult result) => OwnSettings(result) + (result.Settings["layer"] is { } layer ? $", layer {layer}" : "");

    static string OwnSettings(ProbeResult result) => result.Probe == "knn" ? $"k {result.Settings["k"]}, {result.Settings["vote"]} vote"
        : result.Probe == "similarity" ? "cosine"
        : string.Create(CultureInfo.InvariantCulture, $"C {result.Settings["c"]!.GetValue<double>():0.###e+0}, {result.Settings["iterations"]} steps{(result.Settings["converged"]!.GetValue<bool>() ? "" : ", not converged")}");

    static string Plain(double correlation) => double.IsNaN(correlation) ? "undefined" : string.Create(CultureInfo.InvariantCulture, $"{correlation:0.000}");

    static string Percent(double share) => string.Create(CultureInfo.InvariantCulture, $"{100 * share:0.0} %");

    internal sealed class Listener(Output output) : IProgress<EvaluationProgress>
    {
        public void Report(EvaluationProgress value)
        {
            if (value.Result is { } result)
                output.Detail($"{result.Encoder}: {result.Probe} {(result.Correlation is { } correlation ? Plain(correlation.Spearman) : Percent(result.Accuracy))}");
            else
                output.Status(value.Total > 0 ? $"{value.Stage}: {value.Done} of {value.Total}" : value.Stage);
        }
    }
}
