using Tandem.Torch;

namespace Tandem.Probes;

/// <summary>Means and deviations of features (divisor n), to make them comparable.</summary>
/// <param name="Mean">Of each feature.</param>
/// <param name="Std">Of each feature; 1 where it never changes.</param>
public sealed record Standardisation(double[] Mean, double[] Std)
{
    /// <summary>The statistics of some samples.</summary>
    /// <param name="values">Row-major [n, width].</param>
    /// <param name="width">Numbers of a sample.</param>
    /// <param name="samples">Which samples count; all when null.</param>
    public static Standardisation Of(float[] values, int width, IReadOnlyList<int>? samples = null)
    {
        var count = samples?.Count ?? values.Length / width;
        double[] mean = new double[width], std = new double[width];
        for (var i = 0; i < count; i++)
        {
            var row = values.AsSpan((samples?[i] ?? i) * width, width);
            for (var j = 0; j < width; j++)
                mean[j] += row[j];
        }
        for (var j = 0; j < width; j++)
            mean[j] /= count;
        for (var i = 0; i < count; i++)
        {
            var row = values.AsSpan((samples?[i] ?? i) * width, width);
            for (var j = 0; j < width; j++)
                std[j] += (row[j] - mean[j]) * (row[j] - mean[j]);
        }
        for (var j = 0; j < width; j++)
        {
            std[j] = Math.Sqrt(std[j] / count);
            if (!(std[j] > 1e-12 * Math.Max(1, Math.Abs(mean[j]))))
                std[j] = 1;
        }
        return new(mean, std);
    }

    /// <summary>Changes nothing.</summary>
    public static Standardisation None(int width)
    {
        var ones = new double[width];
        Array.Fill(ones, 1);
        return new(new double[width], ones);
    }
}

/// <summary>
/// Multinomial logistic regression in double precision: the minimum of C · Σ cross entropy(x Wᵀ + b, y) + ½ Σ W² over all samples, b free
/// (scikit-learn's convention; the sum is over samples, so n times as many weigh the penalty down n times).
/// </summary>
public sealed class LogisticRegression
{
    LogisticRegression(int classes, int width, double[] parameters, Standardisation standardisation, double objective, Minimum minimum)
    {
        Classes = classes;
        Width = width;
        Weights = parameters.AsSpan(0, classes * width).ToArray();
        Intercepts = parameters.AsSpan(classes * width).ToArray();
        Standardisation = standardisation;
        Objective = objective;
        Minimum = minimum;
    }

    /// <summary>Number of classes.</summary>
    public int Classes { get; }

    /// <summary>Numbers of a sample.</summary>
    public int Width { get; }

    /// <summary>W, row-major [classes, width], for standardised features.</summary>
    public double[] Weights { get; }

    /// <summary>b, its mean taken off: only differences between classes matter.</summary>
    public double[] Intercepts { get; }

    /// <summary>What is done to features first.</summary>
    public Standardisation Standardisation { get; }

    /// <summary>The objective's value.</summary>
    public double Objective { get; }

    /// <summary>How the minimisation of the objective divided by C · n ended.</summary>
    public Minimum Minimum { get; }

    /// <summary>Fits on the compute thread.</summary>
    /// <param name="values">Features, row-major [n, width].</param>
    /// <param name="width">Numbers of a sample.</param>
    /// <param name="labels">Classes, 0 … <paramref name="classes"/> − 1; each must occur, or its intercept has no minimum.</param>
    /// <param name="classes">Number of classes, at least 2.</param>
    /// <param name="c">C: the larger, the weaker the penalty.</param>
    /// <param name="standardisation">What is done to features first.</param>
    /// <param name="cancellation">Ends it between evaluations.</param>
    public static LogisticRegression Fit(float[] values, int width, int[] labels, int classes, double c, Standardisation standardisation, CancellationToken cancellation = default)
    {
        var all = Enumerable.Range(0, labels.Length).ToArray();
        using var problem = new LogisticProblem(values, width, labels, classes, all, standardisation);
        return problem.Solve(c * labels.Length, problem.Start(), new(), cancellation);
    }

