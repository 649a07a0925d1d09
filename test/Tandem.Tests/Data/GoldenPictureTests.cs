using Tandem.Verify;
using Xunit;

namespace Tandem.Tests.Data;

public sealed class GoldenPictureTests
{
    public static TheoryData<string> Cases => [.. Directory.GetDirectories(GoldenFolder.Case("images")).Select(folder => System.IO.Path.GetFileName(folder)!).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Pictures_come_out_as_the_published_code_makes_them(string name)
    {
        var result = Verification.Check(GoldenCase.Open(System.IO.Path.Combine(GoldenFolder.Case("images"), name)));
        Assert.True(result.Status == CaseStatus.Passed, result.Reason);
    }
}
