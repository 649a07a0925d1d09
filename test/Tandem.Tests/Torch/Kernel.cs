using Tandem.Torch;
using Xunit;

namespace Tandem.Tests.Torch;

/// <summary>Compares a fused kernel with plain operators in float64: its result, and every gradient.</summary>
static class Kernel
{
    /// <summary>Normal values, rounded to the type.</summary>
    public static Tensor Random(ScalarType type, int seed, params long[] shape) => Ops.NormalNoise(shape, 1, seed, ScalarType.Float, Device.Cpu).To(type);

    /// <summary>The largest difference, as a share of the largest expected magnitude.</summary>
    public static double Difference(Tensor actual, Tensor expected)
    {
        Assert.Equal(expected.Shape, actual.Shape);
        var size = expected.Detach().Abs().Max().Item();
        var difference = actual.Detach().To(ScalarType.Double).Sub(expected.Detach()).Abs().Max().Item();
        return difference / Math.Max(size, 1e-3);
    }

    /// <summary>Runs both on the same values with the same incoming gradient.</summary>
    /// <param name="fused">The kernel; its first results are compared.</param>
    /// <param name="plain">The same in float64.</param>
    /// <param name="tolerance">Largest relative difference.</param>
    /// <param name="inputs">Values, in the types that the kernel takes; all that are floating-point get gradients.</param>
    public static void Compare(Func<Tensor[], Tensor> fused, Func<Tensor[], Tensor> plain, double tolerance, params Tensor[] inputs)
    {
        Tensor[] ours = [.. inputs.Select(t => t.Detach().Clone())], theirs = [.. inputs.Select(t => IsFloating(t) ? t.Detach().To(ScalarType.Double) : t.Detach())];
        foreach (var tensor in ours.Concat(theirs).Where(IsFloating))
            tensor.RequiresGrad = true;
        var (actual, expected) = (fused(ours), plain(theirs));
        Assert.InRange(Difference(actual, expected), 0, tolerance);
        var gradient = Random(actual.Type, 99, [.. actual.Shape]);
        actual.Backward(gradient);
        expected.Backward(gradient.To(ScalarType.Double));
        for (var i = 0; i < inputs.Length; i++)
        {
            if (!IsFloating(inputs[i]))
                continue;
            var (a, e) = (ours[i].Grad, theirs[i].Grad);
            Assert.True(a is not null && e is not null, $"input {i} got no gradient");
            var difference = Difference(a, e);
            Assert.True(difference <= tolerance, $"the gradient of input {i} differs by {difference:G3}, allowed are {tolerance:G3}");
        }
    }

    static bool IsFloating(Tensor t) => t.Type is ScalarType.Float or ScalarType.Double or ScalarType.BFloat16;

    /// <summary>Tolerance of a type: sums of a few hundred products.</summary>
    public static double Tolerance(ScalarType type) => type == ScalarType.Float ? 1e-5 : 2e-2;

    /// <summary>Runs on the compute thread within a scope.</summary>
    public static void Run(Action test) => ComputeThread.Run(() =>
    {
        using var scope = TensorScope.Enter("test");
        test();
    });
}
