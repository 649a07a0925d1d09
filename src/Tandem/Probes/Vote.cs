namespace Tandem.Probes;

/// <summary>How neighbours choose a class.</summary>
public static class Vote
{
    /// <summary>One vote each.</summary>
    /// <param name="labels">The neighbours' classes.</param>
    /// <param name="similarities">Their cosines.</param>
    /// <param name="classes">Number of classes.</param>
    /// <returns>Classes, the best first: by votes, then by the larger sum of similarities, then by the smaller number.</returns>
    public static int[] Plain(ReadOnlySpan<int> labels, ReadOnlySpan<float> similarities, int classes)
    {
        var votes = new int[classes];
        var sums = new double[classes];
        for (var i = 0; i < labels.Length; i++)
        {
            votes[labels[i]]++;
            sums[labels[i]] += similarities[i];
        }
        return Ranked(classes, (a, b) => votes[a] != votes[b] ? votes[b].CompareTo(votes[a]) : sums[b].CompareTo(sums[a]));
    }

    /// <summary>DINO's votes (facebookresearch/dino, eval_knn.py): a class has the sum of exp(similarity / temperature) over its neighbours.</summary>
    /// <param name="labels">The neighbours' classes.</param>
    /// <param name="similarities">Their cosines.</param>
    /// <param name="classes">Number of classes.</param>
    /// <param name="temperature">0.07 as published.</param>
    public static double[] Weights(ReadOnlySpan<int> labels, ReadOnlySpan<float> similarities, int classes, double temperature)
    {
        var votes = new double[classes];
        for (var i = 0; i < labels.Length; i++)
            votes[labels[i]] += Math.Exp(similarities[i] / temperature);
        return votes;
    }

    /// <summary>Classes by weight, the heaviest first; of equal ones the smaller number.</summary>
    public static int[] Ranked(double[] weights) => Ranked(weights.Length, (a, b) => weights[b].CompareTo(weights[a]));

    static int[] Ranked(int classes, Comparison<int> better)
    {
        var order = Enumerable.Range(0, classes).ToArray();
        Array.Sort(order, (a, b) => better(a, b) is var known && known != 0 ? known : a.CompareTo(b));
        return order;
    }
}