    /// <summary>Class probabilities of samples: row-major double [n, classes].</summary>
    /// <param name="values">Features as they come, row-major [n, width].</param>
    public double[] Probabilities(float[] values)
    {
        var n = values.Length / Width;
        var result = new double[checked(n * Classes)];
        ComputeThread.Run(() =>
        {
            using var noGrad = Libtorch.NoGrad();
            const int rows = 8192;
            for (var at = 0; at < n; at += rows)
            {
                using var scope = TensorScope.Enter("probabilities");
                var samples = Enumerable.Range(at, Math.Min(rows, n - at)).ToArray();
                var weights = Tensor.From<double>(Weights, Classes, Width);
                var logits = LogisticProblem.Rows(values, Width, samples, Standardisation).Mm(weights.Transpose(0, 1)).Add(Tensor.From<double>(Intercepts, Classes));
                logits.Softmax(1).Contiguous().Memory<double>().CopyTo(result.AsSpan(at * Classes));
            }
        });
        return result;
    }

    internal static LogisticRegression Of(int classes, int width, double[] parameters, Standardisation standardisation, double objective, Minimum minimum) =>
        new(classes, width, parameters, standardisation, objective, minimum);
}

/// <summary>
/// The samples of a logistic regression as tensors, for fits with several C. Minimised is the objective divided by C · n, mean cross entropy
/// + Σ W² / (2 · strength) with strength = C · n, over centred features: b is free, so centring changes b alone, and the problem is rounder.
/// Few samples of many numbers, pixels of photographs say, are minimised over within the space that they span: the minimum lies in it.
/// </summary>
sealed class LogisticProblem : IDisposable
{
    /// <summary>Samples up to which a problem of more numbers than that is minimised over within the space that they span.</summary>
    public const int Few = Curvature.FullWidth;

    const int BlockRows = 8192;

    readonly int width, classes;
    readonly int[] labels;
    readonly List<Tensor> blocks = []; // [rows, width], or [rows, rank] where there is a span
    readonly RowSpan? span;
    readonly Standardisation standardisation, used;
    readonly double[] second;

    public LogisticProblem(float[] values, int width, int[] labels, int classes, int[] samples, Standardisation standardisation)
    {
        (this.width, this.classes, this.standardisation) = (width, classes, standardisation);
        this.labels = [.. samples.Select(sample => labels[sample])];
        used = standardisation with { Mean = Standardisation.Of(values, width, samples).Mean };
        (span, second) = ComputeThread.Run(() =>
        {
            using var noGrad = Libtorch.NoGrad();
            for (var at = 0; at < samples.Length; at += BlockRows)
                blocks.Add(TensorScope.Release(Rows(values, width, samples.AsSpan(at, Math.Min(BlockRows, samples.Length - at)), used)));
            RowSpan? spanned = null;
            if (width > Few && samples.Length <= Few)
            {
                spanned = RowSpan.Of(blocks[0]);
                blocks[0] = spanned.Coordinates;
            }
            return (spanned, Curvature.SecondMoments(blocks, spanned?.Rank ?? width, samples.Length));
        });
    }

    public int Count => labels.Length;

    /// <summary>Weights a class that are minimised over.</summary>
    public int Unknowns => span?.Rank ?? width;

    /// <summary>All zeros: [W, b].</summary>
    public double[] Start() => new double[classes * (width + 1)];

    /// <summary>Features of samples, changed as a standardisation says: double [samples, width].</summary>
    public static Tensor Rows(float[] values, int width, ReadOnlySpan<int> samples, Standardisation by)
    {
        var result = Ops.Empty([samples.Length, width], ScalarType.Double);
        var to = result.Memory<double>();
        for (var i = 0; i < samples.Length; i++)
        {
            var row = values.AsSpan(checked(samples[i] * width), width);
            var changed = to.Slice(i * width, width);
            for (var j = 0; j < width; j++)
                changed[j] = (row[j] - by.Mean[j]) / by.Std[j];
        }
        return result;
    }

