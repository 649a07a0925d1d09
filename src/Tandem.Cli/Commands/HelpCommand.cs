using System.Text.Json.Nodes;

namespace Tandem.Cli.Commands;

/// <summary><c>tandem help</c>: all commands, or one, example first.</summary>
sealed class HelpCommand : Command
{
    public override string Name => "help";

    public override string Summary => "Shows all commands, or how to use one";

    public override string Example => "tandem help verify";

    public override IReadOnlyList<Operand> Operands { get; } = [new("COMMAND", "the command in question", Times.AnyNumber)];

    public override Task<int> Run(Call call)
    {
        var name = string.Join(' ', call.Operands);
        var commands = name.Length == 0 ? Catalog.All : Catalog.Find(name) is { } command ? [command] : [.. Catalog.In(name)];
        if (commands.Count == 0)
            throw Catalog.Unknown(name);
        if (name.Length == 0)
            Overview(call.Output);
        else if (commands.Count == 1 && commands[0].Name == name)
            One(commands[0], call.Output);
        else
            Group(name, commands, call.Output);
        call.Output.Document(new JsonObject { ["commands"] = new JsonArray([.. commands.Select(ToJson)]) });
        return Task.FromResult(0);
    }

    static void Overview(Output output)
    {
        output.Line("Tandem: self-supervised pre-training and use of encoders on your own data.");
        output.Line();
        output.Line("  tandem doctor            what this machine has, and what it lacks");
        output.Line("  tandem help COMMAND      how to use a command, example first");
        output.Line();
        List(Catalog.All, output);
        output.Line();
        Options(output);
    }

    static void Group(string name, IReadOnlyList<Command> commands, Output output)
    {
        output.Line($"tandem {name}: {char.ToLowerInvariant(Catalog.Groups[name][0])}{Catalog.Groups[name][1..]}.");
        output.Line();
        List(commands, output);
    }

    static void One(Command command, Output output)
    {
        output.Line($"  {command.Example}");
        output.Line();
        output.Line($"{command.Summary}.");
        output.Line($"Usage: {command.Usage}");
        Section("", command.Operands.Select(operand => (operand.Name, operand.Summary)), output);
        Section("Settings (key=value):", command.Settings.Select(setting => (setting.Key + "=", setting.Summary)), output);
        if (command.TakesRecipeKeys)
        {
            output.Line();
            output.Line("Every key of the recipe can be set as well, and @file.json merges a file; later ones win.");
        }
        if (command.Remarks is { } remarks)
        {
            output.Line();
            output.Line(remarks);
        }
        output.Line();
        Options(output);
    }

    static void List(IEnumerable<Command> commands, Output output)
    {
        foreach (var command in commands)
            output.Line($"  {command.Name,-18} {command.Summary}");
    }

    static void Section(string title, IEnumerable<(string Name, string Summary)> rows, Output output)
    {
        var all = rows.ToList();
        if (all.Count == 0)
            return;
        output.Line();
        if (title.Length > 0)
            output.Line(title);
        foreach (var (name, summary) in all)
            output.Line($"  {name,-18} {summary}");
    }

    static void Options(Output output)
    {
        output.Line("Everywhere:");
        foreach (var (name, value, summary) in GlobalOptions.Described)
            output.Line($"  {(value is null ? name : $"{name} {value}"),-30} {summary}");
    }

    static JsonObject ToJson(Command command) => new()
    {
        ["name"] = command.Name,
        ["summary"] = command.Summary,
        ["example"] = command.Example,
        ["usage"] = command.Usage,
        ["operands"] = new JsonArray([.. command.Operands.Select(operand => (JsonNode)new JsonObject { ["name"] = operand.Name, ["summary"] = operand.Summary, ["required"] = operand.Required, ["repeats"] = operand.Repeats })]),
        ["settings"] = new JsonArray([.. command.Settings.Select(setting => (JsonNode)new JsonObject { ["key"] = setting.Key, ["summary"] = setting.Summary, ["required"] = setting.Required })]),
        ["recipe_keys"] = command.TakesRecipeKeys,
    };
}
