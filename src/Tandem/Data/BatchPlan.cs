namespace Tandem.Data;

/// <summary>Where a batch's samples stand: a run of positions of one step.</summary>
/// <param name="Step">The update that the batch belongs to; the batch's number in an evaluation.</param>
/// <param name="Slot">Place of the batch's first sample within its step.</param>
/// <param name="Count">Samples in the batch, of this process.</param>
public readonly record struct BatchPlace(long Step, int Slot, int Count);

/// <summary>Which samples form which batch.</summary>
public abstract class BatchPlan
{
    /// <summary>Number of batches, or null if they never end.</summary>
    public abstract long? Batches { get; }

    /// <summary>Where a batch stands.</summary>
    /// <param name="batch">Counted from 0.</param>
    public abstract BatchPlace Place(long batch);

    /// <summary>The sample at a slot of a step.</summary>
    public abstract int Sample(long step, int slot);
}

/// <summary>
/// Training: step s takes positions s·batch … (s+1)·batch − 1 of the order's endless row, so no batch is ever incomplete. Ranks take equal
/// consecutive shares of a step, and each share is split into micro-batches, the first ones larger by one where it does not divide.
/// </summary>
public sealed class TrainingPlan : BatchPlan
{
    readonly Order order;
    readonly int batch, share, rank, microBatches;

    /// <summary>Plans batches.</summary>
    /// <param name="order">The order of samples.</param>
    /// <param name="batch">Samples a step, of all ranks together.</param>
    /// <param name="rank">This process's number.</param>
    /// <param name="ranks">Number of processes.</param>
    /// <param name="microBatches">Batches a step on each rank.</param>
    /// <exception cref="TandemException"><see cref="ErrorKind.Usage"/>: the batch cannot be shared out.</exception>
    public TrainingPlan(Order order, int batch, int rank = 0, int ranks = 1, int microBatches = 1)
    {
        if (batch < 1 || ranks < 1 || batch % ranks != 0)
            throw new TandemException(ErrorKind.Usage, $"a batch of {batch} cannot be shared by {ranks} processes", "data.batch", "a multiple of the number of processes");
        if (microBatches < 1 || microBatches > batch / ranks)
            throw new TandemException(ErrorKind.Usage, $"{batch / ranks} samples cannot be split into {microBatches} micro-batches", "data.micro_batches", "at least one sample in each");
        if (rank < 0 || rank >= ranks)
            throw new TandemException(ErrorKind.Usage, $"there is no process {rank} of {ranks}", "RANK", $"0 to {ranks - 1}");
        (this.order, this.batch, this.rank, this.microBatches) = (order, batch, rank, microBatches);
        share = batch / ranks;
    }

    /// <summary>Batches a step on this rank.</summary>
    public int MicroBatches => microBatches;

    /// <inheritdoc/>
    public override long? Batches => null;

    /// <inheritdoc/>
    public override BatchPlace Place(long batch)
    {
        var (step, micro) = Math.DivRem(batch, (long)microBatches);
        var (size, rest) = Math.DivRem(share, microBatches);
        var before = (int)((micro * size) + Math.Min(micro, rest));
        return new(step, (rank * share) + before, micro < rest ? size + 1 : size);
    }

    /// <inheritdoc/>
    public override int Sample(long step, int slot) => order.At((step * batch) + slot);
}

/// <summary>Evaluation: every sample once, in the source's order; the last batch may be smaller.</summary>
/// <param name="count">Samples in the source.</param>
/// <param name="batch">Samples a batch.</param>
public sealed class SequentialPlan(int count, int batch) : BatchPlan
{
    /// <inheritdoc/>
    public override long? Batches => ((long)count + batch - 1) / batch;

    /// <inheritdoc/>
    public override BatchPlace Place(long number) => new(number, 0, (int)Math.Min(batch, count - (number * batch)));

    /// <inheritdoc/>
    public override int Sample(long step, int slot) => (int)((step * batch) + slot);
}
