namespace Tandem.Data;

/// <summary>Micro-batches in order, made ahead of their use.</summary>
public interface IBatchStream : IDisposable
{
    /// <summary>The next one, or null after the last.</summary>
    Batch? Next(CancellationToken cancellation);

    /// <summary>How long consumers have waited.</summary>
    TimeSpan Waiting { get; }
}
