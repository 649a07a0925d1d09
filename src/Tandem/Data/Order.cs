using Tandem.Torch;

namespace Tandem.Data;

/// <summary>
/// In which order samples are seen: an endless row of permutations, one an epoch, each a function of (seed, epoch) alone. Positions in that row
/// are whole numbers, so a run resumed at any step goes on exactly, whatever the batch size. Safe from many threads.
/// </summary>
public sealed class Order
{
    readonly Lock gate = new();
    readonly long seed;
    (long Epoch, int[] Samples) current = (-1, []), previous = (-1, []);

    /// <summary>Orders a source of <paramref name="count"/> samples.</summary>
    /// <param name="seed">The run's seed.</param>
    /// <param name="count">Samples in an epoch, at least 1.</param>
    public Order(long seed, int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        this.seed = seed;
        Count = count;
    }

    /// <summary>Samples in an epoch.</summary>
    public int Count { get; }

    /// <summary>Which sample stands at a position of the endless row.</summary>
    /// <param name="position">0, 1, 2, …; position / <see cref="Count"/> is the epoch.</param>
    public int At(long position)
    {
        var (epoch, place) = Math.DivRem(position, (long)Count);
        return Epoch(epoch)[place];
    }

    /// <summary>The epoch that a step begins in.</summary>
    public long EpochOf(long step, int batch) => step * batch / Count;

    /// <summary>The samples of a whole epoch, in order.</summary>
    public ReadOnlySpan<int> Samples(long epoch) => Epoch(epoch);

    // Batches run over the border between two epochs while workers are ahead, so two permutations are kept.
    int[] Epoch(long epoch)
    {
        lock (gate)
        {
            if (current.Epoch == epoch)
                return current.Samples;
            if (previous.Epoch == epoch)
                return previous.Samples;
            var samples = new int[Count];
            for (var i = 0; i < samples.Length; i++)
                samples[i] = i;
            var randomness = Randomness.Of(seed, "order", epoch);
            randomness.Shuffle<int>(samples);
            if (epoch > current.Epoch)
                (previous, current) = (current, (epoch, samples));
            else
                previous = (epoch, samples);
            return samples;
        }
    }
}
