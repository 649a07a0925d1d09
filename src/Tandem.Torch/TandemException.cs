namespace Tandem;

/// <summary>Whose move it is when something goes wrong. The value is the process's exit code.</summary>
public enum ErrorKind
{
    /// <summary>A fault of Tandem's own.</summary>
    Internal = 1,
    /// <summary>The command line or the recipe is wrong.</summary>
    Usage = 2,
    /// <summary>The input (data, checkpoint, labels) is wrong.</summary>
    Input = 3,
    /// <summary>The machine refuses or lacks something: library, device, disk, memory, permission, a locked run folder.</summary>
    Machine = 4,
    /// <summary>Training stopped: collapsed or not finite.</summary>
    Training = 5,
    /// <summary>Verification failed.</summary>
    Verification = 6,
}

/// <summary>
/// The one exception that people see: what happened, where, what was expected, what to do. Every other exception that reaches the
/// command line is a fault of Tandem's own.
/// </summary>
public sealed class TandemException : Exception
{
    /// <summary>Makes an error for people.</summary>
    /// <param name="kind">Decides the exit code.</param>
    /// <param name="message">What happened, one sentence.</param>
    /// <param name="where">File, line, key or tensor, if there is a place.</param>
    /// <param name="expected">What would have been right.</param>
    /// <param name="remedy">What to do, ideally something to paste.</param>
    /// <param name="inner">The cause, shown with <c>--verbose</c>.</param>
    public TandemException(ErrorKind kind, string message, string? where = null, string? expected = null, string? remedy = null, Exception? inner = null)
        : base(message, inner)
    {
        Kind = kind;
        Where = where;
        Expected = expected;
        Remedy = remedy;
    }

    /// <summary>Decides the exit code.</summary>
    public ErrorKind Kind { get; }

    /// <summary>File, line, key or tensor.</summary>
    public string? Where { get; }

    /// <summary>What would have been right.</summary>
    public string? Expected { get; }

    /// <summary>What to do.</summary>
    public string? Remedy { get; }

    /// <summary>The whole error as one paragraph.</summary>
    public string Paragraph =>
        string.Join(' ', new[] { Sentence(Where is null ? Message : $"{Message} ({Where})"), Expected is null ? null : Sentence($"Expected: {Expected}"), Remedy is null ? null : Sentence(Remedy) }
            .Where(part => part is not null));

    static string Sentence(string text) => text.Length == 0 || ".!?:`\"".Contains(text[^1]) ? text : text + ".";
}
