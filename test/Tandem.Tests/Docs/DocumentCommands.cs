using System.Diagnostics;
using System.Text.RegularExpressions;
using Tandem.Tests.House;

namespace Tandem.Tests.Docs;

/// <summary>
/// The commands that a document shows in its <c>sh</c> blocks, and a way to run them. A comment <c>&lt;!-- test: steps=20 --&gt;</c> on a line
/// before a block shortens its commands: each <c>key=value</c> in it replaces that key's value, or is added to commands that train.
/// <c>&lt;!-- test: skip: reason --&gt;</c> leaves a block out.
/// </summary>
static partial class DocumentCommands
{
    /// <summary>A command of a document.</summary>
    /// <param name="Document">The document, from the root of the repository.</param>
    /// <param name="Line">Its line there.</param>
    /// <param name="Text">As it is printed.</param>
    /// <param name="Shortened">As tests run it.</param>
    /// <param name="Skip">Why tests leave it out, or null.</param>
    public sealed record Shown(string Document, int Line, string Text, string Shortened, string? Skip)
    {
        public override string ToString() => $"{Document}:{Line}: {Text}";
    }

    /// <summary>What a run said and how it ended.</summary>
    public sealed record Result(int ExitCode, string Output, string Error);

    /// <summary>All commands of a document, in order.</summary>
    public static IReadOnlyList<Shown> Read(string document) => Parse(document, File.ReadAllLines(Repository.At(document)));

    /// <summary>The same, of lines.</summary>
    public static IReadOnlyList<Shown> Parse(string document, IReadOnlyList<string> lines)
    {
        List<Shown> found = [];
        var inside = false;
        string replacements = "", pending = "";
        string? skip = null;
        for (var i = 0; i < lines.Count; i++)
        {
            var line = lines[i].Trim();
            if (line.StartsWith("```", StringComparison.Ordinal))
            {
                if (inside)
                    (replacements, skip) = ("", null);
                inside = !inside && line == "```sh";
            }
            else if (!inside && Directive().Match(line) is { Success: true } directive)
            {
                var text = directive.Groups["text"].Value;
                (replacements, skip) = text.StartsWith("skip:", StringComparison.Ordinal) ? ("", text["skip:".Length..].Trim()) : (text, null);
            }
            else if (inside && Uncommented(line) is { Length: > 0 } part)
            {
                if (part[^1] == '\\')
                {
                    pending += part[..^1].TrimEnd() + " ";
                    continue;
                }
                var command = pending + part;
                pending = "";
                found.Add(new Shown(document, i + 1, command, Shorten(command, replacements), skip));
            }
        }
        return found;
    }

    /// <summary>Runs a command with bash in a folder; <c>./tandem</c> and <c>tandem</c> are the program that the tests were built with.</summary>
    public static Result Run(Shown command, string folder, TimeSpan limit)
    {
        var program = $"dotnet {Path.Combine(AppContext.BaseDirectory, "tandem-cli.dll")}";
        var text = Program().Replace(command.Shortened, match => match.Groups["before"].Value + program);
        using var process = Process.Start(new ProcessStartInfo("bash", ["-euo", "pipefail", "-c", text])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = folder,
        })!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(limit))
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{command} did not end within {limit}");
        }
        return new Result(process.ExitCode, output.GetAwaiter().GetResult(), error.GetAwaiter().GetResult());
    }

    static string Shorten(string command, string replacements)
    {
        foreach (var replacement in replacements.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            var key = replacement[..(replacement.IndexOf('=', StringComparison.Ordinal) + 1)];
            var words = command.Split(' ');
            if (words.Any(word => word.StartsWith(key, StringComparison.Ordinal)))
                command = string.Join(' ', words.Select(word => word.StartsWith(key, StringComparison.Ordinal) ? replacement : word));
            else if (Trains().IsMatch(command))
                command += " " + replacement;
        }
        return command;
    }

    /// <summary>Comments stand behind a word or alone; a # within quotes is nobody's habit here.</summary>
    static string Uncommented(string line) => line.StartsWith('#') ? "" : line.Split(" #")[0].TrimEnd();

    [GeneratedRegex(@"^<!-- test: (?<text>.+?) -->$", RegexOptions.ExplicitCapture)]
    private static partial Regex Directive();

    [GeneratedRegex(@"(?<before>^|[|;&]\s*)(\./)?tandem(?=\s|$)", RegexOptions.ExplicitCapture)]
    private static partial Regex Program();

    [GeneratedRegex(@"^(\./)?tandem (pretrain|finetune|race|demo)\b", RegexOptions.ExplicitCapture)]
    private static partial Regex Trains();
}
