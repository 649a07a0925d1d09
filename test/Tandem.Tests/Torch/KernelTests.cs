using System.Runtime.Intrinsics.X86;
using Tandem.Torch;
using Xunit;

namespace Tandem.Tests.Torch;

public sealed class KernelTests
{
    const ScalarType Float = ScalarType.Float, Low = ScalarType.BFloat16;

    public static TheoryData<ScalarType> Types => [Float, Low];

    static Tensor PlainLinear(Tensor x, Tensor weight, Tensor? bias)
    {
        var y = x.Matmul(weight.Transpose(0, 1));
        return bias is null ? y : y.Add(bias);
    }

    [Theory]
    [InlineData(Float, 1, 1, 1)]
    [InlineData(Float, 5, 3, 7)]
    [InlineData(Float, 97, 48, 130)]
    [InlineData(Float, 700, 33, 65)]
    [InlineData(Float, 260, 300, 20)]
    [InlineData(Float, 2500, 70, 50)]
    [InlineData(Float, 1030, 386, 402)]
    [InlineData(Low, 5, 2, 6)]
    [InlineData(Low, 97, 48, 130)]
    [InlineData(Low, 701, 34, 66)]
    [InlineData(Low, 260, 300, 20)]
    [InlineData(Low, 5001, 70, 50)]
    [InlineData(Low, 1030, 386, 402)]
    [InlineData(Low, 30, 7, 5)]
    public void LinearAgreesWithPlainProducts(ScalarType type, int rows, int inputs, int outputs) => Kernel.Run(() =>
    {
        var (x, w, b) = (Kernel.Random(type, 1, rows, inputs), Kernel.Random(type, 2, outputs, inputs).To(Float), Kernel.Random(type, 3, outputs).To(Float));
        Kernel.Compare(t => Ops.Linear(t[0], t[1], t[2]), t => PlainLinear(t[0], t[1], t[2]), Kernel.Tolerance(type), x, w, b);
        Kernel.Compare(t => Ops.Linear(t[0], t[1]), t => PlainLinear(t[0], t[1], null), Kernel.Tolerance(type), x, w);
    });

    [Theory]
    [MemberData(nameof(Types))]
    public void LinearTakesTransposedRowsAndGradients(ScalarType type) => Kernel.Run(() =>
    {
        var (x, w) = (Kernel.Random(type, 1, 8, 5, 6), Kernel.Random(type, 2, 4, 8).To(Float));
        Kernel.Compare(t => Ops.Linear(t[0].Transpose(0, 2), t[1]).Transpose(0, 1), t => t[0].Transpose(0, 2).Matmul(t[1].Transpose(0, 1)).Transpose(0, 1),
            Kernel.Tolerance(type), x, w);
    });

    [Theory]
    [InlineData(Float, 1, 4, 9, 3)]
    [InlineData(Float, 131, 48, 200, 48)]
    [InlineData(Float, 600, 17, 70, 19)]
    [InlineData(Low, 3, 4, 10, 6)]
    [InlineData(Low, 601, 48, 200, 48)]
    [InlineData(Low, 40, 5, 9, 3)]
    public void FeedForwardNetAgreesWithPlainProducts(ScalarType type, int rows, int inputs, int hidden, int outputs) => Kernel.Run(() =>
    {
        Tensor[] inputsOf =
        [
            Kernel.Random(type, 1, rows, inputs), Kernel.Random(type, 2, hidden, inputs).Mul(0.2).To(type).To(Float), Kernel.Random(type, 3, hidden).To(type).To(Float),
            Kernel.Random(type, 4, outputs, hidden).Mul(0.2).To(type).To(Float), Kernel.Random(type, 5, outputs).To(type).To(Float),
        ];
        Kernel.Compare(t => Ops.Mlp(t[0], t[1], t[2], t[3], t[4]), t => PlainLinear(Ops.Gelu(PlainLinear(t[0], t[1], t[2])), t[3], t[4]), Kernel.Tolerance(type), inputsOf);
        using var noGrad = Libtorch.NoGrad();
        var kept = Ops.Mlp(inputsOf[0], inputsOf[1], inputsOf[2], inputsOf[3], inputsOf[4]);
        var plain = inputsOf.Select(t => t.To(ScalarType.Double)).ToArray();
        Assert.InRange(Kernel.Difference(kept, PlainLinear(Ops.Gelu(PlainLinear(plain[0], plain[1], plain[2])), plain[3], plain[4])), 0, Kernel.Tolerance(type));
    });

