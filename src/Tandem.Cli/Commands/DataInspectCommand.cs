using Tandem.Data.Sources;

namespace Tandem.Cli.Commands;

/// <summary><c>tandem data inspect</c>: what lies under a path.</summary>
sealed class DataInspectCommand : Command
{
    const int ClassesShown = 30, BadShown = 20;

    public override string Name => "data inspect";

    public override string Summary => "Says what data lies under a path: pictures, recordings or texts, classes, sizes, what is damaged";

    public override string Example => "tandem data inspect photos";

    public override IReadOnlyList<Operand> Operands { get; } = [new("PATH", "a file, folder, tar, glob or range; what data= takes")];

    public override IReadOnlyList<Setting> Settings { get; } =
    [
        new("modality", "image, audio or text, where names and content do not tell"),
        new("labels", "where labels come from: folder, name:N (N-th part of the file's name), speaker, json:FIELD, cls, column, own, none, auto (auto)"),
        new("column", "where the text stands in a table or JSON lines; two with a comma for pairs (the usual names)"),
        new("format", "format, where the content does not tell: folder, tar, webdataset, cifar10, cifar100, idx, list, text, jsonl, csv, tsv"),
        new("split", "which part, where one path holds several: train or test"),
        new("limit", $"pictures that are decoded, or recordings that are read to their end, spread over the data; all or a number ({InspectionOptions.UsualLimit})"),
        new("tokenizer", "a tokenizer's folder or file: tokens of texts are counted too"),
    ];

    public override string Remarks => "Texts are all read. Headers of recordings are all read; limit= says how many recordings are decoded to find damage.";

    public override Task<int> Run(Call call)
    {
        var source = new SourceOptions { Format = call["format"], Labels = call["labels"] ?? "auto", Column = call["column"], Split = call["split"], Warn = call.Output.Note, Stop = call.Stop };
        var found = DataInspection.Of(call.Operands[0], new()
        {
            Modality = call["modality"],
            Source = source,
            Limit = call["limit"] == "all" ? int.MaxValue : call.Whole("limit"),
            Tokenizer = call["tokenizer"],
            Progress = (done, total) => call.Output.Status(total > 0 ? $"{done} of {total}" : $"{done} so far"),
        }, call.Stop);
        call.Output.EndStatus();
        Show(found, call.Output);
        call.Output.Document(found.ToJson());
        return Task.FromResult(0);
    }

    static void Show(DataInspection found, Output output)
    {
        output.Table(["what", "value"], found.Facts.Select(fact => (IReadOnlyList<string>)[fact.What, fact.Value]));
        if (found.Classes is { } classes)
        {
            output.Line();
            output.Table(["class", found.SampleName], classes.Take(output.Verbose ? int.MaxValue : ClassesShown).Select(one => (IReadOnlyList<string>)[one.Name, $"{one.Samples}"]));
            if (!output.Verbose && classes.Count > ClassesShown)
                output.Line($"… and {classes.Count - ClassesShown} classes (--verbose shows all)");
        }
        if (found.Bad.Count > 0)
            output.Line();
        foreach (var bad in found.Bad.Take(output.Verbose ? int.MaxValue : BadShown))
            output.Line($"damaged  {bad.Reason}");
        if (!output.Verbose && found.Bad.Count > BadShown)
            output.Line($"… and {found.Bad.Count - BadShown} more (--verbose names them all)");
    }
}
