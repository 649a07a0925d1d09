using Tandem.Probes;
using Xunit;

namespace Tandem.Tests.Probes;

public sealed class ClassDrawTests
{
    [Theory]
    [InlineData(10, 1)]
    [InlineData(10, 4)]
    [InlineData(3, 3)]
    public void NoClassIsLeftOutWhereThereIsRoom(int drawn, int rare)
    {
        // Many of class 0 first, one each of the rare ones last.
        int[] samples = [.. Enumerable.Range(0, 100)];
        int Label(int sample) => sample < 100 - rare ? 0 : sample;
        ClassDraw.Complete(samples, drawn, Label);
        Assert.Equal(Math.Min(drawn, rare + 1), samples.Take(drawn).Select(Label).Distinct().Count());
        Assert.Equal(Enumerable.Range(0, 100), samples.Order());
    }

    [Fact]
    public void ADrawThatMissesNoneStaysAsItIs()
    {
        int[] samples = [3, 0, 2, 1];
        ClassDraw.Complete(samples, 2, sample => sample % 2);
        Assert.Equal([3, 0, 2, 1], samples);
    }
}
