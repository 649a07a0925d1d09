using Tandem.Layers;
using Tandem.Torch;

namespace Tandem.Training;

/// <summary>How a teacher's decay rises over the updates.</summary>
public sealed record TeacherOptions
{
    /// <summary>Decay at the first update.</summary>
    [Range(0, 1)]
    public double DecayStart { get; init; } = 0.999;

    /// <summary>Decay from <see cref="AnnealEnd"/> on; 1 freezes the teacher.</summary>
    [Range(0, 1)]
    public double DecayEnd { get; init; } = 0.9999;

    /// <summary>Update at which the end is reached; in between the decay rises linearly.</summary>
    [Range(0)]
    public long AnnealEnd { get; init; } = 100_000;

    /// <summary>Decay at an update: end − (end − start)·(1 − u/anneal), the end from <see cref="AnnealEnd"/> on.</summary>
    public double DecayAt(long update) =>
        DecayStart == DecayEnd || update >= AnnealEnd ? DecayEnd : DecayEnd - ((DecayEnd - DecayStart) * (1 - ((double)update / AnnealEnd)));
}

/// <summary>A moving average of the student's weights: teacher ← decay · teacher + (1 − decay) · student.</summary>
/// <param name="weights">A store that follows the student's.</param>
/// <param name="options">The decay.</param>
public sealed class Teacher(WeightStore weights, TeacherOptions options)
{
    /// <summary>The averaged weights.</summary>
    public WeightStore Weights => weights;

    /// <summary>The update whose move was the last; part of a checkpoint.</summary>
    public long Known { get; set; }

    /// <summary>
    /// Moves at the start of update <paramref name="update"/>, once: a second micro-batch of the same update moves nothing, nor does the
    /// first update. A teacher that begins in the middle (known 0) skips one move, as the publisher's does after a restart.
    /// </summary>
    /// <returns>The decay of the move, or null if nothing was to be done.</returns>
    public double? Follow(long update)
    {
        var moves = Moves(Known, update);
        Known = update;
        if (!moves)
            return null;
        var decay = options.DecayAt(update);
        Move(decay);
        return decay;
    }

    /// <summary>Whether a teacher that moved last at <paramref name="known"/> moves at the start of <paramref name="update"/>.</summary>
    public static bool Moves(long known, long update) => !((known == 0 && update > 1) || known >= update);

    /// <summary>One move with a given decay; at 1 or above nothing moves. Parameters that are not trained are copied.</summary>
    public void Move(double decay)
    {
        if (decay >= 1)
            return;
        using var scope = TensorScope.Enter("teacher");
        using var noGrad = Libtorch.NoGrad();
        var student = weights.Leader!;
        var pairs = weights.Parameters.Select(p => (Teacher: p.Value, Student: student.Find(p.Name)!)).ToList();
        var trained = pairs.Where(p => p.Student.Trained).ToList();
        Ops.FollowInPlace([.. trained.Select(p => p.Teacher)], [.. trained.Select(p => p.Student.Value)], decay);
        foreach (var (teacher, fixedOne) in pairs.Where(p => !p.Student.Trained))
            teacher.CopyInPlace(fixedOne.Value);
        weights.Written();
    }
}
