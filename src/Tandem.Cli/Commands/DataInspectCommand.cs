using System.Globalization;
using Tandem.Data.Sources;

namespace Tandem.Cli.Commands;

/// <summary><c>tandem data inspect</c>: what lies under a path.</summary>
sealed class DataInspectCommand : Command
{
    const int ClassesShown = 30, BadShown = 20, LookedAt = 5000;

    public override string Name => "data inspect";

    public override string Summary => "Says what data lies under a path: format, classes, sizes, damaged files";

    public override string Example => "tandem data inspect photos";

    public override IReadOnlyList<Operand> Operands { get; } = [new("PATH", "a file, folder, tar, glob or range; what data= takes")];

    public override IReadOnlyList<Setting> Settings { get; } =
    [
        new("labels", "where labels come from: folder, name:N (N-th part of the file's name), json:FIELD, cls, column, own, none, auto (auto)"),
        new("format", "format, where the content does not tell: folder, tar, webdataset, cifar10, cifar100, idx, list"),
        new("split", "which part, where one path holds several: train or test"),
        new("limit", $"pictures that are decoded, spread over the data; all or a number ({LookedAt})"),
    ];

    public override Task<int> Run(Call call)
    {
        var options = new SourceOptions { Format = call["format"], Labels = call["labels"] ?? "auto", Split = call["split"], Warn = call.Output.Note };
        int? limit = call["limit"] == "all" ? null : call.Whole("limit") ?? LookedAt;
        var found = DataInspection.Of(call.Operands[0], options, limit, progress: (done, total) => call.Output.Status($"{done} of {total} pictures"), cancellation: call.Stop);
        Show(found, call.Output);
        call.Output.Document(found.ToJson());
        return Task.FromResult(0);
    }

    static void Show(DataInspection found, Output output)
    {
        List<IReadOnlyList<string>> facts =
        [
            ["data", found.Description],
            ["pictures", found.Samples.ToString("N0", CultureInfo.InvariantCulture)],
            ["classes", found.Classes is null ? "no labels" : found.Classes.Count.ToString(CultureInfo.InvariantCulture)],
            ["width", Range(found.Widths)],
            ["height", Range(found.Heights)],
            ["damaged", $"{found.Bad.Count} of {found.Looked} looked at"],
        ];
        output.Table(["what", "value"], facts);
        if (found.Classes is { } classes)
        {
            output.Line();
            output.Table(["class", "pictures"], classes.Take(output.Verbose ? int.MaxValue : ClassesShown).Select(one => (IReadOnlyList<string>)[one.Name, one.Samples.ToString(CultureInfo.InvariantCulture)]));
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

    static string Range((int Least, int Median, int Most)? sides) => sides is not { } range ? "unknown"
        : range.Least == range.Most ? $"{range.Least} pixels"
        : $"{range.Least} to {range.Most} pixels, half below {range.Median}";
}