    /// <summary>Minimises for one strength of the data against the penalty.</summary>
    /// <param name="strength">C · n.</param>
    /// <param name="parameters">Where to begin, [W, b] over centred features; holds the minimum at the end.</param>
    /// <param name="method">Tolerance and limit.</param>
    /// <param name="cancellation">Ends it between evaluations.</param>
    public LogisticRegression Solve(double strength, double[] parameters, Lbfgs method, CancellationToken cancellation) => ComputeThread.Run(() =>
    {
        using var noGrad = Libtorch.NoGrad();
        var scale = Curvature.Preconditioner(second, Unknowns, classes, strength);
        var offsets = parameters.AsSpan(classes * width);
        var point = span is null ? parameters : [.. span.Inward(parameters.AsSpan(0, classes * width), classes), .. offsets];
        var minimum = method.Minimise(point, scale, (at, gradient) => Evaluate(at, gradient, strength), cancellation);
        if (span is not null)
        {
            span.Outward(point.AsSpan(0, classes * Unknowns), classes).CopyTo(parameters.AsSpan());
            point.AsSpan(classes * Unknowns).CopyTo(offsets);
        }
        return Result(parameters, minimum, strength);
    });

    public void Dispose() => ComputeThread.Run(() =>
    {
        foreach (var block in blocks)
            block.Dispose();
        blocks.Clear();
        span?.Dispose();
    });

    LogisticRegression Result(double[] parameters, Minimum minimum, double strength)
    {
        var result = (double[])parameters.Clone();
        // From centred features to standardised ones: b moves by W · (shift of the mean).
        for (var k = 0; k < classes; k++)
        {
            for (var j = 0; j < width; j++)
                result[(classes * width) + k] -= result[(k * width) + j] * (used.Mean[j] - standardisation.Mean[j]) / standardisation.Std[j];
        }
        var offsets = result.AsSpan(classes * width);
        double mean = 0;
        foreach (var offset in offsets)
            mean += offset / classes;
        foreach (ref var offset in offsets)
            offset -= mean;
        return LogisticRegression.Of(classes, width, result, standardisation, minimum.Value * strength, minimum);
    }

    double Evaluate(ReadOnlySpan<double> point, Span<double> gradient, double strength)
    {
        using var scope = TensorScope.Enter("logistic regression");
        var matrix = classes * Unknowns;
        var weights = Tensor.From(point[..matrix], classes, Unknowns);
        var transposed = weights.Transpose(0, 1);
        var offsets = Tensor.From(point[matrix..], classes);
        var slopes = Ops.Zeros([classes, Unknowns], ScalarType.Double);
        gradient[matrix..].Clear();
        double loss = 0;
        var at = 0;
        foreach (var block in blocks)
        {
            using var inner = TensorScope.Enter("logistic regression");
            var rows = (int)block.Size(0);
            var shares = block.Mm(transposed).Add(offsets).Contiguous(); // [rows, classes], logits still
            loss -= Errors(shares.Memory<double>(), labels.AsSpan(at, rows), gradient[matrix..]);
            slopes.AddInPlace(shares.Transpose(0, 1).Mm(block));
            at += rows;
        }
        double penalty = 0;
        var slope = slopes.Memory<double>();
        for (var i = 0; i < matrix; i++)
        {
            gradient[i] = (slope[i] / Count) + (point[i] / strength);
            penalty += point[i] * point[i];
        }
        for (var i = matrix; i < gradient.Length; i++)
            gradient[i] /= Count;
        return (loss / Count) + (penalty / (2 * strength));
    }

    // Turns logits into probabilities less the truth, adds them up by class, and gives the log likelihood: one exponential a number, where
    // libtorch's log-softmax and its gradient take two.
    double Errors(Span<double> shares, ReadOnlySpan<int> truth, Span<double> sums)
    {
        double likelihood = 0;
        for (var i = 0; i < truth.Length; i++)
        {
            var row = shares.Slice(i * classes, classes);
            var most = row[0];
            foreach (var logit in row)
                most = Math.Max(most, logit);
            likelihood += row[truth[i]] - most;
            double total = 0;
            foreach (ref var logit in row)
                total += logit = Math.Exp(logit - most);
            likelihood -= Math.Log(total);
            for (var k = 0; k < classes; k++)
            {
                row[k] = (row[k] / total) - (k == truth[i] ? 1 : 0);
                sums[k] += row[k];
            }
        }
        return likelihood;
    }
}
