using System.Diagnostics;
using Tandem.Data.Images;
using Tandem.Data.Sources;

namespace Tandem.Data;

/// <summary>Makes the batches of one modality.</summary>
/// <typeparam name="TBatch">The batches.</typeparam>
public interface IBatchMaker<out TBatch> where TBatch : Batch
{
    /// <summary>Makes a batch; called from many threads at once. The result depends on plan and place alone.</summary>
    /// <param name="plan">Tells which sample stands where.</param>
    /// <param name="place">Which batch.</param>
    /// <param name="stop">Ends the work.</param>
    /// <exception cref="TandemException">A sample cannot be read.</exception>
    TBatch Make(BatchPlan plan, BatchPlace place, CancellationToken stop);

    /// <summary>How many samples were damaged and replaced so far.</summary>
    int Replaced => 0;
}

/// <summary>The usual loaders.</summary>
public static class Loader
{
    /// <summary>Pictures by any plan.</summary>
    /// <param name="source">Where pictures come from; not disposed of.</param>
    /// <param name="plan">Which samples form which batch.</param>
    /// <param name="transform">What happens to each.</param>
    /// <param name="options">Seed, threads, masks.</param>
    /// <param name="firstBatch">The number of the first batch: where a resumed run goes on.</param>
    public static Loader<ImageBatch> Pictures(PictureSource source, BatchPlan plan, PictureTransform transform, LoaderOptions? options = null, long firstBatch = 0)
    {
        options ??= new();
        return new(new ImageBatchMaker(source, transform, options), plan, options.Workers, options.Prefetch, firstBatch);
    }

    /// <summary>Training on pictures: endless batches by an order drawn from the seed.</summary>
    /// <param name="source">Where pictures come from.</param>
    /// <param name="transform">What happens to each.</param>
    /// <param name="batch">Samples a step.</param>
    /// <param name="options">Seed, threads, masks.</param>
    /// <param name="firstStep">Where a resumed run goes on.</param>
    public static Loader<ImageBatch> Training(PictureSource source, PictureTransform transform, int batch, LoaderOptions options, long firstStep = 0) =>
        Pictures(source, new TrainingPlan(new Order(options.Seed, source.Count), batch), transform, options, firstStep);

    /// <summary>Evaluation of pictures: each sample once, in order, the last batch smaller where it must be.</summary>
    /// <param name="source">Where pictures come from.</param>
    /// <param name="transform">What happens to each.</param>
    /// <param name="batch">Samples a batch.</param>
    /// <param name="options">Reading, threads.</param>
    public static Loader<ImageBatch> Evaluation(PictureSource source, PictureTransform transform, int batch, LoaderOptions? options = null) =>
        Pictures(source, new SequentialPlan(source.Count, batch), transform, options);
}

/// <summary>
/// Makes batches ahead of their use, on threads of low priority. What a batch holds depends on its maker, the plan and the batch's number alone:
/// not on the number of threads, nor on where the run was resumed. One consumer.
/// </summary>
/// <typeparam name="TBatch">Batches of which modality.</typeparam>
public sealed class Loader<TBatch> : IBatchStream where TBatch : Batch
{
    readonly object gate = new();
    readonly IBatchMaker<TBatch> maker;
    readonly BatchPlan plan;
    readonly int prefetch;
    readonly CancellationTokenSource stopping = new();
    readonly Dictionary<long, (TBatch? Batch, Exception? Fault)> ready = [];
    readonly Thread[] workers;
    long claimed, wanted, producing, waiting;
    volatile bool stopped;

    /// <summary>Begins to load.</summary>
    /// <param name="maker">Makes the batches.</param>
    /// <param name="plan">Which samples form which batch.</param>
    /// <param name="workers">Threads that make batches.</param>
    /// <param name="prefetch">Batches made ahead, beyond the one each worker is at.</param>
    /// <param name="firstBatch">The number of the first batch: where a resumed run goes on.</param>
    public Loader(IBatchMaker<TBatch> maker, BatchPlan plan, int workers = 1, int prefetch = 2, long firstBatch = 0)
    {
        (this.maker, this.plan, this.prefetch) = (maker, plan, prefetch);
        claimed = wanted = firstBatch;
        this.workers = new Thread[Math.Max(1, workers)];
        for (var i = 0; i < this.workers.Length; i++)
        {
            this.workers[i] = new Thread(Work) { IsBackground = true, Name = $"loader {i}" };
            this.workers[i].Start();
        }
    }

    /// <summary>How long <see cref="Next"/> has waited: a loader that keeps up has next to none.</summary>
    public TimeSpan Waiting => Stopwatch.GetElapsedTime(0, Interlocked.Read(ref waiting));

    /// <summary>How long the threads have worked, all together.</summary>
    public TimeSpan Producing => Stopwatch.GetElapsedTime(0, Interlocked.Read(ref producing));

    /// <summary>How many samples were damaged and replaced.</summary>
    public int Replaced => maker.Replaced;

    /// <summary>The next batch, or null after the last.</summary>
    /// <param name="cancellation">Ends the waiting.</param>
    /// <exception cref="TandemException">A sample of this batch cannot be read; the message names its file.</exception>
    /// <exception cref="OperationCanceledException">The waiting was ended.</exception>
    public TBatch? Next(CancellationToken cancellation = default)
    {
        var start = Stopwatch.GetTimestamp();
        using var wake = cancellation.UnsafeRegister(static state =>
        {
            lock (state!)
                Monitor.PulseAll(state);
        }, gate);
        (TBatch? Batch, Exception? Fault) result;
        lock (gate)
        {
            if (wanted >= plan.Batches)
                return null;
            while (!ready.Remove(wanted, out result))
            {
                ObjectDisposedException.ThrowIf(stopped, this);
                cancellation.ThrowIfCancellationRequested();
                Monitor.Wait(gate);
            }
            wanted++;
            Monitor.PulseAll(gate);
        }
        Interlocked.Add(ref waiting, Stopwatch.GetTimestamp() - start);
        return result.Fault is { } fault ? throw Again(fault) : result.Batch;
    }

    Batch? IBatchStream.Next(CancellationToken cancellation) => Next(cancellation);

    // Thrown on the consumer's thread, with the worker's error inside, so that both stacks are seen.
    static Exception Again(Exception fault) => fault is TandemException error
        ? new TandemException(error.Kind, error.Message, error.Where, error.Expected, error.Remedy, error)
        : new InvalidOperationException("a loader thread failed", fault);

    void Work()
    {
        ThreadPriorities.Lower();
        while (Claim() is { } number)
        {
            var start = Stopwatch.GetTimestamp();
            (TBatch? Batch, Exception? Fault) result;
            try
            {
                result = (maker.Make(plan, plan.Place(number), stopping.Token), null);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (Exception fault)
            {
                result = (null, fault);
            }
            Interlocked.Add(ref producing, Stopwatch.GetTimestamp() - start);
            lock (gate)
            {
                ready[number] = result;
                Monitor.PulseAll(gate);
            }
        }
    }

    long? Claim()
    {
        lock (gate)
        {
            while (!stopped && claimed - wanted >= prefetch + workers.Length && !(claimed >= plan.Batches))
                Monitor.Wait(gate);
            return stopped || claimed >= plan.Batches ? null : claimed++;
        }
    }

    /// <summary>Stops at once: threads end after the sample they are at.</summary>
    public void Dispose()
    {
        if (stopped)
            return;
        stopped = true;
        stopping.Cancel();
        lock (gate)
            Monitor.PulseAll(gate);
        foreach (var worker in workers)
            worker.Join();
        stopping.Dispose();
    }
}
