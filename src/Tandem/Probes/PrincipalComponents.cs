using Tandem.Torch;

namespace Tandem.Probes;

/// <summary>The directions in which features differ most.</summary>
static class PrincipalComponents
{
    const int Rounds = 30;

    /// <summary>
    /// Samples along the two largest components, by power iteration from a fixed start: enough to begin a map from. The sample that lies
    /// farthest along a component lies on its positive side, so that signs do not depend on chance.
    /// </summary>
    /// <param name="values">Row-major [n, width], finite.</param>
    /// <param name="n">Samples.</param>
    /// <param name="width">Numbers of a sample.</param>
    /// <returns>Each sample's coordinate along the first and along the second component.</returns>
    public static (double[] First, double[] Second) Two(float[] values, int n, int width)
    {
        var means = new double[width];
        for (var i = 0; i < values.Length; i++)
            means[i % width] += values[i] / (double)n;
        var random = Randomness.Of(0, "principal components");
        double[][] directions = [new double[width], new double[width]];
        foreach (var direction in directions)
        {
            foreach (ref var value in direction.AsSpan())
                value = random.NextNormal();
        }
        double[][] along = [new double[n], new double[n]];
        for (var round = 0; round <= Rounds; round++)
        {
            Orthonormalise(directions[0], directions[1]);
            for (var c = 0; c < 2; c++)
            {
                var (direction, to) = (directions[c], new double[width]);
                for (var i = 0; i < n; i++)
                {
                    double sum = 0;
                    for (var j = 0; j < width; j++)
                        sum += (values[(i * width) + j] - means[j]) * direction[j];
                    along[c][i] = sum;
                    for (var j = 0; j < width; j++)
                        to[j] += sum * (values[(i * width) + j] - means[j]);
                }
                directions[c] = to;
            }
        }
        foreach (var component in along)
        {
            if (component.Length > 0 && component.MaxBy(Math.Abs) < 0)
            {
                foreach (ref var value in component.AsSpan())
                    value = -value;
            }
        }
        return (along[0], along[1]);
    }

    static void Orthonormalise(double[] first, double[] second)
    {
        Normalise(first);
        var shared = first.Zip(second, (a, b) => a * b).Sum();
        for (var j = 0; j < second.Length; j++)
            second[j] -= shared * first[j];
        Normalise(second);
    }

    static void Normalise(double[] direction)
    {
        var length = Math.Sqrt(direction.Sum(value => value * value));
        foreach (ref var value in direction.AsSpan())
            value = length > 0 ? value / length : 0;
    }
}
