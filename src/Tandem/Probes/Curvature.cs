using Tandem.Torch;

namespace Tandem.Probes;

/// <summary>
/// How curved a logistic regression is, roughly: where all classes are equally likely its second derivative is (1/K)(1 − 1/K) · E[x xᵀ] for
/// each class, and the penalty's own comes on top. Dividing by it makes correlated features round, which saves nine steps in ten.
/// </summary>
static class Curvature
{
    /// <summary>Widths up to which correlations count; a factorisation takes width³/3.</summary>
    const int FullWidth = 3072;

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
        Action<Span<double>> divide;
        if (second.Length == width)
        {
            var inverse = second.Select(value => 1 / ((even * value) + (1 / strength))).ToArray();
            divide = row =>
            {
                for (var j = 0; j < row.Length; j++)
                    row[j] *= inverse[j];
            };
        }
        else
        {
            var factor = Factor(second, width, even, 1 / strength);
            divide = row => Solve(factor, row);
        }
        return vector =>
        {
            for (var k = 0; k < classes; k++)
                divide(vector.Slice(k * width, width));
            foreach (ref var offset in vector[(classes * width)..])
                offset /= even;
        };
    }

    // Cholesky: L row by row, with L Lᵀ = scale · second + ridge · 1.
    static double[][] Factor(double[] second, int width, double scale, double ridge)
    {
        var rows = new double[width][];
        for (var i = 0; i < width; i++)
        {
            rows[i] = new double[i + 1];
            for (var j = 0; j <= i; j++)
            {
                var rest = (scale * second[(i * width) + j]) + (i == j ? ridge : 0) - Dot(rows[i].AsSpan(0, j), rows[j].AsSpan(0, j));
                // Rounding may eat up the last of a direction in which features do not vary.
                rows[i][j] = i == j ? Math.Sqrt(Math.Max(rest, 0.1 * ridge)) : rest / rows[j][j];
            }
        }
        return rows;
    }

    static void Solve(double[][] factor, Span<double> x)
    {
        for (var i = 0; i < x.Length; i++)
            x[i] = (x[i] - Dot(factor[i].AsSpan(0, i), x[..i])) / factor[i][i];
        for (var i = x.Length - 1; i >= 0; i--)
        {
            x[i] /= factor[i][i];
            var row = factor[i].AsSpan(0, i);
            for (var j = 0; j < row.Length; j++)
                x[j] -= x[i] * row[j];
        }
    }

    static double Dot(ReadOnlySpan<double> a, ReadOnlySpan<double> b)
    {
        // Several sums at once: one alone waits for every addition.
        var sums = System.Numerics.Vector<double>.Zero;
        var lanes = System.Numerics.Vector<double>.Count;
        var i = 0;
        for (; i + lanes <= a.Length; i += lanes)
            sums += new System.Numerics.Vector<double>(a[i..]) * new System.Numerics.Vector<double>(b[i..]);
        var sum = System.Numerics.Vector.Sum(sums);
        for (; i < a.Length; i++)
            sum += a[i] * b[i];
        return sum;
    }
}
