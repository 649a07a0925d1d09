using Tandem.Torch;

namespace Tandem.Probes;

/// <summary>
/// The training samples nearest to each test sample by cosine: features are divided by their length (at least 1e-12), similarities are dot
/// products in float32. The nearest come first; of equally near ones, those with the smaller number.
/// </summary>
public sealed class Neighbours
{
    /// <summary>Similarities computed at once: 64 MiB of float32.</summary>
    const long Block = 16L << 20;

    readonly int[] samples;
    readonly float[] similarities;

    Neighbours(int count, int k)
    {
        Count = count;
        K = k;
        samples = new int[checked(count * k)];
        similarities = new float[samples.Length];
    }

    /// <summary>Test samples.</summary>
    public int Count { get; }

    /// <summary>Neighbours of each.</summary>
    public int K { get; }

    /// <summary>Numbers of a test sample's neighbours in the training data, nearest first.</summary>
    public ReadOnlySpan<int> Of(int test) => samples.AsSpan(test * K, K);

    /// <summary>Cosines with these neighbours.</summary>
    public ReadOnlySpan<float> Similarities(int test) => similarities.AsSpan(test * K, K);

    /// <summary>Finds neighbours, on the compute thread.</summary>
    /// <param name="train">Features to search, row-major [n, width].</param>
    /// <param name="test">Features to find neighbours of, row-major [m, width].</param>
    /// <param name="width">Numbers of a sample.</param>
    /// <param name="k">How many neighbours, at most n.</param>
    /// <param name="cancellation">Ends the work between blocks.</param>
    /// <exception cref="TandemException"><see cref="ErrorKind.Usage"/>: there are fewer than <paramref name="k"/> training samples.</exception>
    public static Neighbours Find(float[] train, float[] test, int width, int k, CancellationToken cancellation = default)
    {
        int n = train.Length / width, m = test.Length / width;
        ArgumentOutOfRangeException.ThrowIfLessThan(k, 1);
        if (k > n)
            throw new TandemException(ErrorKind.Usage, $"{k} neighbours were asked for, but there are only {n} training samples", "k", $"at most {n}", $"Give k={Math.Max(1, Math.Min(5, n / 2))}, or more training data.");
        var found = new Neighbours(m, k);
        var step = (int)Math.Clamp(Block / n, 1, 1024);
        ComputeThread.Run(() =>
        {
            using var scope = TensorScope.Enter("neighbours");
            using var noGrad = Libtorch.NoGrad();
            var against = Normalised(train, 0, n, width).Transpose(0, 1);
            for (var at = 0; at < m; at += step)
            {
                cancellation.ThrowIfCancellationRequested();
                using var block = TensorScope.Enter("neighbours");
                var rows = Math.Min(step, m - at);
                var all = Normalised(test, at, rows, width).Mm(against); // [rows, n]
                var (nearest, numbers) = all.Topk(k);
                found.Take(at, rows, all.Memory<float>(), nearest.ToHost().As<float>(), numbers.ToHost().As<long>(), n);
            }
        });
        return found;
    }

    static Tensor Normalised(float[] values, int first, int rows, int width)
    {
        var result = Ops.Empty([rows, width], ScalarType.Float);
        var to = result.Memory<float>();
        for (var i = 0; i < rows; i++)
        {
            var row = values.AsSpan(checked((first + i) * width), width);
            double sum = 0;
            foreach (var value in row)
                sum += (double)value * value;
            var length = (float)Math.Max(Math.Sqrt(sum), 1e-12);
            var unit = to.Slice(i * width, width);
            for (var j = 0; j < width; j++)
                unit[j] = row[j] / length;
        }
        return result;
    }

    void Take(int first, int rows, ReadOnlySpan<float> all, ReadOnlySpan<float> nearest, ReadOnlySpan<long> numbers, int n)
    {
        for (var i = 0; i < rows; i++)
        {
            var near = nearest.Slice(i * K, K);
            var picked = samples.AsSpan((first + i) * K, K);
            for (var j = 0; j < K; j++)
                picked[j] = (int)numbers[(i * K) + j];
            near.CopyTo(similarities.AsSpan((first + i) * K, K));
            // Which of equally near samples topk takes is left open; duplicates are common in real data, so it is settled here.
            if (HasTies(near, all.Slice(i * n, n)))
                Settle(picked, near, all.Slice(i * n, n));
        }
    }

    static bool HasTies(ReadOnlySpan<float> near, ReadOnlySpan<float> all)
    {
        for (var j = 1; j < near.Length; j++)
        {
            if (near[j] == near[j - 1])
                return true;
        }
        return all.Count(near[^1]) > 1;
    }

    static void Settle(Span<int> picked, ReadOnlySpan<float> near, ReadOnlySpan<float> all)
    {
        for (var begin = 0; begin < near.Length;)
        {
            var end = begin + 1;
            while (end < near.Length && near[end] == near[begin])
                end++;
            for (int sample = 0, at = begin; at < end; sample++)
            {
                if (all[sample] == near[begin])
                    picked[at++] = sample;
            }
            begin = end;
        }
    }
}
