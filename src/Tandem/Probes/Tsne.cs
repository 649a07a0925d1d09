using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Tandem.Torch;

namespace Tandem.Probes;

/// <summary>
/// A map of features in two dimensions that keeps neighbours together: exact t-SNE (van der Maaten and Hinton, "Visualizing data using t-SNE",
/// JMLR 2008), begun from the two principal components as Kobak and Berens (Nature Communications 2019) advise, so that what lies far apart
/// means something too. Work and memory grow with the square of the samples: for a thousand at most, it is a matter of a second on one thread.
/// The same features and seed give the same map on a machine.
/// </summary>
public static class Tsne
{
    const int Steps = 500, ExaggeratedSteps = 125;
    const float Exaggeration = 12;

    /// <summary>Lays out samples.</summary>
    /// <param name="features">Row-major [n, width]; only directions count (cosines). Samples with a number that is not finite count as zero.</param>
    /// <param name="width">Numbers of a sample.</param>
    /// <param name="perplexity">About how many neighbours of a sample are kept near; a third of the samples at most.</param>
    /// <param name="seed">Decides how equal samples are told apart at the beginning.</param>
    /// <returns>Places [n, 2], without a unit: the longer side of the map lies across and goes from 0 to 1, the other lies in the middle of 0 to 1.</returns>
    public static float[] Map(ReadOnlySpan<float> features, int width, double perplexity = 30, long seed = 0)
    {
        var n = features.Length / width;
        if (n < 4)
            return Fitted([.. Enumerable.Range(0, n).Select(i => (float)i)], new float[n]);
        var unit = Unit(features, width);
        // Rows are padded to whole vectors; padding stands so far away that it neither draws nor pushes.
        var stride = (n + Vector256<float>.Count - 1) / Vector256<float>.Count * Vector256<float>.Count;
        var affinities = Affinities(Distances(unit, n, width), n, stride, Math.Max(1, Math.Min(perplexity, (n - 1) / 3.0)));
        var (x, y) = Start(unit, n, width, stride, seed);
        Descend(affinities, x, y, n, stride);
        return Fitted(x.AsSpan(0, n), y.AsSpan(0, n));
    }

    static float[] Unit(ReadOnlySpan<float> features, int width)
    {
        var unit = features.ToArray();
        for (var at = 0; at + width <= unit.Length; at += width)
        {
            var row = unit.AsSpan(at, width);
            double sum = 0;
            foreach (var value in row)
                sum += (double)value * value;
            var scale = double.IsFinite(sum) && sum > 0 ? 1 / Math.Sqrt(sum) : 0;
            foreach (ref var value in row)
                value = scale == 0 ? 0 : (float)(value * scale);
        }
        return unit;
    }

    /// <summary>Squared distances, [n, n].</summary>
    static float[] Distances(float[] unit, int n, int width)
    {
        var distances = new float[n * n];
        for (var i = 0; i < n; i++)
        {
            for (var j = i + 1; j < n; j++)
                distances[(i * n) + j] = distances[(j * n) + i] = Distance(unit.AsSpan(i * width, width), unit.AsSpan(j * width, width));
        }
        return distances;
    }

    static float Distance(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        var lanes = Vector256<float>.Zero;
        var k = 0;
        for (; k + Vector256<float>.Count <= a.Length; k += Vector256<float>.Count)
        {
            var apart = Vector256.Create(a.Slice(k, Vector256<float>.Count)) - Vector256.Create(b.Slice(k, Vector256<float>.Count));
            lanes += apart * apart;
        }
        var sum = Vector256.Sum(lanes);
        for (; k < a.Length; k++)
            sum += (a[k] - b[k]) * (a[k] - b[k]);
        return sum;
    }

    /// <summary>How strongly two samples belong together, symmetric, of sum 1: [n, stride].</summary>
    static float[] Affinities(float[] distances, int n, int stride, double perplexity)
    {
        var own = new double[n * n];
        for (var i = 0; i < n; i++)
            Neighbourhood(distances.AsSpan(i * n, n), own.AsSpan(i * n, n), i, Math.Log(perplexity));
        var affinities = new float[n * stride];
        for (var i = 0; i < n; i++)
        {
            for (var j = 0; j < n; j++)
                affinities[(i * stride) + j] = i == j ? 0 : (float)Math.Max((own[(i * n) + j] + own[(j * n) + i]) / (2.0 * n), 1e-12);
        }
        return affinities;
    }

    // Finds the width of a Gaussian around a sample that gives the wanted perplexity (its logarithm is the entropy).
    static void Neighbourhood(ReadOnlySpan<float> distances, Span<double> own, int self, double entropy)
    {
        double nearest = double.PositiveInfinity, mean = 0;
        for (var j = 0; j < distances.Length; j++)
        {
            if (j == self)
                continue;
            nearest = Math.Min(nearest, distances[j]);
            mean += distances[j] / (distances.Length - 1.0);
        }
        // Distances are measured from the nearest, in units of their mean excess: scale does not matter then, not even that of a collapsed encoder.
        var scale = Math.Max(mean - nearest, 1e-30);
        double beta = 1, low = 0, high = double.PositiveInfinity;
        for (var attempt = 0; attempt < 64; attempt++)
        {
            double sum = 0, weighted = 0;
            for (var j = 0; j < distances.Length; j++)
            {
                var excess = (distances[j] - nearest) / scale;
                own[j] = j == self ? 0 : Math.Exp(-beta * excess);
                sum += own[j];
                weighted += own[j] * excess;
            }
            foreach (ref var value in own)
                value /= sum;
            var off = Math.Log(sum) + (beta * weighted / sum) - entropy;
            if (Math.Abs(off) < 1e-4)
                return;
            if (off > 0)
                low = beta;
            else
                high = beta;
            beta = double.IsInfinity(high) ? beta * 2 : (low + high) / 2;
        }
    }

