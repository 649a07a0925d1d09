using Tandem.Torch;

namespace Tandem.Data.Audio;

/// <summary>
/// Training on batches of recordings of similar length: each epoch orders anew, cuts by total samples, and brings the batches into a random order.
/// A step takes one batch a micro-batch and rank. Epochs have equally many batches, because only ties change places.
/// </summary>
public sealed class LengthPlan : BatchPlan
{
    readonly Lock gate = new();
    readonly int[] lengths;
    readonly BatchLimits limits;
    readonly long seed;
    readonly int rank, ranks, microBatches, perEpoch;
    readonly int[] byLength, rankOf;
    (long Epoch, List<int[]> Batches) current, previous = (-1, []);

    /// <summary>Plans batches.</summary>
    /// <param name="seed">The run's seed.</param>
    /// <param name="lengths">Samples of each recording; 0 leaves it out.</param>
    /// <param name="longest">Longer ones are cropped to this; null for none.</param>
    /// <param name="limits">Samples and recordings of a batch.</param>
    /// <param name="rank">This process's number.</param>
    /// <param name="ranks">Number of processes.</param>
    /// <param name="microBatches">Batches a step on each rank.</param>
    /// <exception cref="TandemException"><see cref="ErrorKind.Usage"/>: a recording does not fit a batch, or there are too few for one.</exception>
    public LengthPlan(long seed, IReadOnlyList<int> lengths, int? longest, BatchLimits limits, int rank = 0, int ranks = 1, int microBatches = 1)
    {
        (this.seed, this.limits, this.rank, this.ranks, this.microBatches) = (seed, limits, rank, ranks, microBatches);
        this.lengths = [.. lengths.Select(length => Math.Min(length, longest ?? int.MaxValue))];
        byLength = [.. Enumerable.Range(0, lengths.Count).Where(recording => lengths[recording] > 0).OrderBy(recording => lengths[recording])];
        rankOf = new int[lengths.Count];
        for (var place = 0; place < byLength.Length; place++)
            rankOf[byLength[place]] = place;
        current = (0, Make(0));
        perEpoch = current.Batches.Count;
        if (perEpoch == 0)
            throw new TandemException(ErrorKind.Usage, $"{Planned} recordings give no full batch", "data.multiple", $"a multiple of {limits.Multiple} recordings", "set the multiple to 1");
    }

    /// <summary>Plans batches of a source: recordings that are too short or cannot be opened are left out.</summary>
    /// <param name="source">The recordings.</param>
    /// <param name="options">Seed, shortest and longest, what happens to damaged recordings.</param>
    /// <param name="limits">Samples and recordings of a batch.</param>
    /// <param name="rank">This process's number.</param>
    /// <param name="ranks">Number of processes.</param>
    /// <param name="microBatches">Batches a step on each rank.</param>
    /// <exception cref="TandemException">As <see cref="RecordingLengths.Of"/>, and as the constructor.</exception>
    public static LengthPlan Of(AudioSource source, AudioBatchOptions options, BatchLimits limits, int rank = 0, int ranks = 1, int microBatches = 1) =>
        new(options.Seed, RecordingLengths.Of(source, options).Samples, options.Longest, limits, rank, ranks, microBatches);

    /// <inheritdoc/>
    public override long? Batches => null;

    /// <summary>Recordings that are not left out.</summary>
    public int Planned => byLength.Length;

    /// <summary>What can stand for a damaged recording: the longer ones in turn, the next longer one first, then the shorter ones.</summary>
    public IEnumerable<int> Similar(int recording)
    {
        var place = rankOf[recording];
        for (var longer = place + 1; longer < byLength.Length; longer++)
            yield return byLength[longer];
        for (var shorter = place - 1; shorter >= 0; shorter--)
            yield return byLength[shorter];
    }

    /// <summary>Batches an epoch, of all ranks together.</summary>
    public int PerEpoch => perEpoch;

    /// <inheritdoc/>
    public override BatchPlace Place(long batch)
    {
        var (step, micro) = Math.DivRem(batch, (long)microBatches);
        var first = step * ranks * microBatches;
        var own = first + (rank * microBatches) + micro;
        var slot = 0;
        for (var number = first; number < own; number++)
            slot += Batch(number).Length;
        return new(step, slot, Batch(own).Length);
    }

    /// <inheritdoc/>
    public override int Sample(long step, int slot)
    {
        var number = step * ranks * microBatches;
        var batch = Batch(number);
        while (slot >= batch.Length)
        {
            slot -= batch.Length;
            batch = Batch(++number);
        }
        return batch[slot];
    }

    int[] Batch(long number)
    {
        var (epoch, place) = Math.DivRem(number, (long)perEpoch);
        lock (gate)
        {
            if (current.Epoch == epoch)
                return current.Batches[(int)place];
            if (previous.Epoch == epoch)
                return previous.Batches[(int)place];
            var made = Make(epoch);
            if (epoch > current.Epoch)
                (previous, current) = (current, (epoch, made));
            else
                previous = (epoch, made);
            return made[(int)place];
        }
    }

    List<int[]> Make(long epoch)
    {
        int[] ties = [.. Enumerable.Range(0, lengths.Length)];
        var draw = Randomness.Of(seed, "order", epoch);
        draw.Shuffle<int>(ties);
        // Ties change places, so the lengths along the order, and with them the cuts, are the same in every epoch. Longest first: what is left out stands last.
        var batches = LengthBatches.Cut(LengthBatches.Order(lengths, null, ties).AsSpan(0, Planned), lengths, limits);
        if (LengthBatches.DropsLast(batches, limits))
            batches.RemoveAt(batches.Count - 1);
        draw.Shuffle(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(batches));
        return batches;
    }
}
