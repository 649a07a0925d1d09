using Tandem.Recipes;

namespace Tandem.Cli;

/// <summary>What was asked for: one call of a command, checked against what the command says of itself.</summary>
sealed class Call
{
    readonly Dictionary<string, string> given;

    Call(Command command, GlobalOptions options, Output output, CancellationToken stop, IReadOnlyList<string> operands, IReadOnlyList<string> assignments, IReadOnlyList<string> rest)
    {
        Command = command;
        Options = options;
        Output = output;
        Stop = stop;
        Operands = operands;
        Assignments = assignments;
        Rest = rest;
        given = new(StringComparer.Ordinal);
        foreach (var assignment in assignments.Where(text => text[0] != '@'))
            given[assignment[..assignment.IndexOf('=', StringComparison.Ordinal)]] = assignment[(assignment.IndexOf('=', StringComparison.Ordinal) + 1)..];
    }

    public Command Command { get; }

    public GlobalOptions Options { get; }

    public Output Output { get; }

    /// <summary>Asks for a graceful end: finish what must not be half done, then throw <see cref="OperationCanceledException"/>.</summary>
    public CancellationToken Stop { get; }

    /// <summary>What stood without a key, in order.</summary>
    public IReadOnlyList<string> Operands { get; }

    /// <summary><c>key=value</c> and <c>@file.json</c>, in order: later ones win.</summary>
    public IReadOnlyList<string> Assignments { get; }

    /// <summary>What followed <c>--</c>.</summary>
    public IReadOnlyList<string> Rest { get; }

    /// <summary>The value of a setting, or null.</summary>
    public string? this[string key] => given.GetValueOrDefault(key);

    /// <summary>Sorts the words of a call.</summary>
    /// <exception cref="TandemException">A word is unknown, or one is missing (<see cref="ErrorKind.Usage"/>).</exception>
    public static Call Of(Command command, IEnumerable<string> words, IReadOnlyList<string> rest, GlobalOptions options, Output output, CancellationToken stop)
    {
        List<string> operands = [], assignments = [];
        foreach (var word in words)
        {
            if (word.Length > 1 && word[0] == '-')
                throw UnknownOption(command, word);
            if (IsAssignment(word) || (word.Length > 1 && word[0] == '@' && command.TakesRecipeKeys))
                assignments.Add(word);
            else
                operands.Add(word);
        }
        CheckKeys(command, assignments);
        CheckOperands(command, operands);
        CheckRequired(command, assignments);
        if (rest.Count > 0 && !command.TakesRest)
            throw new TandemException(ErrorKind.Usage, $"'tandem {command.Name}' takes nothing after '--'", rest[0], command.Usage);
        return new Call(command, options, output, stop, operands, assignments, rest);
    }

    /// <summary>A key is made of letters, digits, dots and underscores; a file that is named like one is written with its folder: <c>./a=b.png</c>.</summary>
    static bool IsAssignment(string word)
    {
        var sign = word.IndexOf('=', StringComparison.Ordinal);
        return sign > 0 && char.IsAsciiLetter(word[0]) && word.AsSpan(0, sign).IndexOfAnyExcept("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") < 0;
    }

    static TandemException UnknownOption(Command command, string word)
    {
        var name = word.Split('=')[0];
        var bare = name.TrimStart('-');
        // `--data folder` from habit: settings are written without dashes.
        if (command.Settings.Any(setting => setting.Key == bare))
            return new TandemException(ErrorKind.Usage, $"'{name}' is a setting, not an option", expected: $"{bare}=…", remedy: command.Example);
        return new TandemException(ErrorKind.Usage, $"'tandem {command.Name}' has no option '{name}'", remedy: $"{Nearest.Question(name, GlobalOptions.Described.Select(option => option.Name))}'tandem help {command.Name}' shows what there is");
    }

    static void CheckOperands(Command command, List<string> operands)
    {
        var required = command.Operands.Count(operand => operand.Required);
        if (operands.Count < required)
        {
            var missing = command.Operands[operands.Count];
            throw new TandemException(ErrorKind.Usage, $"'tandem {command.Name}' needs {missing.Name}: {missing.Summary}", expected: command.Usage, remedy: $"For example: {command.Example}");
        }
        if (operands.Count > command.Operands.Count && !command.Operands.Any(operand => operand.Repeats))
            throw new TandemException(ErrorKind.Usage, $"'tandem {command.Name}' does not know what to do with '{operands[command.Operands.Count]}'", expected: command.Usage, remedy: $"For example: {command.Example}");
    }

    static void CheckKeys(Command command, List<string> assignments)
    {
        if (command.TakesRecipeKeys)
            return;
        List<string> known = [.. command.Settings.Select(setting => setting.Key)];
        foreach (var assignment in assignments)
        {
            var key = assignment.Split('=')[0];
            if (!known.Contains(key, StringComparer.Ordinal))
            {
                throw new TandemException(
                    ErrorKind.Usage,
                    $"'tandem {command.Name}' has no setting '{key}'",
                    expected: known.Count > 0 ? $"one of {string.Join(", ", known.Select(name => name + "="))}" : command.Usage,
                    remedy: $"{Nearest.Question(key, known)}A file of this name is written ./{assignment}");
            }
        }
    }

    static void CheckRequired(Command command, List<string> assignments)
    {
        foreach (var setting in command.Settings.Where(setting => setting.Required && !assignments.Any(text => text.StartsWith(setting.Key + "=", StringComparison.Ordinal))))
            throw new TandemException(ErrorKind.Usage, $"'tandem {command.Name}' needs {setting.Key}=…: {setting.Summary}", remedy: $"For example: {command.Example}");
    }
}
