namespace Tandem.Probes;

/// <summary>A smooth function to be minimised: the value at a point, and the gradient there.</summary>
/// <param name="point">Where.</param>
/// <param name="gradient">Is filled.</param>
public delegate double SmoothFunction(ReadOnlySpan<double> point, Span<double> gradient);

/// <summary>Multiplies a vector by an estimate of the inverse curvature, in place: makes badly scaled problems round. Symmetric and positive.</summary>
/// <param name="vector">Is changed.</param>
public delegate void Preconditioner(Span<double> vector);

/// <summary>How a minimisation ended.</summary>
/// <param name="Value">The function there.</param>
/// <param name="Gradient">Length of the gradient there, √(g · P g) with the preconditioner P: half its square estimates how far the value is above the least.</param>
/// <param name="Iterations">Steps taken.</param>
/// <param name="Converged">Whether the gradient became as small as was asked for.</param>
public sealed record Minimum(double Value, double Gradient, int Iterations, bool Converged);

/// <summary>
/// Limited-memory BFGS (Nocedal and Wright, Numerical Optimization, algorithm 7.5) with a line search that ends in a point of sufficient
/// decrease and sufficient flattening (the weak Wolfe conditions), by bracketing.
/// </summary>
public sealed class Lbfgs
{
    const double Decrease = 1e-4, Flattening = 0.9;
    const int Trials = 40;

    readonly List<(double[] Step, double[] Change, double Curvature)> history = [];

    /// <summary>Pairs that are remembered.</summary>
    public int History { get; init; } = 12;

    /// <summary>Most steps.</summary>
    public int Iterations { get; init; } = 1000;

    /// <summary>The gradient's length, √(g · P g), at which it ends.</summary>
    public double Tolerance { get; init; } = 1e-8;

    /// <summary>Minimises in place.</summary>
    /// <param name="point">Where to begin; holds the minimum at the end.</param>
    /// <param name="scale">P, an estimate of the inverse curvature.</param>
    /// <param name="function">What to minimise.</param>
    /// <param name="cancellation">Ends it between evaluations.</param>
    public Minimum Minimise(double[] point, Preconditioner scale, SmoothFunction function, CancellationToken cancellation = default)
    {
        history.Clear();
        double[] gradient = new double[point.Length], next = new double[point.Length], nextGradient = new double[point.Length];
        var value = function(point, gradient);
        for (var iteration = 0; ; iteration++)
        {
            var length = Math.Sqrt(Scaled(gradient, scale));
            if (length <= Tolerance || iteration == Iterations)
                return new(value, length, iteration, length <= Tolerance);
            cancellation.ThrowIfCancellationRequested();
            var direction = Direction(gradient, scale);
            var slope = Dot(direction, gradient);
            if (Search(point, value, direction, slope, next, nextGradient, function, cancellation) is not { } lower)
            {
                if (history.Count == 0)
                    return new(value, length, iteration, Converged: false); // rounding allows no further step
                history.Clear(); // what is remembered may mislead; once more along the gradient
                continue;
            }
            Remember(point, next, gradient, nextGradient);
            next.CopyTo(point.AsSpan());
            (gradient, nextGradient) = (nextGradient, gradient);
            value = lower;
        }
    }

    double? Search(double[] point, double value, double[] direction, double slope, double[] next, double[] nextGradient, SmoothFunction function, CancellationToken cancellation)
    {
        // Near the minimum differences of values drown in rounding, which must not look like an increase.
        var noise = 1e-15 * Math.Max(1, Math.Abs(value));
        double low = 0, high = double.PositiveInfinity, size = 1;
        for (var trial = 0; trial < Trials; trial++)
        {
            cancellation.ThrowIfCancellationRequested();
            for (var i = 0; i < next.Length; i++)
                next[i] = point[i] + (size * direction[i]);
            var here = function(next, nextGradient);
            if (!double.IsFinite(here) || here > value + (Decrease * size * slope) + noise)
            {
                high = size;
                // The parabola through value, slope and this value; kept away from the ends.
                var vertex = double.IsFinite(here) ? -slope * size * size / (2 * (here - value - (slope * size))) : 0;
                size = Math.Clamp(vertex, low + (0.1 * (high - low)), low + (0.9 * (high - low)));
            }
            else if (Dot(direction, nextGradient) < Flattening * slope)
            {
                low = size;
                size = double.IsPositiveInfinity(high) ? 2 * size : (low + high) / 2;
            }
            else
            {
                return here;
            }
        }
        return null;
    }

    double[] Direction(double[] gradient, Preconditioner scale)
    {
        var q = (double[])gradient.Clone();
        Span<double> factors = stackalloc double[history.Count];
        for (var i = history.Count - 1; i >= 0; i--)
        {
            factors[i] = Dot(history[i].Step, q) / history[i].Curvature;
            AddScaled(q, history[i].Change, -factors[i]);
        }
        var gamma = history.Count == 0 ? 1 : history[^1].Curvature / Scaled(history[^1].Change, scale);
        scale(q);
        for (var i = 0; i < q.Length; i++)
            q[i] *= gamma;
        for (var i = 0; i < history.Count; i++)
            AddScaled(q, history[i].Step, factors[i] - (Dot(history[i].Change, q) / history[i].Curvature));
        for (var i = 0; i < q.Length; i++)
            q[i] = -q[i];
        return q;
    }

    void Remember(double[] point, double[] next, double[] gradient, double[] nextGradient)
    {
        var (step, change) = history.Count == History ? (history[0].Step, history[0].Change) : (new double[point.Length], new double[point.Length]);
        if (history.Count == History)
            history.RemoveAt(0);
        for (var i = 0; i < step.Length; i++)
        {
            step[i] = next[i] - point[i];
            change[i] = nextGradient[i] - gradient[i];
        }
        var curvature = Dot(step, change);
        if (curvature > 1e-14 * Math.Sqrt(Dot(step, step) * Dot(change, change)))
            history.Add((step, change, curvature));
    }

    static double Scaled(double[] x, Preconditioner scale)
    {
        var y = (double[])x.Clone();
        scale(y);
        return Math.Max(0, Dot(x, y));
    }

    static double Dot(double[] a, double[] b)
    {
        double sum = 0;
        for (var i = 0; i < a.Length; i++)
            sum += a[i] * b[i];
        return sum;
    }

    static void AddScaled(double[] to, double[] x, double factor)
    {
        for (var i = 0; i < to.Length; i++)
            to[i] += factor * x[i];
    }
}