    [Theory]
    [InlineData(8, 8, 128, 128, 16, 3, 3)]
    [InlineData(14, 14, 48, 48, 2, 3, 3)]
    [InlineData(5, 7, 32, 64, 8, 3, 3)]
    [InlineData(1, 37, 32, 32, 2, 1, 19)]
    [InlineData(6, 6, 32, 32, 4, 4, 4)]
    [InlineData(3, 9, 16, 16, 1, 5, 2)]
    [InlineData(4, 4, 96, 96, 3, 3, 3)]
    [InlineData(4, 5, 6, 10, 2, 3, 3)]
    [InlineData(3, 3, 128, 128, 1, 3, 3)]
    public void ConvolutionsOverRowsAgreeWithPlainOnes(int rows, int columns, int inputs, int outputs, int groups, int kh, int kw) => Kernel.Run(() =>
    {
        foreach (var type in new[] { Float, Low })
        {
            var x = Kernel.Random(type, 1, 3, rows, columns, inputs);
            var w = Kernel.Random(type, 2, outputs, inputs / groups, kh, kw).To(Float);
            var b = Kernel.Random(type, 3, outputs).To(Float);
            Tensor Plain(Tensor[] t)
            {
                var y = Ops.Conv2d(t[0].Permute([0, 3, 1, 2]).Contiguous(), t[1], t[2], [1, 1], [kh / 2, kw / 2], [1, 1], groups);
                return y.Narrow(2, 0, rows).Narrow(3, 0, columns).Permute([0, 2, 3, 1]);
            }
            Kernel.Compare(t => Ops.ConvRows(t[0], t[1], t[2], groups), Plain, Kernel.Tolerance(type), x, w, b);
        }
    });

    [Theory]
    [InlineData(2, 57, 1, 16, 10, 5)]
    [InlineData(3, 250, 20, 34, 3, 2)]
    [InlineData(3, 21, 16, 24, 2, 2)]
    [InlineData(1, 9, 4, 6, 9, 1)]
    [InlineData(2, 12, 4, 6, 5, 1)]
    [InlineData(2, 8, 6, 70, 7, 2)]
    [InlineData(2, 23, 3, 5, 2, 4)]
    [InlineData(2, 240, 70, 130, 4, 3)]
    [InlineData(7, 700, 20, 34, 3, 2)]
    [InlineData(9, 152, 100, 202, 7, 2)]
    public void ConvolutionsAlongRowsAgreeWithPlainOnes(int samples, int rows, int inputs, int outputs, int kernel, int stride) => Kernel.Run(() =>
    {
        foreach (var type in new[] { Float, Low })
        {
            var (x, w) = (Kernel.Random(type, 1, samples, rows, inputs), Kernel.Random(type, 2, outputs, inputs, kernel).To(Float));
            Kernel.Compare(t => Ops.ConvFrames(t[0], t[1], stride), t => Ops.Conv1d(t[0].Transpose(1, 2), t[1], stride: [stride]).Transpose(1, 2), Kernel.Tolerance(type), x, w);
        }
    });

    static Tensor PlainNorm(Tensor x, Tensor? w, Tensor? b) => Ops.LayerNorm(x, [x.Size(-1)], w, b, 1e-5, false);

