using Tandem.Verify;
using Xunit;

namespace Tandem.Tests.Verify;

/// <summary>The recorded computations that lie in the repository, through the engine that <c>tandem verify</c> uses.</summary>
public sealed class GoldenTests
{
    public static TheoryData<string> Cases()
    {
        var data = new TheoryData<string>();
        foreach (var file in Directory.EnumerateFiles(GoldenFolder.Path, "case.json", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
            data.Add(Path.GetRelativePath(GoldenFolder.Path, Path.GetDirectoryName(file)!));
        return data;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void ComputesWhatThePublisherComputes(string name)
    {
        var result = Verification.Run(GoldenFolder.Case(name), "cpu");
        var only = Assert.Single(result.Cases);
        Assert.True(only.Status == CaseStatus.Passed, $"{only.Status}: {only.Reason}");
    }
}
