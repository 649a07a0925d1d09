using System.Collections.Concurrent;
using Tandem.Data.Sources;

namespace Tandem.Data.Text;

/// <summary>
/// Chosen texts as batches for an encoder, made ahead on threads of low priority. Some thousand texts at a time are gathered and rows of similar
/// length put together, so that little of a batch is padding. What a batch holds does not depend on the number of threads.
/// </summary>
public sealed class TextStream : ISampleStream
{
    // Rows that are sorted at once, in batches; and tokens, which bound the memory where texts are long.
    const int PoolBatches = 32, PoolTokens = 2 << 20;

    // Texts and bytes of text that are tokenized at once.
    const int GroupTexts = 256, GroupBytes = 4 << 20;

    readonly SentenceSource source;
    readonly IReadOnlyList<int>? samples;
    readonly TextRows rows;
    readonly LoadOptions options;
    readonly BlockingCollection<(TextBatch Batch, int Complete)> ready = new(4);
    readonly CancellationTokenSource stopping = new();
    readonly Thread thread;
    volatile Exception? fault;
    bool disposed;

    /// <summary>Begins to load.</summary>
    /// <param name="source">The texts; not disposed of.</param>
    /// <param name="samples">Their numbers there; all when null.</param>
    /// <param name="tokenizer">Turns text into ids.</param>
    /// <param name="maxTokens">Tokens of a row, at most, special ones included; longer texts come as several rows.</param>
    /// <param name="options">Batches and threads.</param>
    /// <exception cref="TandemException">The vocabulary has no tokens to frame and pad rows with, or rows have no room for text.</exception>
    public TextStream(SentenceSource source, IReadOnlyList<int>? samples, Tokenizer tokenizer, int maxTokens, LoadOptions options)
    {
        (this.source, this.samples, this.options) = (source, samples, options);
        rows = new(tokenizer, maxTokens);
        thread = new Thread(Work) { IsBackground = true, Name = "texts" };
        thread.Start();
    }

    /// <inheritdoc/>
    public int Complete { get; private set; }

    /// <inheritdoc/>
    public IReadOnlyDictionary<int, BadSample> Bad { get; } = new Dictionary<int, BadSample>();

    /// <inheritdoc/>
    public Batch? Next(CancellationToken cancellation)
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        if (ready.TryTake(out var made, Timeout.Infinite, cancellation))
        {
            Complete = made.Complete;
            return made.Batch;
        }
        // Thrown on the consumer's thread, with the worker's error inside, so that both stacks are seen.
        return fault switch
        {
            null => null,
            TandemException error => throw new TandemException(error.Kind, error.Message, error.Where, error.Expected, error.Remedy, error),
            var cause => throw new InvalidOperationException("tokenizing failed", cause),
        };
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (disposed)
            return;
        disposed = true;
        stopping.Cancel();
        thread.Join();
        stopping.Dispose();
        ready.Dispose();
    }

    int Count => samples?.Count ?? source.Count;

    void Work()
    {
        ThreadPriorities.Lower();
        try
        {
            Make();
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // Nobody waits any more.
        }
        catch (Exception cause)
        {
            fault = cause is AggregateException { InnerExceptions: [var only] } ? only : cause;
        }
        finally
        {
            ready.CompleteAdding();
        }
    }

    void Make()
    {
        var pool = new List<(long Unit, int[] Tokens)>();
        long tokens = 0, number = 0;
        for (var place = 0; place < Count;)
        {
            var end = GroupFrom(place);
            var group = new int[(end - place) * source.Parts][][];
            var first = place;
            Parallel.For(0, group.Length, new ParallelOptions { MaxDegreeOfParallelism = Math.Max(1, options.Workers), CancellationToken = stopping.Token }, unit =>
            {
                var sample = first + (unit / source.Parts);
                group[unit] = rows.Of(source.Utf8(samples?[sample] ?? sample, unit % source.Parts));
            });
            for (; place < end; place++)
            {
                for (var part = 0; part < source.Parts; part++)
                {
                    var made = group[((place - first) * source.Parts) + part];
                    foreach (var row in options.Beginnings ? made.Take(1) : made)
                    {
                        pool.Add((((long)place * source.Parts) + part, row));
                        tokens += row.Length;
                    }
                }
                if (pool.Count < PoolBatches * options.Batch && tokens < PoolTokens)
                    continue;
                Empty(pool, place + 1, ref number);
                tokens = 0;
            }
        }
        Empty(pool, Count, ref number);
    }

    // The end of a group that begins here: bounded in texts and, but for its last text, in bytes.
    int GroupFrom(int place)
    {
        long bytes = 0;
        var end = place;
        while (end < Count && end - place < GroupTexts && bytes < GroupBytes)
        {
            for (var part = 0; part < source.Parts; part++)
                bytes += source.Length(samples?[end] ?? end, part);
            end++;
        }
        return end;
    }

    // Longest rows first: whoever runs out of memory does so at once. Of equals the order of the samples.
    void Empty(List<(long Unit, int[] Tokens)> pool, int complete, ref long number)
    {
        (long Unit, int[] Tokens)[] sorted = [.. pool.OrderByDescending(row => row.Tokens.Length)];
        pool.Clear();
        // All samples before the first one of the rows that are still to come are complete.
        var first = new int[sorted.Length + 1];
        first[^1] = complete;
        for (var i = sorted.Length - 1; i >= 0; i--)
            first[i] = Math.Min(first[i + 1], (int)(sorted[i].Unit / source.Parts));
        for (var at = 0; at < sorted.Length;)
        {
            var end = Math.Min(sorted.Length, at + Math.Max(1, options.Batch));
            ready.Add((rows.Batch(new ArraySegment<(long, int[])>(sorted, at, end - at), number++), first[end]), stopping.Token);
            at = end;
        }
    }
}
