using System.CommandLine;
using Tandem.Recipes;

namespace Tandem.Cli;

/// <summary>From words to a command: the tree of commands and options is System.CommandLine's, what is said about mistakes is ours.</summary>
static class CommandLine
{
    /// <summary>Runs a command line and returns the exit code.</summary>
    public static async Task<int> Run(string[] arguments)
    {
        var (words, rest) = Split(arguments);
        // Mistakes in the command line itself are told in the form that it asks for.
        var json = words.Contains("--json", StringComparer.Ordinal);
        var verbose = words.Contains("--verbose", StringComparer.Ordinal);
        Output? output = null;
        try
        {
            return await Dispatch(words, rest, made => output = made);
        }
        catch (Exception cause)
        {
            return Faults.Tell(cause, arguments, json && output?.ErrorTold != true, verbose);
        }
    }

    static async Task<int> Dispatch(string[] words, string[] rest, Action<Output> made)
    {
        var tree = new Tree();
        // An @file is a recipe here, not more words.
        var result = tree.Root.Parse(words, new ParserConfiguration { ResponseFileTokenReplacer = null, EnablePosixBundling = false });
        if (result.Errors.Count > 0)
            throw new TandemException(ErrorKind.Usage, result.Errors[0].Message, remedy: "'tandem help' shows commands and options");
        var options = GlobalOptions.Read(tree.Flag(result), tree.Value(result));
        var output = new Output(options);
        made(output);
        var (command, given) = Chosen(tree, result);
        using var interruption = new Interruption(output);
        try
        {
            return await command.Run(Call.Of(command, given, rest, options, output, interruption.Token));
        }
        catch (OperationCanceledException) when (interruption.ExitCode != 0)
        {
            return interruption.ExitCode;
        }
        finally
        {
            output.EndStatus();
        }
    }

    static (Command Command, IReadOnlyList<string> Words) Chosen(Tree tree, ParseResult result)
    {
        var node = result.CommandResult.Command;
        string[] words = [.. result.GetValue(tree.Words[node]) ?? []];
        var help = Catalog.Find("help")!;
        var name = tree.Names[node];
        if (result.GetValue(tree.Version) && name.Length == 0)
            return (Catalog.Find("version")!, []);
        if (result.GetValue(tree.Help))
            return (help, name.Length == 0 ? [] : name.Split(' '));
        if (Catalog.Find(name) is { } command)
            return (command, words);
        // The root, or a group: its words were no command.
        var first = words.FirstOrDefault(word => word.Length > 0);
        if (first is not null && first[0] == '-')
            throw new TandemException(ErrorKind.Usage, $"there is no option '{first}'", remedy: $"{Nearest.Question(first, GlobalOptions.Described.Select(option => option.Name))}'tandem help' shows commands and options");
        if (first is not null)
            throw Catalog.Unknown($"{name} {first}".Trim());
        return (help, name.Length == 0 ? [] : [name]);
    }

    /// <summary>What follows <c>--</c> is never ours to read.</summary>
    static (string[] Words, string[] After) Split(string[] arguments)
    {
        var dashes = Array.IndexOf(arguments, "--");
        return dashes < 0 ? (arguments, []) : (arguments[..dashes], arguments[(dashes + 1)..]);
    }

    /// <summary>The commands as System.CommandLine sees them.</summary>
    sealed class Tree
    {
        readonly Dictionary<string, Option<bool>> flags = new(StringComparer.Ordinal);
        readonly Dictionary<string, Option<string>> values = new(StringComparer.Ordinal);

        public Tree()
        {
            Root = new RootCommand("Self-supervised pre-training and use of encoders on your own data");
            Root.Options.Clear();
            foreach (var (name, value, summary) in GlobalOptions.Described.Where(option => option.Name != "--help"))
            {
                if (value is null)
                    Root.Add(flags[name] = new Option<bool>(name) { Description = summary, Recursive = true, Arity = ArgumentArity.Zero });
                else
                    Root.Add(values[name] = new Option<string>(name) { Description = summary, Recursive = true, HelpName = value });
            }
            Root.Add(Help);
            Root.Add(Version);
            Know(Root, "");
            foreach (var command in Catalog.All)
                Add(command);
        }

        public RootCommand Root { get; }

        public Option<bool> Help { get; } = new("--help", "-h", "-?") { Recursive = true, Arity = ArgumentArity.Zero };

        public Option<bool> Version { get; } = new("--version") { Arity = ArgumentArity.Zero };

        public Dictionary<System.CommandLine.Command, string> Names { get; } = [];

        public Dictionary<System.CommandLine.Command, Argument<string[]>> Words { get; } = [];

        public Func<string, bool> Flag(ParseResult result) => name => result.GetValue(flags[name]);

        public Func<string, string?> Value(ParseResult result) => name => result.GetValue(values[name]);

        void Add(Command command)
        {
            var parts = command.Name.Split(' ');
            System.CommandLine.Command parent = Root;
            for (var depth = 1; depth < parts.Length; depth++)
            {
                var (word, name) = (parts[depth - 1], string.Join(' ', parts[..depth]));
                if (parent.Subcommands.FirstOrDefault(known => known.Name == word) is not { } group)
                    parent.Add(group = Know(new System.CommandLine.Command(word, Catalog.Groups[name]), name));
                parent = group;
            }
            parent.Add(Know(new System.CommandLine.Command(parts[^1], command.Summary), command.Name));
        }

        System.CommandLine.Command Know(System.CommandLine.Command node, string name)
        {
            var words = new Argument<string[]>("words") { Arity = ArgumentArity.ZeroOrMore };
            node.Add(words);
            node.SetAction(_ => { }); // never called: without one, a group without a subcommand would be an error of the library's
            Names[node] = name;
            Words[node] = words;
            return node;
        }
    }
}
