using System.Globalization;
using Tandem.Data.Text;

namespace Tandem.Cli.Commands;

/// <summary>Settings that say how text is read, shared by the commands that read it.</summary>
static class TextSettings
{
    public static IReadOnlyList<Setting> All { get; } =
    [
        new("format", "text, jsonl, csv, tsv or tar (told by name and content)"),
        new("column", "where the text stands in a table (a name of its header, or a number from 1) or in JSON lines (a field's name); the usual names, text first"),
        new("invalid", "what broken UTF-8 is: error or replace (error)"),
    ];

    public static TextOptions Read(Call call) => new()
    {
        Format = call["format"],
        Column = call["column"],
        ReplaceInvalid = call["invalid"] switch
        {
            null or "error" => false,
            "replace" => true,
            var other => throw new TandemException(ErrorKind.Usage, $"invalid={other} is not known", "invalid", "error or replace"),
        },
        Warn = call.Output.Note,
    };

    public static int Number(Call call, string key, int otherwise) => call[key] is not { } text ? otherwise
        : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0 ? number
        : throw new TandemException(ErrorKind.Usage, $"{key}={text} is no number above 0", key);
}
