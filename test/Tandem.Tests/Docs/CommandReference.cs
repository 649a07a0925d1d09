using System.Text;
using Tandem.Cli;

namespace Tandem.Tests.Docs;

/// <summary>Writes docs/commands.md from what the commands say of themselves.</summary>
static class CommandReference
{
    public static string Markdown()
    {
        var text = new StringBuilder("# Commands\n\nWritten from the commands themselves; `tandem help COMMAND` shows the same.\n\n## Everywhere\n\n");
        Table(text, GlobalOptions.Described.Select(option => (option.Value is null ? option.Name : $"{option.Name} {option.Value}", option.Summary)));
        foreach (var command in Catalog.All)
        {
            text.Append($"\n## {command.Name}\n\n{command.Summary}.\n\n```sh\n{command.Example}\n```\n\n`{command.Usage}`\n");
            var rows = command.Operands.Select(operand => (operand.Name, operand.Summary)).Concat(command.Settings.Select(setting => (setting.Key + "=", setting.Summary))).ToList();
            if (rows.Count > 0)
            {
                text.Append('\n');
                Table(text, rows);
            }
            if (command.TakesRecipeKeys)
                text.Append("\nEvery key of the recipe can be set as well, and `@file.json` merges a file; later ones win.\n");
            if (command.Remarks is { } remarks)
                text.Append($"\n{remarks}\n");
        }
        return text.ToString();
    }

    static void Table(StringBuilder text, IEnumerable<(string Name, string Summary)> rows)
    {
        text.Append("| | |\n| --- | --- |\n");
        foreach (var (name, summary) in rows)
            text.Append($"| `{name.Replace("|", "\\|", StringComparison.Ordinal)}` | {summary.Replace("|", "\\|", StringComparison.Ordinal)} |\n");
    }
}