    [Theory]
    [InlineData(Float, 128)]
    [InlineData(Float, 17)]
    [InlineData(Float, 1)]
    [InlineData(Low, 384)]
    [InlineData(Low, 21)]
    public void NormsOfSumsAgreeWithPlainOnes(ScalarType type, int width) => Kernel.Run(() =>
    {
        var tolerance = width == 1 ? 1e-2 : Kernel.Tolerance(type);
        var (x, r) = (Kernel.Random(type, 1, 7, 11, width), Kernel.Random(Float, 2, 7, 11, width));
        var (w, b) = (Kernel.Random(Float, 3, width), Kernel.Random(Float, 4, width));
        if (width > 1)
            Kernel.Compare(t => Ops.AddNorm(t[0], t[1], t[2], t[3], 1e-5), t => PlainNorm(t[0].Add(t[1]), t[2], t[3]), tolerance, x, r, w, b);
        Kernel.Compare(t => Ops.AddNorm(t[0], null, t[1], t[2], 1e-5), t => PlainNorm(t[0], t[1], t[2]), tolerance, x, w, b);
        if (width > 1)
            Kernel.Compare(t => Ops.AddNorm(t[0], t[0], null, null, 1e-5), t => PlainNorm(t[0].Add(t[0]), null, null), tolerance, x);
    });

    [Fact]
    public void TwinsOfNormsCarryGradientsOfBoth() => Kernel.Run(() =>
    {
        var (x, w, b) = (Kernel.Random(Low, 1, 9, 40), Kernel.Random(Float, 3, 40), Kernel.Random(Float, 4, 40));
        Kernel.Compare(
            t =>
            {
                var (full, half) = Ops.AddNormPair(t[0], null, t[1], t[2], 1e-5);
                return full.Mul(2).Add(half);
            },
            t => PlainNorm(t[0], t[1], t[2]).Mul(3), Kernel.Tolerance(Low), x, w, b);
    });

    [Theory]
    [InlineData(Float, 128)]
    [InlineData(Float, 19)]
    [InlineData(Low, 384)]
    [InlineData(Low, 33)]
    public void NormAndGeluAgreeWithPlainOnes(ScalarType type, int width) => Kernel.Run(() =>
    {
        var (x, skip) = (Kernel.Random(type, 1, 70, width), Kernel.Random(type, 2, 70, width));
        var (w, b) = (Kernel.Random(Float, 3, width), Kernel.Random(Float, 4, width));
        Kernel.Compare(t => Ops.NormGelu(t[0], t[1], t[2], 1e-5, t[3]), t => Ops.Gelu(PlainNorm(t[0], t[1], t[2])).Add(t[3]), Kernel.Tolerance(type), x, w, b, skip);
        Kernel.Compare(t => Ops.NormGelu(t[0], null, null, 1e-5, null), t => Ops.Gelu(PlainNorm(t[0], null, null)), Kernel.Tolerance(type), x);
    });

    static Tensor PlainAttention(Tensor q, Tensor kv, Tensor? bias, Tensor? padding, int heads, double scale)
    {
        Tensor Split(Tensor t) => t.Reshape([t.Size(0), t.Size(1), heads, -1]).Transpose(1, 2);
        var parts = kv.Chunk(2, -1);
        var scores = Split(q).Matmul(Split(parts[0]).Transpose(2, 3)).Mul(scale);
        if (bias is not null)
            scores = bias.Size(1) == heads ? scores.Add(bias) : Ops.Cat([scores.Narrow(1, 0, bias.Size(1)).Add(bias), scores.Narrow(1, bias.Size(1), heads - bias.Size(1))], 1);
        if (padding is not null)
            scores = scores.MaskedFill(padding.Unsqueeze(1).Unsqueeze(1), double.NegativeInfinity);
        return scores.Softmax(-1).Matmul(Split(parts[1])).Transpose(1, 2).Reshape([q.Size(0), q.Size(1), q.Size(2)]);
    }

    [Theory]
    [InlineData(Float, 13, 4, 32)]
    [InlineData(Float, 1, 1, 5)]
    [InlineData(Float, 65, 2, 20)]
    [InlineData(Float, 197, 1, 64)]
    [InlineData(Low, 13, 4, 32)]
    [InlineData(Low, 65, 2, 24)]
    [InlineData(Low, 200, 1, 64)]
    public void SelfAttentionAgreesWithThreeOperators(ScalarType type, int tokens, int heads, int width) => Kernel.Run(() =>
    {
        var scale = 1 / Math.Sqrt(width);
        long d = heads * width;
        var qkv = Kernel.Random(type, 1, 3, tokens, 3 * d);
        Kernel.Compare(t => Ops.Attention(t[0], null, null, null, null, heads, scale, 0, 0),
            t => PlainAttention(t[0].Narrow(2, 0, d), t[0].Narrow(2, d, 2 * d), null, null, heads, scale), Kernel.Tolerance(type), qkv);
    });

