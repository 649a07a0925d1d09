using Tandem.Runs;

namespace Tandem.Training;

/// <summary>What a run tells while it goes on.</summary>
/// <param name="Kind">start, step, evaluation, checkpoint, verdict, note, end.</param>
/// <param name="Step">Completed updates.</param>
/// <param name="Steps">Updates of the whole run.</param>
/// <param name="Seconds">Seconds of training so far, over all sessions of the run.</param>
/// <param name="Values">Numbers by name, as in metrics.</param>
/// <param name="Text">Words: a note, a path, a state.</param>
public sealed record TrainingEvent(string Kind, long Step, long Steps, double Seconds, IReadOnlyList<(string Name, double Value)> Values, string? Text = null)
{
    /// <summary>The judgement, of a verdict.</summary>
    public Verdict? Verdict { get; init; }

    /// <summary>Seconds left, by the pace of the last minute; null before it is known.</summary>
    public double? Left { get; init; }

    /// <summary>A number by name, or null.</summary>
    public double? Value(string name)
    {
        foreach (var (own, value) in Values)
        {
            if (own == name)
                return value;
        }
        return null;
    }
}

/// <summary>How a run ended.</summary>
public enum TrainingEnd
{
    /// <summary>All steps are done.</summary>
    Finished,
    /// <summary>It was asked to stop; a checkpoint was written.</summary>
    Stopped,
    /// <summary>A loss or gradient was not finite; the last good weights were written.</summary>
    NotFinite,
    /// <summary>The gauges say that representations collapsed; a checkpoint was written.</summary>
    Collapsed,
}

/// <summary>The result of a run.</summary>
/// <param name="End">How it ended.</param>
/// <param name="Step">Completed updates.</param>
/// <param name="Seconds">Seconds of training, over all sessions.</param>
/// <param name="Loss">The last logged loss.</param>
/// <param name="Reason">Why it ended early.</param>
public sealed record TrainingResult(TrainingEnd End, long Step, double Seconds, double Loss, string? Reason = null)
{
    /// <summary>The last judgement; null where the run was too short for one.</summary>
    public Verdict? Verdict { get; init; }
}
