using Tandem.Torch;

namespace Tandem.Training;

/// <summary>
/// Gauges of collapse at four places of a step (local features, student, predictions, targets): how much representations vary, in how many
/// directions, between samples and between positions, and whether they repeat along a sequence. Padding never counts.
/// </summary>
public static class Health
{
    /// <summary>Where gauges are taken, as they are called in metrics.</summary>
    public static IReadOnlyList<string> Places { get; } = ["local", "student", "prediction", "target"];

    // Enough for a covariance of a few hundred channels; more would cost time at every logged step.
    const int MostVectors = 2048;

    // Enough to see a repetition; a product of all positions with all others is not cheap.
    const int RowsForPeriods = 8;

    /// <summary>
    /// For each place
    /// <c>PLACE/variance</c>: mean over channels;
    /// <c>PLACE/effective_rank</c>: exponential of the entropy of the covariance's eigenvalues, at most the width;
    /// <c>PLACE/cosine_samples</c>, <c>PLACE/cosine_positions</c>: mean cosine between samples at a position, between positions of a sample, 1 where all are the same;
    /// <c>PLACE/sample_share</c>: share of the variance that lies between samples at a position, 0 where a representation is a function of its position alone;
    /// <c>PLACE/position_share</c>: share of the variance that lies between positions of a sample, 0 where all positions of a sample are the same;
    /// <c>PLACE/periodicity</c> (sequences, where all places are present): by how much the autocorrelation along a sequence rises again after it has fallen; 1 and more where
    /// representations repeat.
    /// </summary>
    /// <param name="states">
    /// Tensors of the step, [rows, places, width]; <c>padding</c> ([rows, places], true at padding) belongs to <c>student</c>, <c>local padding</c> to the others. <c>keep</c>
    /// (int64 [rows, kept]) says at which positions the student's last places stand; those before are no positions and do not count.
    /// </param>
    /// <param name="rows">Rows looked at, at most.</param>
    /// <param name="sequence">Whether places lie in a line.</param>
    public static IReadOnlyList<(string Name, double Value)> Gauges(IReadOnlyDictionary<string, Tensor> states, int rows, bool sequence = false)
    {
        using var scope = TensorScope.Enter("health");
        using var noGrad = Libtorch.NoGrad();
        List<(string, double)> gauges = [];
        foreach (var place in Places)
        {
            if (!states.TryGetValue(place, out var state) || state.Shape.Length != 3)
                continue;
            using var inner = TensorScope.Enter(place);
            var student = place == "student";
            var positions = student ? states.GetValueOrDefault("keep") : null;
            var (chosen, length) = Chosen(state, states.GetValueOrDefault(student ? "padding" : "local padding"), rows);
            var from = positions is null ? 0 : state.Size(1) - positions.Size(1);
            length = Math.Max(length, from + 1);
            var x = Part(state.Detach(), chosen, from, length).To(ScalarType.Float);
            var (variance, rank) = Spread(x);
            gauges.Add(($"{place}/variance", variance));
            gauges.Add(($"{place}/effective_rank", rank));
            var unit = x.Div(x.Square().Sum([2], keepdim: true).Sqrt().ClampMin(1e-12));
            var groups = positions is null ? null : Groups(Part(positions, chosen, 0, length - from));
            gauges.Add(($"{place}/cosine_samples", groups is null ? Likeness(unit, 0) : LikenessWithin(groups, unit)));
            gauges.Add(($"{place}/cosine_positions", Likeness(unit, 1)));
            gauges.Add(($"{place}/sample_share", groups is null ? Share(x, 0) : ShareWithin(groups, x)));
            gauges.Add(($"{place}/position_share", Share(x, 1)));
            if (sequence && !student)
                gauges.Add(($"{place}/periodicity", Periodicity(x)));
        }
        return gauges;
    }