    [Theory]
    [MemberData(nameof(Types))]
    public void AttentionAgreesWithBiasAndPaddingAndOtherKeys(ScalarType type) => Kernel.Run(() =>
    {
        const int Heads = 3;
        var (q, kv) = (Kernel.Random(type, 1, 2, 17, 30), Kernel.Random(type, 2, 2, 29, 60));
        var padding = Tensor.From<byte>([.. Enumerable.Range(0, 2 * 29).Select(i => (byte)(i % 29 > 20 + (i / 29) ? 1 : 0))], 2, 29).Ne(0);
        foreach (var (samples, biased) in new[] { (1, 3), (2, 2) })
        {
            var bias = Kernel.Random(Float, 3, samples, biased, 17, 29);
            Kernel.Compare(t => Ops.Attention(t[0], t[1], t[2], padding, null, Heads, 0.3, 0, 0), t => PlainAttention(t[0], t[1], t[2], padding, Heads, 0.3),
                Kernel.Tolerance(type), q, kv, bias);
        }
    });

    [Theory]
    [InlineData(Float)]
    [InlineData(Low)]
    [InlineData(ScalarType.Double)]
    public void WhereAllKeysArePaddingAttentionIsZero(ScalarType type) => Kernel.Run(() =>
    {
        var (q, kv) = (Kernel.Random(type, 1, 3, 17, 32), Kernel.Random(type, 2, 3, 29, 64));
        var bias = Kernel.Random(Float, 3, 1, 2, 17, 29);
        // All keys of the middle sample, the last ones of the others.
        var padding = Tensor.From<byte>([.. Enumerable.Range(0, 3 * 29).Select(i => (byte)(i / 29 == 1 || i % 29 > 20 ? 1 : 0))], 3, 29);
        var some = Tensor.From<byte>([.. Enumerable.Range(0, 3 * 29).Select(i => (byte)(i % 29 > 20 ? 1 : 0))], 3, 29);
        var seen = Tensor.From<float>([1, 0, 1], 3, 1, 1).To(ScalarType.Double);
        Kernel.Compare(t => Ops.Attention(t[0], t[1], t[2], padding.Ne(0), null, 2, 0.3, 0, 0), t => PlainAttention(t[0], t[1], t[2], some.Ne(0), 2, 0.3).Mul(seen),
            Kernel.Tolerance(type == ScalarType.Double ? Float : type), q, kv, bias);
    });

    [Theory]
    [MemberData(nameof(Types))]
    public void DropoutsGradientHasTheSameMask(ScalarType type) => Kernel.Run(() =>
    {
        var x = Ops.Ones([5000], type, Device.Cpu);
        x.RequiresGrad = true;
        var y = Ops.Dropout(x, 0.25, 7);
        y.Backward(Ops.Ones([5000], type, Device.Cpu));
        Assert.Equal(y.ToFloats(), x.Grad!.ToFloats());
        Assert.InRange(y.ToFloats().Count(v => v == 0) / 5000.0, 0.22, 0.28);
    });

    [Theory]
    [MemberData(nameof(Types))]
    public void RowsAreChosenAndRestored(ScalarType type) => Kernel.Run(() =>
    {
        var (x, filling) = (Kernel.Random(type, 1, 2, 5, 12), Kernel.Random(type, 2, 2, 3, 12));
        var ids = Tensor.From<long>([0, 4, 1, 2, 5, 3, 6, 5, 1, 4, 0, 2, 3, 6], 2, 7);
        Kernel.Compare(t => Ops.Restore(t[0], filling, ids, 1),
            t => Ops.Cat([t[0].Narrow(1, 1, 4), filling.To(ScalarType.Double)], 1).Gather(1, ids.Unsqueeze(2).Expand([2, 7, 12])), Kernel.Tolerance(type), x);
        var keep = Tensor.From<long>([0, 4, 1, 1, 3, 0, 2, 4], 4, 2);
        Kernel.Compare(t => Ops.Choose(t[0], keep, 2), t => t[0].RepeatInterleave(2, 0).Gather(1, keep.Unsqueeze(2).Expand([4, 2, 12])), Kernel.Tolerance(type), x);
    });

