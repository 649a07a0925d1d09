using Tandem.Torch;

namespace Tandem.Probes;

/// <summary>
/// The space that some rows span, with an orthonormal basis: a linear model with a penalty on the squares of its weights has its minimum
/// there, so fewer rows than numbers in a row leave fewer unknowns. From the eigenvectors of X Xᵀ = U Λ Uᵀ the basis is Xᵀ U Λ^-½ and the
/// rows' coordinates are U Λ^½.
/// </summary>
sealed class RowSpan : IDisposable
{
    /// <summary>Eigenvalues below this share of the largest one are rounding.</summary>
    const double Least = 1e-10;

    readonly Tensor rows, basis; // X [n, width]; U Λ^-½ [n, rank]

    RowSpan(Tensor rows, Tensor basis, Tensor coordinates)
    {
        (this.rows, this.basis) = (rows, basis);
        Coordinates = coordinates;
    }

    /// <summary>Each row in the basis: double [n, rank]. Belongs to whoever takes it.</summary>
    public Tensor Coordinates { get; }

    /// <summary>Dimensions of the space, at most the number of rows.</summary>
    public int Rank => (int)basis.Size(1);

    /// <summary>Finds the space, on the compute thread.</summary>
    /// <param name="rows">Double [n, width]; belongs to the result from here on.</param>
    public static RowSpan Of(Tensor rows)
    {
        using var scope = TensorScope.Enter("row span");
        var (values, vectors) = rows.Mm(rows.Transpose(0, 1)).LinalgEigh(); // values ascend
        var lengths = values.Memory<double>().ToArray();
        var rank = Math.Max(1, lengths.Count(length => length > Least * lengths[^1]));
        var kept = vectors.Narrow(1, lengths.Length - rank, rank);
        var roots = Tensor.From<double>(lengths[^rank..].Select(length => length > 0 ? Math.Sqrt(length) : 1).ToArray(), rank);
        return new(rows, TensorScope.Release(kept.Div(roots).Contiguous()), TensorScope.Release(kept.Mul(roots).Contiguous()));
    }

    /// <summary>Weights over rows as weights over coordinates; what lies outside the space is dropped.</summary>
    /// <param name="weights">Row-major [classes, width].</param>
    /// <param name="classes">Number of classes.</param>
    /// <returns>Row-major [classes, rank].</returns>
    public double[] Inward(ReadOnlySpan<double> weights, int classes)
    {
        using var scope = TensorScope.Enter("row span");
        return Tensor.From(weights, classes, rows.Size(1)).Mm(rows.Transpose(0, 1)).Mm(basis).Contiguous().Memory<double>().ToArray();
    }

    /// <summary>Weights over coordinates as weights over rows.</summary>
    /// <param name="weights">Row-major [classes, rank].</param>
    /// <param name="classes">Number of classes.</param>
    /// <returns>Row-major [classes, width].</returns>
    public double[] Outward(ReadOnlySpan<double> weights, int classes)
    {
        using var scope = TensorScope.Enter("row span");
        return Tensor.From(weights, classes, Rank).Mm(basis.Transpose(0, 1)).Mm(rows).Contiguous().Memory<double>().ToArray();
    }

    /// <summary>Frees the rows and the basis.</summary>
    public void Dispose()
    {
        rows.Dispose();
        basis.Dispose();
    }
}
