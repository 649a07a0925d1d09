using System.Diagnostics;
using System.Runtime.InteropServices;
using Tandem.Data.Images;
using Tandem.Data.Masks;
using Tandem.Data.Sources;
using Tandem.Torch;

namespace Tandem.Data;

/// <summary>How batches are made.</summary>
public sealed record LoaderOptions
{
    /// <summary>The run's seed: crops and masks are a function of it, the step and the sample's slot.</summary>
    public long Seed { get; init; }

    /// <summary>How files become RGB.</summary>
    public PictureReading Reading { get; init; } = PictureReading.Natural;

    /// <summary>Threads that make batches.</summary>
    public int Workers { get; init; } = 1;

    /// <summary>Batches made ahead, beyond the one each worker is at.</summary>
    public int Prefetch { get; init; } = 2;

    /// <summary>A second, independently drawn view of each picture, or null.</summary>
    public PictureTransform? SecondView { get; init; }

    /// <summary>Masks drawn with the data, or null.</summary>
    public MaskPlan? Masks { get; init; }

    /// <summary>
    /// Share of the source's pictures that may turn out damaged while reading; each is replaced by the next sound one of the source. 0: the first damaged picture is an error.
    /// </summary>
    public double BadLimit { get; init; }

    /// <summary>Hears of pictures that were replaced.</summary>
    public Action<string>? Warn { get; init; }
}

/// <summary>
/// Makes batches of pictures ahead of their use, on threads of low priority. What a batch holds depends on the source, the plan, the seed and the batch's number alone:
/// not on the number of threads, nor on where the run was resumed. One consumer.
/// </summary>
public sealed partial class Loader : IBatchStream
{
    readonly object gate = new();
    readonly Source source;
    readonly BatchPlan plan;
    readonly PictureTransform transform;
    readonly LoaderOptions options;
    readonly Dictionary<long, (ImageBatch? Batch, Exception? Fault)> ready = [];
    readonly HashSet<int> replaced = [];
    readonly Thread[] workers;
    long claimed, wanted, producing, waiting;
    volatile bool stopped;

    /// <summary>Begins to load.</summary>
    /// <param name="source">Where pictures come from; not disposed of.</param>
    /// <param name="plan">Which samples form which batch.</param>
    /// <param name="transform">What happens to each.</param>
    /// <param name="options">Seed, threads, masks.</param>
    /// <param name="firstBatch">The number of the first batch: where a resumed run goes on.</param>
    public Loader(Source source, BatchPlan plan, PictureTransform transform, LoaderOptions? options = null, long firstBatch = 0)
    {
        this.source = source;
        this.plan = plan;
        this.transform = transform;
        this.options = options ?? new();
        claimed = wanted = firstBatch;
        if (this.options.SecondView is { } second && (second.Height, second.Width) != (transform.Height, transform.Width))
            throw new ArgumentException("both views need the same size", nameof(options));
        workers = new Thread[Math.Max(1, this.options.Workers)];
        for (var i = 0; i < workers.Length; i++)
        {
            workers[i] = new Thread(Work) { IsBackground = true, Name = $"loader {i}" };
            workers[i].Start();
        }
    }

    /// <summary>Training: endless batches by an order drawn from the seed.</summary>
    /// <param name="source">Where pictures come from.</param>
    /// <param name="transform">What happens to each.</param>
    /// <param name="batch">Samples a step.</param>
    /// <param name="options">Seed, threads, masks.</param>
    /// <param name="firstStep">Where a resumed run goes on.</param>
    public static Loader Training(Source source, PictureTransform transform, int batch, LoaderOptions options, long firstStep = 0) =>
        new(source, new TrainingPlan(new Order(options.Seed, source.Count), batch), transform, options, firstStep);

    /// <summary>Evaluation: each sample once, in order, the last batch smaller where it must be.</summary>
    /// <param name="source">Where pictures come from.</param>
    /// <param name="transform">What happens to each.</param>
    /// <param name="batch">Samples a batch.</param>
    /// <param name="options">Reading, threads.</param>
    public static Loader Evaluation(Source source, PictureTransform transform, int batch, LoaderOptions? options = null) =>
        new(source, new SequentialPlan(source.Count, batch), transform, options);

    /// <summary>How long <see cref="Next"/> has waited: a loader that keeps up has next to none.</summary>
    public TimeSpan Waiting => Stopwatch.GetElapsedTime(0, Interlocked.Read(ref waiting));

    /// <summary>How long the threads have worked, all together.</summary>
    public TimeSpan Producing => Stopwatch.GetElapsedTime(0, Interlocked.Read(ref producing));

