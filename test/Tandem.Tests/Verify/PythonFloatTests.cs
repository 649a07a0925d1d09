using Tandem.Verify;
using Xunit;

namespace Tandem.Tests.Verify;

public sealed class PythonFloatTests
{
    [Theory]
    [InlineData(0.0, "0.0")]
    [InlineData(-0.0, "-0.0")]
    [InlineData(1.0, "1.0")]
    [InlineData(-2.5, "-2.5")]
    [InlineData(0.1, "0.1")]
    [InlineData(0.0001, "0.0001")]
    [InlineData(0.00001, "1e-05")]
    [InlineData(-1.0000000116860974e-07, "-1.0000000116860974e-07")]
    [InlineData(1e15, "1000000000000000.0")]
    [InlineData(1e16, "1e+16")]
    [InlineData(1.5e300, "1.5e+300")]
    [InlineData(5e-324, "5e-324")]
    [InlineData(1700000000.25, "1700000000.25")]
    [InlineData(9007199254740993, "9007199254740992.0")]
    [InlineData(double.NaN, "nan")]
    [InlineData(double.NegativeInfinity, "-inf")]
    [InlineData(9.999999999999999e22, "1e+23")]
    [InlineData(123456.789e-12, "1.23456789e-07")]
    [InlineData(12300, "12300.0")]
    public void FloatsAreWrittenAsPythonDoes(double value, string text) => Assert.Equal(text, PythonFloat.Text(value));
}