    static (float[] X, float[] Y) Start(float[] unit, int n, int width, int stride, long seed)
    {
        var (first, second) = PrincipalComponents.Two(unit, n, width);
        var random = Randomness.Of(seed, "map");
        var (x, y) = (new float[stride], new float[stride]);
        x.AsSpan(n).Fill(1e15f);
        y.AsSpan(n).Fill(1e15f);
        // So small that the first steps are the same for all scales; one scale for both, or the second component would be blown up.
        var spread = Math.Sqrt(first.Sum(value => value * value) / n);
        var scale = spread > 0 ? 1e-4 / spread : 0;
        for (var i = 0; i < n; i++)
        {
            x[i] = (float)((first[i] * scale) + random.NextNormal(0, 1e-6));
            y[i] = (float)((second[i] * scale) + random.NextNormal(0, 1e-6));
        }
        return (x, y);
    }

    static void Descend(float[] affinities, float[] x, float[] y, int n, int stride)
    {
        var rate = Math.Max(n / Exaggeration / 4, 50);
        var (forces, speeds, gains) = (new float[2 * n], new float[2 * n], new float[2 * n]);
        gains.AsSpan().Fill(1);
        for (var step = 0; step < Steps; step++)
        {
            Forces(affinities, x, y, n, stride, step < ExaggeratedSteps ? Exaggeration : 1, forces);
            var momentum = step < ExaggeratedSteps ? 0.5f : 0.8f;
            for (var i = 0; i < 2 * n; i++)
            {
                ref var place = ref (i < n ? ref x[i] : ref y[i - n]);
                gains[i] = Math.Max(0.01f, float.Sign(forces[i]) == float.Sign(speeds[i]) ? gains[i] * 0.8f : gains[i] + 0.2f);
                speeds[i] = (momentum * speeds[i]) - ((float)rate * gains[i] * forces[i]);
                place += speeds[i];
            }
        }
    }

    /// <summary>The gradient: [n] for x, then [n] for y.</summary>
    // A run makes few maps: without this, the first would be half done before the loop is compiled well.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Forces(float[] affinities, float[] x, float[] y, int n, int stride, float exaggeration, float[] forces)
    {
        var (pushX, pushY) = (new float[n], new float[n]);
        double total = -n; // every sample is its own neighbour of weight 1 below
        for (var i = 0; i < n; i++)
        {
            var (ownX, ownY) = (Vector256.Create(x[i]), Vector256.Create(y[i]));
            Vector256<float> weights = default, drawnX = default, drawnY = default, pushedX = default, pushedY = default;
            for (var j = 0; j < stride; j += Vector256<float>.Count)
            {
                var (byX, byY) = (ownX - Vector256.Create(x.AsSpan(j, Vector256<float>.Count)), ownY - Vector256.Create(y.AsSpan(j, Vector256<float>.Count)));
                var weight = Vector256<float>.One / (Vector256<float>.One + (byX * byX) + (byY * byY));
                var draw = Vector256.Create(affinities.AsSpan((i * stride) + j, Vector256<float>.Count)) * weight;
                weights += weight;
                drawnX += draw * byX;
                drawnY += draw * byY;
                pushedX += weight * weight * byX;
                pushedY += weight * weight * byY;
            }
            total += Vector256.Sum(weights);
            forces[i] = 4 * exaggeration * Vector256.Sum(drawnX);
            forces[n + i] = 4 * exaggeration * Vector256.Sum(drawnY);
            (pushX[i], pushY[i]) = (Vector256.Sum(pushedX), Vector256.Sum(pushedY));
        }
        for (var i = 0; i < n; i++)
        {
            forces[i] -= (float)(4 * pushX[i] / total);
            forces[n + i] -= (float)(4 * pushY[i] / total);
        }
    }

    static float[] Fitted(ReadOnlySpan<float> x, ReadOnlySpan<float> y)
    {
        var places = new float[2 * x.Length];
        if (x.Length == 0)
            return places;
        float left = float.MaxValue, right = float.MinValue, top = float.MaxValue, bottom = float.MinValue;
        for (var i = 0; i < x.Length; i++)
        {
            (left, right) = (Math.Min(left, x[i]), Math.Max(right, x[i]));
            (top, bottom) = (Math.Min(top, y[i]), Math.Max(bottom, y[i]));
        }
        if (bottom - top > right - left)
            return Fitted(y, x);
        var side = right - left;
        for (var i = 0; i < x.Length; i++)
        {
            places[2 * i] = side > 0 ? Math.Clamp(0.5f + ((x[i] - ((left + right) / 2)) / side), 0, 1) : 0.5f;
            places[(2 * i) + 1] = side > 0 ? Math.Clamp(0.5f + ((y[i] - ((top + bottom) / 2)) / side), 0, 1) : 0.5f;
        }
        return places;
    }
}
