using Tandem.Verify;
using Xunit;

namespace Tandem.Tests.Data;

public sealed class GoldenPictureTests
{
    public static TheoryData<string> Cases => [.. Directory.GetDirectories(GoldenFolder.Case("images")).Select(folder => System.IO.Path.GetFileName(folder)!).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Cases))]
    public void PicturesComeOutAsThePublishedCodeMakesThem(string name)
    {
        var result = Verification.Check(GoldenCase.Open(System.IO.Path.Combine(GoldenFolder.Case("images"), name)));
        Assert.True(result.Status == CaseStatus.Passed, result.Reason);
    }
}
