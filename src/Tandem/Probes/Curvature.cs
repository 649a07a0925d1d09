using Tandem.Torch;

namespace Tandem.Probes;

/// <summary>
/// How curved a logistic regression is, roughly: where all classes are equally likely its second derivative is (1/K)(1 − 1/K) · E[x xᵀ] for
/// each class, and the penalty's own comes on top. Dividing by it makes correlated features round, which saves nine steps in ten.
/// </summary>
static class Curvature
{
    /// <summary>Numbers up to which correlations count; a factorisation takes their number³/3.</summary>
    public const int FullWidth = 3072;

    /// <summary>E[x xᵀ], row-major [width, width]; its diagonal [width] where that is too large.</summary>
    /// <param name="blocks">Centred features, double [rows, width] each.</param>
    /// <param name="width">Numbers of a sample.</param>
    /// <param name="count">Samples in all blocks.</param>
    public static double[] SecondMoments(IReadOnlyList<Tensor> blocks, int width, int count)
    {
        using var scope = TensorScope.Enter("second moments");
        var sum = Ops.Zeros(width <= FullWidth ? [width, width] : [width], ScalarType.Double);
        foreach (var block in blocks)
        {
            using var inner = TensorScope.Enter("second moments");
            sum.AddInPlace(width <= FullWidth ? block.Transpose(0, 1).Mm(block) : block.Square().Sum([0]));
        }
        return sum.Div(count).Memory<double>().ToArray();
    }

    /// <summary>Divides by the curvature: vectors are [W, b], W row-major [classes, width].</summary>
    public static Preconditioner Preconditioner(double[] second, int width, int classes, double strength)
    {
        var even = 1.0 / classes * (1 - (1.0 / classes));
        if (second.Length == width)
        {
            var inverse = second.Select(value => 1 / ((even * value) + (1 / strength))).ToArray();
            return vector =>
            {
                for (var i = 0; i < classes * width; i++)
                    vector[i] *= inverse[i % width];
                Offsets(vector[(classes * width)..], even);
            };
        }
        var factor = Factor(second, width, even, 1 / strength);
        return vector =>
        {
            using var scope = TensorScope.Enter("curvature");
            var weights = vector[..(classes * width)];
            var solved = Tensor.From<double>(weights, classes, width).Transpose(0, 1).CholeskySolve(factor).Transpose(0, 1).Contiguous();
            solved.Memory<double>().CopyTo(weights);
            Offsets(vector[(classes * width)..], even);
        };
    }

    static void Offsets(Span<double> offsets, double even)
    {
        foreach (ref var offset in offsets)
            offset /= even;
    }

    // L with L Lᵀ = scale · second + ridge · 1. Rounding may eat up the last of a direction in which features do not vary: a little more ridge then.
    static Tensor Factor(double[] second, int width, double scale, double ridge)
    {
        using var scope = TensorScope.Enter("curvature");
        var matrix = (double[])second.Clone();
        for (var i = 0; i < matrix.Length; i++)
            matrix[i] = (scale * matrix[i]) + (i % (width + 1) == 0 ? ridge : 0);
        for (var more = ridge; ; more *= 10)
        {
            try
            {
                return TensorScope.Release(Tensor.From<double>(matrix, width, width).LinalgCholesky());
            }
            catch (TorchException) when (more < 1e6 * ridge)
            {
                for (var i = 0; i < width; i++)
                    matrix[i * (width + 1)] += more;
            }
        }
    }
}
