using Tandem.Cli.Commands;
using Tandem.Recipes;

namespace Tandem.Cli;

/// <summary>All commands, in the order in which help shows them. Registration is one line here.</summary>
static class Catalog
{
    public static IReadOnlyList<Command> All { get; } =
    [
        new DemoCommand(),
        new PretrainCommand(),
        new ResumeCommand(),
        new EvaluateCommand(),
        new EmbedCommand(),
        new RunsLsCommand(),
        new RunsShowCommand(),
        new RunsCompareCommand(),
        new RunsReportCommand(),
        new RunsRmCommand(),
        new ModelsLsCommand(),
        new ModelsInspectCommand(),
        new DataInspectCommand(),
        new DataTokenizeCommand(),
        new DataVocabTrainCommand(),
        new RecipesLsCommand(),
        new RecipesShowCommand(),
        new RecipesExplainCommand(),
        new RecipesSchemaCommand(),
        new VerifyCommand(),
        new DoctorCommand(),
        new VersionCommand(),
        new HelpCommand(),
    ];

    /// <summary>What the first words of commands with several stand for.</summary>
    public static IReadOnlyDictionary<string, string> Groups { get; } = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["runs"] = "How training went",
        ["models"] = "What was learned",
        ["data"] = "What to learn from",
        ["data vocab"] = "Vocabularies of text",
        ["recipes"] = "What to learn, and how",
    };

    /// <summary>The command of this name, or null.</summary>
    public static Command? Find(string name) => All.FirstOrDefault(command => command.Name == name);

    /// <summary>The commands of a group.</summary>
    public static IEnumerable<Command> In(string group) => All.Where(command => command.Name.StartsWith(group + " ", StringComparison.Ordinal));

    /// <summary>The error for a name that is none.</summary>
    public static TandemException Unknown(string name)
    {
        var group = name.Split(' ')[0];
        List<string> names = In(group).Any() ? [.. In(group).Select(command => command.Name)] : [.. All.Select(command => command.Name).Concat(All.Select(command => command.Name.Split(' ')[0])).Distinct()];
        return new TandemException(ErrorKind.Usage, $"there is no command '{name}'", expected: $"one of {string.Join(", ", names)}", remedy: $"{Nearest.Question(name, names)}'tandem help' shows them all");
    }
}