    [Theory]
    [InlineData(Float, 0)]
    [InlineData(Float, 0.5)]
    [InlineData(Low, 0)]
    [InlineData(Low, 2)]
    public void RegressionAgreesWithPlainArithmetic(ScalarType type, double beta) => Kernel.Run(() =>
    {
        var (p, target) = (Kernel.Random(type, 1, 4, 6, 20), Kernel.Random(Float, 2, 2, 6, 20));
        var mask = Kernel.Random(Float, 3, 4, 6).Abs().Sub(0.5).Clamp(0, 1).Ne(0).To(ScalarType.Byte);
        Tensor Plain(Tensor[] t)
        {
            var e = t[0].Sub(target.To(ScalarType.Double).RepeatInterleave(2, 0));
            var size = e.Abs();
            var loss = beta == 0 ? e.Square() : Ops.Where(size.Lt(Ops.Full([1], beta, ScalarType.Double)), e.Square().Div(2 * beta), size.Sub(beta / 2));
            return loss.Mul(mask.To(ScalarType.Double).Unsqueeze(2)).Sum().Mul(0.7);
        }
        Kernel.Compare(t => Ops.Regression(t[0], target, mask, beta, 0.7), Plain, Kernel.Tolerance(type), p);
    });

    [Theory]
    [MemberData(nameof(Types))]
    public void NoiseIsNormalAndAFunctionOfItsSeed(ScalarType type) => Kernel.Run(() =>
    {
        var values = Ops.NormalNoise([200_001], 2, 5, type, Device.Cpu).ToFloats();
        Assert.Equal(values, Ops.NormalNoise([200_001], 2, 5, type, Device.Cpu).ToFloats());
        Assert.NotEqual(values[..100], Ops.NormalNoise([200_001], 2, 6, type, Device.Cpu).ToFloats()[..100]);
        Assert.InRange(values.Average(), -0.02, 0.02);
        Assert.InRange(Math.Sqrt(values.Average(v => (double)v * v)), 1.99, 2.01);
        Assert.InRange(values.Count(v => Math.Abs(v) > 4) / 200_001.0, 0.0425, 0.0485);
        Assert.InRange(values.Zip(values.Skip(1), (a, b) => (double)a * b).Average(), -0.05, 0.05);
    });

    /// <summary>Layouts of a [4, 6, 10] tensor: how it lies in memory before it gets that shape.</summary>
    static Tensor Laid(string layout, ScalarType type, int seed) => layout switch
    {
        "contiguous" => Kernel.Random(type, seed, 4, 6, 10),
        "transposed" => Kernel.Random(type, seed, 4, 10, 6).Transpose(1, 2),
        _ => Kernel.Random(type, seed, 6, 10, 4).Permute([2, 0, 1]),
    };

    public static TheoryData<string, string, ScalarType> Layouts()
    {
        var data = new TheoryData<string, string, ScalarType>();
        string[] layouts = ["contiguous", "transposed", "channels last"];
        foreach (var input in layouts)
        {
            foreach (var gradient in layouts)
            {
                data.Add(input, gradient, Float);
                data.Add(input, gradient, Low);
            }
        }
        return data;
    }

