using System.Collections.Concurrent;
using Tandem.Data.Sources;

namespace Tandem.Data.Audio;

/// <summary>
/// Chosen recordings as batches for an encoder, each whole: standardised by itself, cut into windows, padded with zeros at the end. Recordings of similar
/// length, by their headers, come together; a batch has at most as many rows as were asked for, and at most ten seconds for each of them. Made
/// ahead on threads of low priority, with memory for a few batches, however long the recordings are; batches do not depend on the number of threads.
/// </summary>
public sealed class AudioStream : ISampleStream
{
    readonly object gate = new();
    readonly Lock planning = new();
    readonly AudioSource source;
    readonly IReadOnlyList<int>? samples;
    readonly AudioJobs jobs;
    readonly AudioRows rows;
    readonly ConcurrentDictionary<int, BadSample> bad = new();
    readonly CancellationTokenSource stopping = new();
    readonly Queue<Job> open = new();
    readonly Thread[] workers;
    readonly bool[] done;
    int ready;
    bool ended;
    volatile bool stopped;

    /// <summary>Begins to load.</summary>
    /// <param name="source">The recordings; not disposed of.</param>
    /// <param name="samples">Their numbers there; all when null.</param>
    /// <param name="audio">Windows, standardising.</param>
    /// <param name="options">Batches and threads.</param>
    /// <exception cref="TandemException"><see cref="ErrorKind.Machine"/>: libsndfile is not installed.</exception>
    public AudioStream(AudioSource source, IReadOnlyList<int>? samples, AudioStreamOptions audio, LoadOptions options)
    {
        NativeLibraries.Require(NativeLibraries.SoundFile, "libsndfile1", "sound files");
        (this.source, this.samples) = (source, samples);
        done = new bool[samples?.Count ?? source.Count];
        var limits = new AudioLimits(Math.Max(1, options.Batch), audio.MaxSamples);
        jobs = new(source, Sample, done.Length, limits);
        rows = new(source, audio, limits);
        workers = new Thread[Math.Max(1, options.Workers)];
        for (var i = 0; i < workers.Length; i++)
        {
            workers[i] = new Thread(Work) { IsBackground = true, Name = $"recordings {i}" };
            workers[i].Start();
        }
    }

    /// <inheritdoc/>
    public int Complete { get; private set; }

    /// <inheritdoc/>
    public IReadOnlyDictionary<int, BadSample> Bad => bad;

    /// <inheritdoc/>
    public Batch? Next(CancellationToken cancellation)
    {
        using var wake = cancellation.UnsafeRegister(static state =>
        {
            lock (state!)
                Monitor.PulseAll(state);
        }, gate);
        lock (gate)
        {
            while (true)
            {
                ObjectDisposedException.ThrowIf(stopped, this);
                cancellation.ThrowIfCancellationRequested();
                if (open.TryPeek(out var job) && job.Made.TryDequeue(out var made))
                {
                    foreach (var place in made.Finished)
                        done[place] = true;
                    while (Complete < done.Length && done[Complete])
                        Complete++;
                    if (made.Batch is null)
                        continue;
                    ready--;
                    Monitor.PulseAll(gate);
                    return made.Batch;
                }
                if (job is { Ended: true })
                {
                    if (job.Fault is { } fault)
                        throw Again(fault);
                    open.Dequeue();
                    Monitor.PulseAll(gate);
                    continue;
                }
                if (job is null && ended)
                    return null;
                Monitor.Wait(gate);
            }
        }
    }

    // Thrown on the consumer's thread, with the worker's error inside, so that both stacks are seen.
    static Exception Again(Exception fault) => fault is TandemException error
        ? new TandemException(error.Kind, error.Message, error.Where, error.Expected, error.Remedy, error)
        : new InvalidOperationException("a thread that reads recordings failed", fault);

    int Sample(int place) => samples?[place] ?? place;

    void Work()
    {
        ThreadPriorities.Lower();
        while (Claim() is { } job)
        {
            Exception? fault = null;
            try
            {
                rows.Make(job.Places, Sample, Refuse, made => Hand(job, made), stopping.Token);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (Exception error)
            {
                fault = error;
            }
            lock (gate)
            {
                (job.Ended, job.Fault) = (true, fault);
                Monitor.PulseAll(gate);
            }
        }
    }

    void Refuse(int place, TandemException error) =>
        bad[place] = new(Sample(place), source.Name(Sample(place)), $"{error.Where ?? source.Where(Sample(place))}: {error.Message}");

    Job? Claim()
    {
        lock (gate)
        {
            while (!stopped && open.Count > workers.Length)
                Monitor.Wait(gate);
        }
        // Jobs are opened in the order of planning, which is that of their delivery.
        lock (planning)
        {
            if (stopped)
                return null;
            Job? job = null;
            Exception? fault = null;
            try
            {
                if (jobs.Next(stopping.Token) is { } places)
                    job = new(places);
            }
            catch (Exception error)
            {
                fault = error;
            }
            lock (gate)
            {
                if (fault is not null)
                    open.Enqueue(new([]) { Ended = true, Fault = fault });
                ended |= job is null;
                if (job is not null)
                    open.Enqueue(job);
                Monitor.PulseAll(gate);
                return job;
            }
        }
    }

    // Whoever makes what is wanted next may always hand it over; others wait while enough is ready.
    void Hand(Job job, MadeRows made)
    {
        lock (gate)
        {
            while (!stopped && made.Batch is not null && ready >= workers.Length && !(open.Peek() == job && job.Made.Count == 0))
                Monitor.Wait(gate);
            stopping.Token.ThrowIfCancellationRequested();
            job.Made.Enqueue(made);
            ready += made.Batch is null ? 0 : 1;
            Monitor.PulseAll(gate);
        }
    }

    /// <summary>Stops at once: threads end after the piece they are at.</summary>
    public void Dispose()
    {
        if (stopped)
            return;
        stopping.Cancel();
        stopped = true;
        lock (gate)
            Monitor.PulseAll(gate);
        foreach (var worker in workers)
            worker.Join();
        stopping.Dispose();
    }

    /// <summary>Recordings that one thread reads, and what it has made of them so far.</summary>
    sealed class Job(int[] places)
    {
        public int[] Places => places;

        public Queue<MadeRows> Made { get; } = new();

        public bool Ended { get; set; }

        public Exception? Fault { get; set; }
    }
}
