using Tandem.Layers;

namespace Tandem.Training;

/// <summary>Which numbers products are computed in.</summary>
public enum PrecisionChoice
{
    /// <summary>bfloat16 where the hardware multiplies it, else float32.</summary>
    Auto,
    /// <summary>IEEE single.</summary>
    Float32,
    /// <summary>Brain float.</summary>
    Bf16,
}

/// <summary>A recipe's section <c>run</c>.</summary>
public sealed record RunOptions
{
    /// <summary>The run folder; must not hold a run yet.</summary>
    public string? Folder { get; init; }

    /// <summary>Updates of the whole run.</summary>
    [Meaning("updates of the whole run", Unit = "steps"), Range(1)]
    public long Steps { get; init; } = 1000;

    /// <summary>Wall time instead of updates: the first steps are timed, and as many as fit are written into recipe.json.</summary>
    public TimeSpan? Budget { get; init; }

    /// <summary>Seed of everything random.</summary>
    public long Seed { get; init; } = 1;

    /// <summary>Numbers of the products.</summary>
    public PrecisionChoice Precision { get; init; } = PrecisionChoice.Auto;

    /// <summary>Where to compute: cpu, cuda:0, auto.</summary>
    public string Device { get; init; } = "auto";

    /// <summary>Threads of an operator; 0: one a core.</summary>
    [Range(0)]
    public int Threads { get; init; }

    /// <summary>Updates between lines of metrics.</summary>
    [Meaning("updates between lines of metrics", Unit = "steps"), Range(1)]
    public long LogEvery { get; init; } = 20;

    /// <summary>Updates between checkpoints; 0: by minutes alone.</summary>
    [Meaning("updates between checkpoints; 0: by time alone", Unit = "steps"), Range(0)]
    public long CheckpointEvery { get; init; }

    /// <summary>Wall time between checkpoints.</summary>
    public TimeSpan CheckpointInterval { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Checkpoints kept, the newest; the best stays besides.</summary>
    [Range(1)]
    public int Keep { get; init; } = 2;
}

/// <summary>What happens when a run has collapsed.</summary>
public enum WatchAction
{
    /// <summary>It ends, with a checkpoint.</summary>
    Stop,
    /// <summary>It goes on, and says so.</summary>
    Warn,
}

/// <summary>A recipe's section <c>watch</c>.</summary>
public sealed record WatchOptions
{
    /// <summary>Rows that the gauges of health look at.</summary>
    [Range(2)]
    public int Rows { get; init; } = 64;

    /// <summary>Whether the gauges are taken.</summary>
    public bool Gauges { get; init; } = true;

    /// <summary>What happens when the gauges say that the run has collapsed: stop or warn.</summary>
    public WatchAction Action { get; init; } = WatchAction.Stop;
}

/// <summary>A recipe's section <c>evaluate</c>: the neighbour probe while training.</summary>
public sealed record EvaluateOptions
{
    /// <summary>Labelled samples that neighbours are looked for among; null: those trained on, if they have labels.</summary>
    public string? Train { get; init; }

    /// <summary>Part of these, where their path holds several.</summary>
    public string? TrainSplit { get; init; }

    /// <summary>Labelled samples that are judged; null: no probe while training.</summary>
    public string? Test { get; init; }

    /// <summary>Part of these, where their path holds several.</summary>
    public string? TestSplit { get; init; }

    /// <summary>Where their labels come from (folder, name:N, speaker, json:FIELD, cls, column, own).</summary>
    public string? Labels { get; init; }

    /// <summary>Columns of labelled texts: a name or number, two with a comma for pairs.</summary>
    public string? Column { get; init; }

    /// <summary>Layer whose features are judged: 0 is the input of the shared blocks, i the i-th of them; null: the last.</summary>
    public int? Layer { get; init; }

    /// <summary>Updates between probes; 0: ten a run.</summary>
    [Meaning("updates between probes; 0: ten a run", Unit = "steps"), Range(0)]
    public long Every { get; init; }

    /// <summary>Neighbours that vote.</summary>
    [Range(1)]
    public int K { get; init; } = 20;

    /// <summary>Most samples taken of either set while training.</summary>
    [Range(1)]
    public int Limit { get; init; } = 2000;
}
