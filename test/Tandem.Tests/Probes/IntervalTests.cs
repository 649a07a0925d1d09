using Tandem.Probes;
using Xunit;

namespace Tandem.Tests.Probes;

public sealed class IntervalTests
{
    /// <summary>Newcombe 1998 (Statistics in Medicine 17), table I, method 3: four cases of the Wilson interval.</summary>
    [Theory]
    [InlineData(81, 263, 0.2553, 0.3662)]
    [InlineData(15, 148, 0.0624, 0.1605)]
    [InlineData(0, 20, 0, 0.1611)]
    [InlineData(1, 29, 0.0061, 0.1718)]
    public void WilsonsIntervalIsAsPublished(int hits, int samples, double low, double high)
    {
        var interval = Interval.Wilson(hits, samples);
        Assert.Equal(low, interval.Low, 0.00006);
        Assert.Equal(high, interval.High, 0.00006);
        var mirrored = Interval.Wilson(samples - hits, samples);
        Assert.Equal(1 - interval.High, mirrored.Low, 1e-12);
    }
}