    /// <summary>How many pictures were damaged and replaced.</summary>
    public int Replaced
    {
        get
        {
            lock (replaced)
                return replaced.Count;
        }
    }

    /// <summary>The next batch, or null after the last.</summary>
    /// <param name="cancellation">Ends the waiting.</param>
    /// <exception cref="TandemException">A sample of this batch cannot be read; the message names its file.</exception>
    /// <exception cref="OperationCanceledException">The waiting was ended.</exception>
    public ImageBatch? Next(CancellationToken cancellation = default)
    {
        var start = Stopwatch.GetTimestamp();
        using var wake = cancellation.UnsafeRegister(static state =>
        {
            lock (state!)
                Monitor.PulseAll(state);
        }, gate);
        (ImageBatch? Batch, Exception? Fault) result;
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
        LowerPriority();
        while (Claim() is { } number)
        {
            var start = Stopwatch.GetTimestamp();
            (ImageBatch? Batch, Exception? Fault) result;
            try
            {
                result = (Make(plan.Place(number)), null);
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
            while (!stopped && claimed - wanted >= options.Prefetch + workers.Length && !(claimed >= plan.Batches))
                Monitor.Wait(gate);
            return stopped || claimed >= plan.Batches ? null : claimed++;
        }
    }

    ImageBatch Make(BatchPlace place)
    {
        int floats = transform.Floats, n = place.Count;
        var pixels = Empty(n);
        var second = options.SecondView is null ? null : Empty(n);
        var masks = options.Masks is { } plan ? new HostTensor(ScalarType.Byte, [(long)n * plan.Sampler.Copies, plan.Places], new byte[n * plan.Sampler.Copies * plan.Places]) : null;
        var ids = new long[n];
        var labels = source.ClassNames is null ? null : new int[n];
        for (var i = 0; i < n; i++)
        {
            if (stopped)
                throw new OperationCanceledException();
            var slot = place.Slot + i;
            using var picture = Read(this.plan.Sample(place.Step, slot), out var sample);
            ids[i] = sample;
            if (labels is not null)
                labels[i] = source.Label(sample) ?? -1;
            transform.Apply(picture, Draws("crop", place.Step, slot), pixels.As<float>().Slice(i * floats, floats));
            if (second is not null)
                options.SecondView!.Apply(picture, Draws("second crop", place.Step, slot), second.As<float>().Slice(i * floats, floats));
            if (options.Masks is { } drawn)
            {
                var copies = drawn.Sampler.Draw(drawn.Grid, place.Step, slot);
                copies.CopyTo(masks!.Bytes.AsSpan(i * copies.Length));
            }
        }
        return new ImageBatch { Step = place.Step, Slot = place.Slot, Pixels = pixels, SecondView = second, Ids = ids, Labels = labels, Masks = masks };
    }

    HostTensor Empty(int n) => new(ScalarType.Float, [n, 3, transform.Height, transform.Width], GC.AllocateUninitializedArray<byte>(checked(n * transform.Floats * sizeof(float))));

    RandomPictureDraws Draws(string purpose, long step, int slot) => new(Randomness.Of(options.Seed, purpose, step, slot));

    // A damaged picture is replaced by the next sound one of the source: the same one whatever thread meets it.
    Picture Read(int wantedSample, out int sample)
    {
        sample = wantedSample;
        while (true)
        {
            try
            {
                return source.Read(sample, options.Reading);
            }
            catch (TandemException error) when (error.Kind == ErrorKind.Input && options.BadLimit > 0)
            {
                Replace(sample, error);
                sample = (sample + 1) % source.Count;
            }
        }
    }

    void Replace(int sample, TandemException error)
    {
        int count;
        lock (replaced)
        {
            if (!replaced.Add(sample))
                return;
            count = replaced.Count;
        }
        if (count > Math.Max(1, options.BadLimit * source.Count))
            throw new TandemException(ErrorKind.Input, $"{count} pictures so far cannot be read, the last: {error.Message}", error.Where, $"at most {options.BadLimit:P1} of {source.Count}", "repair or remove them", error);
        options.Warn?.Invoke($"{error.Where}: {error.Message}; replaced by the next picture");
    }

    /// <summary>Stops at once: threads end after the picture they are at.</summary>
    public void Dispose()
    {
        stopped = true;
        lock (gate)
            Monitor.PulseAll(gate);
        foreach (var worker in workers)
            worker.Join();
    }

    // Loading must not take processors from computing: on Linux nice values belong to threads, and 0 means the calling one.
    static void LowerPriority()
    {
        if (OperatingSystem.IsLinux())
            _ = SetPriority(0, 0, 10);
    }

    [LibraryImport("libc", EntryPoint = "setpriority")]
    private static partial int SetPriority(int which, int who, int priority);
}
