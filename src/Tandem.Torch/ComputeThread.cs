using System.Collections.Concurrent;

namespace Tandem.Torch;

/// <summary>
/// The one thread of a process that computes with tensors: libtorch's guards are thread-local, and OpenMP gives every calling thread a
/// team of its own. Work is queued; a caller that already is on the thread runs at once.
/// </summary>
public static class ComputeThread
{
    static readonly BlockingCollection<Action> queue = [];
    static readonly Lazy<Thread> thread = new(Start);

    /// <summary>Whether the caller is on it.</summary>
    public static bool IsCurrent => thread.IsValueCreated && Thread.CurrentThread == thread.Value;

    /// <summary>Runs <paramref name="work"/> on the compute thread and waits for it; its exception comes through.</summary>
    public static T Run<T>(Func<T> work) => IsCurrent ? work() : RunAsync(work).GetAwaiter().GetResult();

    /// <summary>Runs <paramref name="work"/> on the compute thread and waits for it.</summary>
    public static void Run(Action work) => Run(() =>
    {
        work();
        return true;
    });

    /// <summary>Queues <paramref name="work"/> for the compute thread.</summary>
    public static Task<T> RunAsync<T>(Func<T> work, CancellationToken cancel = default)
    {
        _ = thread.Value;
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        queue.Add(() =>
        {
            if (cancel.IsCancellationRequested)
            {
                done.SetCanceled(cancel);
                return;
            }
            try
            {
                done.SetResult(work());
            }
            catch (OperationCanceledException e)
            {
                done.SetCanceled(e.CancellationToken);
            }
            catch (Exception e)
            {
                done.SetException(e);
            }
        }, CancellationToken.None);
        return done.Task;
    }

    static Thread Start()
    {
        var started = new Thread(() =>
        {
            foreach (var work in queue.GetConsumingEnumerable())
                work();
        }, 256 << 20)
        {
            IsBackground = true,
            Name = "tandem compute",
        };
        started.Start();
        return started;
    }
}
