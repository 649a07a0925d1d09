namespace Tandem.Torch;

/// <summary>
/// libtorch's operators as typed methods. Those in Ops.g.cs are generated from native/operators.txt; names are libtorch's in Pascal case.
/// </summary>
public static unsafe partial class Ops
{
    /// <summary>LN(dropout(x) + residual)·weight + bias in float32, with a bfloat16 twin for the products that follow if <paramref name="twin"/>.</summary>
    public static Tensor AddNorm(Tensor x, Tensor? residual, Tensor? weight, Tensor? bias, double eps, bool twin, double rate = 0, long seed = 0)
    {
        if (!twin)
            return AddNorm(x, residual, weight, bias, eps, rate, seed);
        var (full, low) = AddNormPair(x, residual, weight, bias, eps, rate, seed);
        full.Twin = low;
        return full;
    }

    /// <summary>Zeros on the device and of the type of another tensor.</summary>
    public static Tensor ZerosOf(Tensor like, ReadOnlySpan<long> size) => Zeros(size, like.Type, like.Device);
}
