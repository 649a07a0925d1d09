using Tandem.Data.Sources;

namespace Tandem.Data;

/// <summary>What the section <c>data</c> of every recipe says.</summary>
public abstract record DataOptions
{
    /// <summary>What is learned from: image, audio or text.</summary>
    public string Modality { get; init; } = "image";

    /// <summary>Folder, tar, tar.gz, glob, brace range, list or data set.</summary>
    public string? Path { get; init; }

    /// <summary>Format of the data; null tells it by content.</summary>
    public string? Format { get; init; }

    /// <summary>Where labels come from (folder, name:N, speaker, json:FIELD, cls, column, own); null: nowhere.</summary>
    public string? Labels { get; init; }

    /// <summary>Part of a data set that comes in parts (train, test).</summary>
    public string? Split { get; init; }

    /// <summary>Parts that a step's batch is computed in, one after the other.</summary>
    public int MicroBatches { get; init; } = 1;

    /// <summary>Threads that prepare samples.</summary>
    public int Workers { get; init; } = 1;

    /// <summary>Share of samples that may be unreadable; they are skipped, counted and named.</summary>
    public double BadLimit { get; init; } = 0.01;

    /// <summary>The step's batch in words.</summary>
    public abstract string BatchInWords { get; }

    /// <summary>How a source of this data is opened.</summary>
    public virtual SourceOptions Source(Action<string>? warn = null, CancellationToken stop = default) => new() { Format = Format, Labels = Labels, Split = Split, Warn = warn, Stop = stop };
}