    /// <summary>libtorch 1.13's own kernel returns garbage for a contiguous input whose gradient is not contiguous.</summary>
    [Theory]
    [MemberData(nameof(Layouts))]
    public void GelusGradientIsRightInEveryLayout(string input, string gradient, ScalarType type) => Kernel.Run(() =>
    {
        var x = Laid(input, type, 1);
        var upstream = Laid(gradient, type, 2);
        var exact = x.Detach().To(ScalarType.Double);
        var leaf = x.Detach();
        (leaf.RequiresGrad, exact.RequiresGrad) = (true, true);
        Ops.Gelu(leaf).Backward(upstream);
        Ops.Gelu(exact).Backward(upstream.To(ScalarType.Double));
        Assert.InRange(Kernel.Difference(leaf.Grad!, exact.Grad!), 0, Kernel.Tolerance(type));
        // The gradient in float64 stands on its own feet: a difference quotient.
        var slope = Ops.Gelu(exact.Detach().Add(1e-6)).Sub(Ops.Gelu(exact.Detach().Sub(1e-6))).Div(2e-6).Mul(upstream.To(ScalarType.Double));
        Assert.InRange(Kernel.Difference(exact.Grad!, slope), 0, 1e-8);
    });

    public static TheoryData<string, ScalarType> Kernels()
    {
        var data = new TheoryData<string, ScalarType>();
        foreach (var name in new[] { "linear", "large linear", "mlp", "convolution", "strided convolution", "norm", "norm and gelu", "attention", "noise" })
        {
            data.Add(name, Float);
            data.Add(name, Low);
        }
        return data;
    }

    static List<byte[]> Bits(string kernel, ScalarType type)
    {
        using var scope = TensorScope.Enter("bits");
        Tensor Leaf(Tensor t)
        {
            t.RequiresGrad = true;
            return t;
        }
        // Rows that the gradient of a small weight is summed over in parts.
        var x = Leaf(Kernel.Random(type, 1, 60, 36, 48));
        Tensor W(int seed, params long[] shape) => Leaf(Kernel.Random(Float, seed, shape));
        Tensor[] weights = kernel switch
        {
            "linear" => [W(2, 70, 48), W(3, 70)],
            "large linear" => [W(2, 2800, 48), W(3, 2800)],
            "mlp" => [W(2, 96, 48), W(3, 96), W(4, 48, 96), W(5, 48)],
            "convolution" => [W(2, 48, 12, 3, 3), W(3, 48)],
            "strided convolution" => [W(2, 40, 48, 3)],
            "norm" or "norm and gelu" => [W(2, 48), W(3, 48)],
            _ => [],
        };
        var y = kernel switch
        {
            "linear" or "large linear" => Ops.Linear(x, weights[0], weights[1]),
            "mlp" => Ops.Mlp(x, weights[0], weights[1], weights[2], weights[3]),
            "convolution" => Ops.ConvRows(x.Reshape([60, 6, 6, 48]), weights[0], weights[1], 4),
            "strided convolution" => Ops.ConvFrames(x, weights[0], 2),
            "norm" => Ops.AddNorm(x, x, weights[0], weights[1], 1e-5),
            "norm and gelu" => Ops.NormGelu(x, weights[0], weights[1], 1e-5, x),
            "attention" => Ops.Attention(x, null, null, null, null, 2, 0.3, 0.1, 5),
            _ => x.Add(Ops.NormalNoise([60, 36, 48], 1, 3, type, Device.Cpu)),
        };
        y.Backward(Kernel.Random(y.Type, 9, [.. y.Shape]));
        return [y.ToHost().Bytes, .. weights.Append(x).Select(t => t.Grad!.ToHost().Bytes)];
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public void TheNumberOfThreadsChangesNoBit(string kernel, ScalarType type) => Kernel.Run(() =>
    {
        if (type == Float && kernel is "linear" or "large linear" or "mlp" or "convolution" or "strided convolution")
            Assert.SkipUnless(Avx512BW.IsSupported && Avx512BW.VL.IsSupported && Avx512DQ.IsSupported, "without AVX-512 these products are OpenBLAS's, whose sums depend on the number of threads");
        var threads = Libtorch.Threads;
        try
        {
            Libtorch.Threads = 1;
            var alone = Bits(kernel, type);
            foreach (var count in new[] { 1, 2, 3 })
            {
                Libtorch.Threads = count;
                Assert.Equal(alone, Bits(kernel, type));
            }
        }
        finally
        {
            Libtorch.Threads = threads;
        }
    });
}
