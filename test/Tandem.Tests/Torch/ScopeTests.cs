using Tandem.Torch;
using Xunit;

namespace Tandem.Tests.Torch;

[Collection(Training.Alone.Name)]
public sealed class ScopeTests
{
    [Fact]
    public void UseAfterTheScopeNamesTheTensorAndTheScope() => Kernel.Run(() =>
    {
        Tensor lost;
        using (TensorScope.Enter("inner"))
        {
            lost = Ops.Ones([2, 3], ScalarType.Float, Device.Cpu);
            Assert.Equal(2, lost.Size(0));
        }
        var thrown = Assert.Throws<ObjectDisposedException>(() => lost.Add(1));
        Assert.Contains("aten::ones", thrown.Message, StringComparison.Ordinal);
        Assert.Contains("[2, 3]", thrown.Message, StringComparison.Ordinal);
        Assert.Contains("its scope 'inner' ended", thrown.Message, StringComparison.Ordinal);
    });

    [Fact]
    public void WhatIsKeptOutlivesItsScope() => Kernel.Run(() =>
    {
        Tensor kept;
        using (var scope = TensorScope.Enter("inner"))
            kept = scope.Keep(Ops.Ones([4], ScalarType.Float, Device.Cpu));
        Assert.Equal([1f, 1, 1, 1], kept.ToFloats());
    });

    [Fact]
    public void ScopesFreeWhatWasMadeInThem() => Kernel.Run(() =>
    {
        var (before, bytes) = (Tensor.Alive, Libtorch.Memory.LiveBytes);
        using (TensorScope.Enter("inner"))
        {
            var x = Ops.Ones([1000, 100], ScalarType.Float, Device.Cpu);
            _ = x.Add(1).Mul(2);
            Assert.Equal(before + 3, Tensor.Alive);
            Assert.True(Libtorch.Memory.LiveBytes >= bytes + 1_200_000);
        }
        Assert.Equal(before, Tensor.Alive);
        Assert.Equal(bytes, Libtorch.Memory.LiveBytes);
    });

    [Fact]
    public void ScopesEndInTheReverseOrderOfTheirBeginning() => Kernel.Run(() =>
    {
        var outer = TensorScope.Enter("outer");
        var inner = TensorScope.Enter("inner");
        Assert.Throws<InvalidOperationException>(outer.Dispose);
        inner.Dispose();
        outer.Dispose();
    });
}
