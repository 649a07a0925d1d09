using Tandem.Torch;
using Xunit;

namespace Tandem.Tests.Torch;

/// <summary>Dropouts within kernels drop what the operator of its own drops.</summary>
public sealed class KernelDropoutTests
{
    const ScalarType Float = ScalarType.Float, Low = ScalarType.BFloat16;

    // What a dropout multiplies elements with.
    static Tensor Factors(double rate, long seed, params long[] shape) => Ops.Dropout(Ops.Ones(shape, Float, Device.Cpu), rate, seed).To(ScalarType.Double);

    [Theory]
    [InlineData(Float, 48)]
    [InlineData(Float, 19)]
    [InlineData(Low, 128)]
    [InlineData(Low, 21)]
    public void NormsTakeDropoutsAlong(ScalarType type, int width) => Kernel.Run(() =>
    {
        var (x, r) = (Kernel.Random(type, 1, 7, 11, width), Kernel.Random(type, 2, 7, 11, width));
        var (w, b) = (Kernel.Random(Float, 3, width), Kernel.Random(Float, 4, width));
        var factors = Factors(0.3, 12, 7, 11, width);
        Tensor Plain(Tensor[] t) => Ops.LayerNorm(t[0].Mul(factors).Add(t[1]), [width], t[2], t[3], 1e-5, false);
        Kernel.Compare(t => Ops.AddNorm(t[0], t[1], t[2], t[3], 1e-5, 0.3, 12), Plain, Kernel.Tolerance(type), x, r, w, b);
        if (type == Low)
        {
            Kernel.Compare(
                t =>
                {
                    var (full, half) = Ops.AddNormPair(t[0], t[1], t[2], t[3], 1e-5, 0.3, 12);
                    return full.Mul(2).Add(half);
                },
                t => Plain(t).Mul(3), Kernel.Tolerance(type), x, r, w, b);
        }
    });

    [Theory]
    [InlineData(Float, 13, 2, 8)]
    [InlineData(Float, 100, 2, 24)]
    [InlineData(Low, 13, 2, 8)]
    [InlineData(Low, 100, 2, 24)]
    [InlineData(Low, 17, 3, 5)]
    public void AttentionDropsTheSameForwardAndBackward(ScalarType type, int tokens, int heads, int width) => Kernel.Run(() =>
    {
        long d = heads * width;
        var qkv = Kernel.Random(type, 1, 3, tokens, 3 * d);
        var bias = Kernel.Random(Float, 2, 1, heads, tokens, tokens);
        // Rows of weights begin at multiples of sixteen.
        var factors = Factors(0.2, 5, 3, heads, tokens, (tokens + 15) / 16 * 16).Narrow(3, 0, tokens);
        Tensor Split(Tensor t, int part) => t.Narrow(2, part * d, d).Reshape([3, tokens, heads, width]).Transpose(1, 2);
        Tensor Plain(Tensor[] t)
        {
            var weights = Split(t[0], 0).Matmul(Split(t[0], 1).Transpose(2, 3)).Mul(0.3).Add(t[1]).Softmax(-1).Mul(factors);
            return weights.Matmul(Split(t[0], 2)).Transpose(1, 2).Reshape([3, tokens, d]);
        }
        Kernel.Compare(t => Ops.Attention(t[0], null, t[1], null, null, heads, 0.3, 0.2, 5), Plain, Kernel.Tolerance(type), qkv, bias);
        var kept = factors.Ne(0).To(ScalarType.Byte);
        Kernel.Compare(t => Ops.Attention(t[0], null, t[1], null, kept, heads, 0.3, 0.2, 0), Plain, Kernel.Tolerance(type), qkv, bias);
    });
}
