using System.Text.RegularExpressions;
using Tandem.Cli;
using Tandem.Tests.House;
using Xunit;

namespace Tandem.Tests.Docs;

/// <summary>Documents promise nothing that does not work.</summary>
public sealed partial class DocumentTests
{
    static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);

    static IEnumerable<string> Documents => Directory.GetFiles(Repository.Root, "*.md").Concat(Repository.Files("docs", "*.md")).Select(Repository.Relative).Order(StringComparer.Ordinal);

    /// <summary>The reference shows every command's example, with names that stand for anything.</summary>
    public static TheoryData<string> Shown => new(Documents.Where(document => !document.EndsWith("commands.md", StringComparison.Ordinal) && Commands(document).Any()).Select(document => new TheoryDataRow<string>(document)));

    /// <summary>Scripts around the program run themselves in other tests (one of them runs this one).</summary>
    static IEnumerable<DocumentCommands.Shown> Commands(string document) =>
        DocumentCommands.Read(document).Where(command => command.Skip is null && !command.Text.StartsWith("./test.sh", StringComparison.Ordinal) && !command.Text.StartsWith("bench/", StringComparison.Ordinal));

    [Theory]
    [MemberData(nameof(Shown))]
    public void TheCommandsThatADocumentShowsWorkOneAfterTheOther(string document)
    {
        using var folder = new TemporaryFolder();
        foreach (var part in new[] { "test", "recipes", "demo" }.Where(part => Directory.Exists(Repository.At(part))))
            Directory.CreateSymbolicLink(folder[part], Repository.At(part));
        OwnPictures.Put(folder["photos"]);
        OwnSpeechAndText.Put(folder);
        foreach (var command in Commands(document))
        {
            var result = DocumentCommands.Run(command, folder.Path, Limit);
            Assert.True(result.ExitCode == 0, $"{command}\nended with {result.ExitCode}\n{result.Error}");
        }
    }

    [Fact]
    public void CommandReferenceIsWhatTheCommandsSay()
    {
        var file = Repository.At("docs", "commands.md");
        var expected = CommandReference.Markdown();
        if (Environment.GetEnvironmentVariable("TANDEM_UPDATE") is { Length: > 0 })
            File.WriteAllText(file, expected);
        Assert.True(File.Exists(file) && File.ReadAllText(file) == expected, "docs/commands.md is not what the commands say of themselves: TANDEM_UPDATE=1 ./test.sh CommandReference");
    }

    [Fact]
    public void LinksBetweenDocumentsLeadSomewhere()
    {
        List<string> wrong = [];
        foreach (var document in Documents)
        {
            foreach (Match link in Link().Matches(File.ReadAllText(Repository.At(document))))
            {
                var target = link.Groups["target"].Value.Split('#')[0];
                var path = Path.Combine(Path.GetDirectoryName(Repository.At(document))!, target);
                if (target.Length > 0 && !target.Contains("://", StringComparison.Ordinal) && !File.Exists(path) && !Directory.Exists(path))
                    wrong.Add($"{document}: {target}");
            }
        }
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    [Fact]
    public void CommandsAreReadWithTheirCommentsShorteningsAndContinuations()
    {
        string[] lines =
        [
            "```text", "tandem nothing", "```",
            "<!-- test: steps=20 -->",
            "```sh", "# a comment", "tandem pretrain r \\", "    data=x steps=5000   # as published", "tandem pretrain r data=x", "tandem embed m x out=y", "```",
            "```sh", "tandem pretrain r steps=7", "```",
            "<!-- test: skip: needs two machines -->",
            "```sh", "tandem launch -n 2 -- true", "```",
        ];
        var commands = DocumentCommands.Parse("X.md", lines);
        Assert.Equal(["tandem pretrain r data=x steps=20", "tandem pretrain r data=x steps=20", "tandem embed m x out=y", "tandem pretrain r steps=7", "tandem launch -n 2 -- true"], commands.Select(command => command.Shortened));
        Assert.Equal("tandem pretrain r data=x steps=5000", commands[0].Text);
        Assert.Equal([null, null, null, null, "needs two machines"], commands.Select(command => command.Skip));
    }

    [Fact]
    public void EveryCommandHasAnExampleOfItself() =>
        Assert.All(Catalog.All, command => Assert.StartsWith($"tandem {command.Name}", command.Example));

    [GeneratedRegex(@"\]\((?<target>[^)\s]+)\)", RegexOptions.ExplicitCapture)]
    private static partial Regex Link();
}
