using Tandem.Torch;

namespace Tandem.Training;

/// <summary>
/// Gauges of collapse at four places of a step (local features, student, predictions, targets): how much representations vary, in how many
/// directions, and how alike samples and positions are.
/// </summary>
public static class Health
{
    /// <summary>Where gauges are taken, as they are called in metrics.</summary>
    public static IReadOnlyList<string> Places { get; } = ["local", "student", "prediction", "target"];

    // Enough for a covariance of a few hundred channels; more would cost time at every logged step.
    const int MostVectors = 2048;

    /// <summary>
    /// For each place <c>PLACE/variance</c> (mean over channels), <c>PLACE/effective_rank</c> (exponential of the entropy of the covariance's
    /// eigenvalues; at most the width), <c>PLACE/cosine_samples</c> and <c>PLACE/cosine_positions</c> (mean cosine between samples at a position, between
    /// positions of a sample; 1: all the same).
    /// </summary>
    /// <param name="states">Tensors of the step, [rows, places, width].</param>
    /// <param name="rows">Rows looked at, at most.</param>
    public static IReadOnlyList<(string Name, double Value)> Gauges(IReadOnlyDictionary<string, Tensor> states, int rows)
    {
        using var scope = TensorScope.Enter("health");
        using var noGrad = Libtorch.NoGrad();
        List<(string, double)> gauges = [];
        foreach (var place in Places)
        {
            if (!states.TryGetValue(place, out var state) || state.Shape.Length != 3)
                continue;
            using var inner = TensorScope.Enter(place);
            // Copies of a sample are adjacent: rows are taken at equal distances, so that they belong to different samples.
            var taken = Math.Min(rows, state.Size(0));
            var ids = Enumerable.Range(0, (int)taken).Select(i => i * state.Size(0) / taken).ToArray();
            var x = state.Detach().IndexSelect(0, Tensor.From(HostTensor.From<long>(ids, taken), state.Device)).To(ScalarType.Float);
            var (variance, rank) = Spread(x);
            gauges.Add(($"{place}/variance", variance));
            gauges.Add(($"{place}/effective_rank", rank));
            var unit = x.Div(x.Square().Sum([2], keepdim: true).Sqrt().ClampMin(1e-12));
            gauges.Add(($"{place}/cosine_samples", Likeness(unit, 0)));
            gauges.Add(($"{place}/cosine_positions", Likeness(unit, 1)));
        }
        return gauges;
    }

    static (double Variance, double Rank) Spread(Tensor x)
    {
        var vectors = x.Reshape([-1, x.Size(2)]);
        if (vectors.Size(0) > MostVectors)
        {
            var ids = Enumerable.Range(0, MostVectors).Select(i => (long)i * vectors.Size(0) / MostVectors).ToArray();
            vectors = vectors.IndexSelect(0, Tensor.From(HostTensor.From<long>(ids, MostVectors), x.Device));
        }
        var centred = vectors.Sub(vectors.Mean([0], keepdim: true));
        var variance = centred.Square().Mean().Item();
        if (!double.IsFinite(variance) || variance == 0)
            return (variance, double.IsFinite(variance) ? 0 : double.NaN);
        var covariance = centred.Transpose(0, 1).Matmul(centred);
        var values = covariance.LinalgEigvalsh().ToFloats();
        double total = values.Sum(v => Math.Max(0, v)), entropy = 0;
        foreach (var value in values)
        {
            var share = Math.Max(0, value) / total;
            if (share > 0)
                entropy -= share * Math.Log(share);
        }
        return (variance, Math.Exp(entropy));
    }

    // Mean cosine of all pairs along a dimension: (|Σu|² − n) / (n(n − 1)).
    static double Likeness(Tensor unit, int dimension)
    {
        double n = unit.Size(dimension);
        if (n < 2)
            return double.NaN;
        var squares = unit.Sum([dimension]).Square().Sum([1]).Mean().Item();
        return (squares - n) / (n * (n - 1));
    }
}
