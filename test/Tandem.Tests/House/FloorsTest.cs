using System.Text.RegularExpressions;
using Xunit;

namespace Tandem.Tests.House;

/// <summary>
/// The house has floors (docs/design.md): a room leans only on rooms below it. Rooms are folders and namespaces at once; what a file leans
/// on is read from its usings and from names that it writes out.
/// </summary>
public sealed partial class FloorsTest
{
    /// <summary>Lowest first. Rooms of one floor do not lean on each other.</summary>
    static readonly string[][] Floors =
    [
        ["Torch"],
        ["Layers", "Data"],
        ["Networks"],
        ["Models"],
        ["Probes", "Runs"],
        ["Training"],
        ["Methods", "Tasks"],
        ["Recipes"],
        ["Verify", ""],
        ["Cli", "Extensions.AI"],
    ];

    /// <summary>Where a room may look sideways or up, each with its reason.</summary>
    static readonly (string From, string To)[] Exceptions =
    [
    ];

    [Fact]
    public void ARoomLeansOnlyOnRoomsBelowIt()
    {
        List<string> wrong = [];
        foreach (var file in Repository.Files("src", "*.cs"))
        {
            var room = RoomOfFile(Repository.Relative(file));
            foreach (var (line, other) in Leans(File.ReadAllLines(file)))
            {
                if (other != room && Floor(other) >= Floor(room) && !Exceptions.Contains((room, other)))
                    wrong.Add($"{Repository.Relative(file)}:{line}: {Name(room)} leans on {Name(other)}");
            }
        }
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    [Fact]
    public void AFilesNamespaceIsItsFolder()
    {
        List<string> wrong = [];
        foreach (var file in Repository.Files("src", "*.cs"))
        {
            var path = Repository.Relative(file);
            var match = Namespace().Match(File.ReadAllText(file));
            if (!match.Success)
                continue; // top-level statements, assembly attributes
            var parts = path.Split('/')[1..^1];
            var expected = string.Join('.', parts);
            var given = match.Groups["name"].Value;
            // TandemException is everybody's: it stands in the root namespace though its file lies lowest.
            if (given != expected && !(given == "Tandem" && path == "src/Tandem.Torch/TandemException.cs"))
                wrong.Add($"{path}: {given}, not {expected}");
        }
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    [Fact]
    public void EveryRoomStandsOnAFloor()
    {
        foreach (var file in Repository.Files("src", "*.cs"))
            Assert.True(Floor(RoomOfFile(Repository.Relative(file))) >= 0, $"{Repository.Relative(file)} is in no room of {nameof(Floors)}");
    }

    [Theory]
    [InlineData("using Tandem.Training;", "Training")]
    [InlineData("using static Tandem.Layers.Init;", "Layers")]
    [InlineData("using Pass = Tandem.Layers.Pass;", "Layers")]
    [InlineData("    var x = Tandem.Methods.Data2Vec2.Loss.Of(y);", "Methods")]
    [InlineData("    // Tandem.Methods is told of here", null)]
    [InlineData("    throw new Exception(\"Tandem.Methods\");", null)]
    [InlineData("using Tandem;", null)]
    public void LeansAreSeen(string line, string? room) => Assert.Equal(room, Leans([line]).Select(lean => lean.Room).SingleOrDefault());

    static IEnumerable<(int Line, string Room)> Leans(string[] lines)
    {
        for (var i = 0; i < lines.Length; i++)
        {
            if (lines[i].StartsWith("namespace ", StringComparison.Ordinal))
                continue;
            var code = Comment().Replace(Text().Replace(lines[i], "\"\""), "");
            foreach (Match match in Mention().Matches(code))
            {
                if (RoomOfName(match.Groups["rest"].Value) is { } room)
                    yield return (i + 1, room);
            }
        }
    }

    /// <summary>src/Tandem.Torch → Torch, src/Tandem/Data/Images → Data, src/Tandem → the façade.</summary>
    static string RoomOfFile(string path)
    {
        var parts = path.Split('/');
        return parts[1] != "Tandem" ? parts[1]["Tandem.".Length..] : parts.Length > 3 ? parts[2] : "";
    }

    /// <summary>Names of the root namespace itself (the error type, the façade) say nothing about rooms.</summary>
    static string? RoomOfName(string rest) => Floors.SelectMany(floor => floor).FirstOrDefault(room => room.Length > 0 && (rest == room || rest.StartsWith(room + ".", StringComparison.Ordinal)));

    static int Floor(string room) => Array.FindIndex(Floors, floor => floor.Contains(room, StringComparer.Ordinal));

    static string Name(string room) => room.Length == 0 ? "the façade" : room;

    [GeneratedRegex(@"\bTandem\.(?<rest>[A-Z]\w*(\.[A-Z]\w*)*)", RegexOptions.ExplicitCapture)]
    private static partial Regex Mention();

    [GeneratedRegex(@"^\s*namespace\s+(?<name>[\w.]+)", RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex Namespace();

    [GeneratedRegex("\"[^\"]*\"")]
    private static partial Regex Text();

    [GeneratedRegex("//.*$")]
    private static partial Regex Comment();
}