    // Rows at equal distances, so that they belong to different samples (copies of one are adjacent); of padded ones the longer half, cut to the shortest of it.
    static (Tensor Rows, long Length) Chosen(Tensor state, Tensor? padding, int rows)
    {
        var all = state.Size(0);
        var taken = Math.Min(rows, all);
        long[] ids = [.. Enumerable.Range(0, (int)taken).Select(i => i * all / taken)];
        var length = state.Size(1);
        if (padding is not null)
        {
            // Padding of the samples where states hold copies of them.
            var copies = all / padding.Size(0);
            var lengths = padding.Eq(0).Sum([1], dtype: ScalarType.Long).ToHost().As<long>();
            var real = new long[ids.Length];
            for (var i = 0; i < ids.Length; i++)
                real[i] = lengths[(int)(ids[i] / copies)];
            var median = real.Order().ElementAt(real.Length / 2);
            ids = [.. ids.Where((_, i) => real[i] >= median)];
            length = Math.Max(1, median);
        }
        return (Tensor.From(HostTensor.From<long>(ids, ids.Length), state.Device), length);
    }

    static Tensor Part(Tensor x, Tensor rows, long from, long to)
    {
        var chosen = x.IndexSelect(0, rows);
        return from == 0 && to == x.Size(1) ? chosen : chosen.Narrow(1, from, to - from).Contiguous();
    }

    // 1 where a vector stands at a position: [vectors, positions].
    static Tensor Groups(Tensor positions)
    {
        var flat = positions.Reshape([-1, 1]);
        var count = (long)positions.Max().Item() + 1;
        return flat.Eq(Tensor.From(HostTensor.From<long>([.. Enumerable.Range(0, (int)count).Select(i => (long)i)], 1, count), positions.Device)).To(ScalarType.Float);
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

    // Unbiased variance along a dimension, by the variance of all vectors.
    static double Share(Tensor x, int dimension)
    {
        double n = x.Size(dimension), all = x.Size(0) * x.Size(1);
        if (n < 2)
            return double.NaN;
        var total = x.Sub(x.Mean([0, 1], keepdim: true)).Square().Mean().Item() * all / (all - 1);
        var within = x.Sub(x.Mean([dimension], keepdim: true)).Square().Mean().Item() * n / (n - 1);
        return total > 0 ? within / total : 0;
    }

    // Likeness and share between samples where each row has positions of its own: of the vectors that stand at one position, over all positions.
    static double LikenessWithin(Tensor groups, Tensor unit)
    {
        var counts = groups.Sum([0]).ToFloats();
        double vectors = groups.Size(0), pairs = counts.Sum(n => (double)n * (n - 1));
        return pairs == 0 ? double.NaN : (SumsOf(groups, unit).Square().Sum().Item() - vectors) / pairs;
    }

    static double ShareWithin(Tensor groups, Tensor x)
    {
        var counts = groups.Sum([0], keepdim: true);
        double vectors = groups.Size(0), free = vectors - counts.ToFloats().Count(n => n > 0);
        if (free < 1)
            return double.NaN;
        var centred = x.Sub(x.Mean([0, 1], keepdim: true));
        var total = centred.Square().Sum().Item();
        var between = SumsOf(groups, centred).Square().Sum([1]).Div(counts.Reshape([-1]).ClampMin(1)).Sum().Item();
        return total > 0 ? Math.Max(0, total - between) / free / (total / (vectors - 1)) : 0;
    }

    // [positions, width]
    static Tensor SumsOf(Tensor groups, Tensor x) => groups.Transpose(0, 1).Matmul(x.Reshape([-1, x.Size(2)]));

    static double Periodicity(Tensor x)
    {
        var (rows, places) = (Math.Min(RowsForPeriods, x.Size(0)), (int)x.Size(1));
        if (places < 8)
            return double.NaN;
        var some = x.Narrow(0, 0, rows);
        var centred = some.Sub(some.Mean([1], keepdim: true));
        var products = centred.Matmul(centred.Transpose(1, 2)).Sum([0]).ToFloats();
        double Mean(int lag)
        {
            double sum = 0;
            for (var t = 0; t + lag < places; t++)
                sum += products[(t * places) + t + lag];
            return sum / (places - lag);
        }
        var power = Mean(0);
        if (!(power > 0))
            return double.NaN;
        double lowest = 1, rise = 0;
        // At lags beyond half of the sequence too few pairs are left.
        for (var lag = 1; lag <= places / 2; lag++)
        {
            var correlation = Mean(lag) / power;
            rise = Math.Max(rise, correlation - lowest);
            lowest = Math.Min(lowest, correlation);
        }
        return rise;
    }
}
