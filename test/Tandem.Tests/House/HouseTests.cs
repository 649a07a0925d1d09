using System.Text.RegularExpressions;
using Xunit;

namespace Tandem.Tests.House;

/// <summary>What must stay true of the files themselves.</summary>
public sealed partial class HouseTests
{
    static readonly string[] Kinds = [".cs", ".cpp", ".h", ".sh", ".md", ".json", ".txt", ".props", ".targets", ".csproj", ".slnx", ".yml", ".yaml", ""];

    [Fact]
    public void NoFileNamesThePlaceWhereItWasWritten()
    {
        List<string> wrong = [];
        foreach (var file in Repository.Files(".", "*").Where(file => Kinds.Contains(Path.GetExtension(file), StringComparer.Ordinal) && new FileInfo(file).Length < 1 << 20))
        {
            var path = Repository.Relative(file);
            if (path.EndsWith("/HouseTests.cs", StringComparison.Ordinal) || path is ".git" || path.StartsWith("test/golden/", StringComparison.Ordinal) || path.EndsWith("packages.lock.json", StringComparison.Ordinal))
                continue;
            foreach (var (line, number) in File.ReadLines(file).Select((line, i) => (line, i + 1)))
            {
                if (Place().IsMatch(line))
                    wrong.Add($"{path}:{number}: {line.Trim()}");
            }
        }
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    /// <summary>GELU's backward in libtorch 1.13 is wrong for some layouts (docs/native.md); the shim has its own.</summary>
    [Fact]
    public void LibtorchsGeluIsNotAmongTheOperators()
    {
        var operators = Repository.At("native", "operators.txt");
        Assert.SkipUnless(File.Exists(operators), "native/operators.txt does not exist yet");
        Assert.DoesNotContain(File.ReadLines(operators), line => line.TrimStart().StartsWith("aten::gelu", StringComparison.Ordinal) || line.TrimStart().StartsWith("gelu", StringComparison.Ordinal));
    }

    /// <summary>One way of learning serves every kind of data; what kinds there are is for front ends and recipes to know.</summary>
    [Fact]
    public void MethodsKnowNoModality()
    {
        var files = Repository.Files(Path.Combine("src", "Tandem", "Methods"), "*.cs").ToList();
        Assert.NotEmpty(files);
        foreach (var file in files)
            Assert.DoesNotContain(File.ReadLines(file).Select((line, i) => $"{i + 1}: {line.Trim()}").Prepend(Path.GetFileName(file)), line => Modality().IsMatch(line));
    }

    [Fact]
    public void EveryProgramInTheLauncherIsExecutable()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "modes of files are Linux's");
        foreach (var script in new[] { "tandem", "test.sh", ".ci/run", "native/build.sh" })
            Assert.True(!OperatingSystem.IsWindows() && File.GetUnixFileMode(Repository.At(script)).HasFlag(UnixFileMode.UserExecute), script);
    }

    [GeneratedRegex("picture|pixel|image|photo|audio|speech|waveform|recording|sentence|(?<![a-z])text|(?-i:Text)", RegexOptions.IgnoreCase)]
    private static partial Regex Modality();

    [GeneratedRegex(@"/work/|/shared/|api\.nuget\.org|registry\.npmjs|deb\.debian\.org|\b(?:helper session|this session)\b", RegexOptions.IgnoreCase)]
    private static partial Regex Place();
}
