namespace Tandem.Data;

/// <summary>What is wrong with a file. Every reader of foreign bytes ends in a value or in one of these five.</summary>
public enum FileFault
{
    /// <summary>The file ends before something that it announces.</summary>
    Truncated,
    /// <summary>Its parts contradict each other or the format.</summary>
    Inconsistent,
    /// <summary>It announces more than a limit, or a product overflows.</summary>
    TooLarge,
    /// <summary>Well formed, but something that Tandem does not do.</summary>
    Unsupported,
    /// <summary>It asks for something that no reader may do: run code, leave its folder.</summary>
    Forbidden,
}

/// <summary>Makes the errors of file readers: <see cref="ErrorKind.Input"/>, with words that name the fault, and the fault itself attached.</summary>
public static class FileFaults
{
    const string Key = "Tandem.FileFault";

    /// <summary>The error of a file with this fault.</summary>
    /// <param name="fault">Which of the five.</param>
    /// <param name="what">What was found, without the fault's name: "tensor 'x' ends at byte 20".</param>
    /// <param name="where">File, and the place in it.</param>
    /// <param name="expected">What would have been right.</param>
    /// <param name="remedy">What to do; the fault's usual advice when null.</param>
    /// <param name="inner">The cause.</param>
    public static TandemException Error(this FileFault fault, string what, string where, string? expected = null, string? remedy = null, Exception? inner = null)
    {
        var error = new TandemException(ErrorKind.Input, $"{fault.Word()}: {what}", where, expected, remedy ?? fault.Advice(), inner);
        error.Data[Key] = fault;
        return error;
    }

    /// <summary>The fault that an error carries, or null when it is about something else.</summary>
    public static FileFault? FaultOf(Exception error) => error.Data[Key] as FileFault?;

    /// <summary>The fault in words: "truncated file".</summary>
    public static string Word(this FileFault fault) => fault switch
    {
        FileFault.Truncated => "truncated file",
        FileFault.Inconsistent => "inconsistent file",
        FileFault.TooLarge => "too large",
        FileFault.Unsupported => "unsupported",
        _ => "forbidden",
    };

    /// <summary>The fault's name in machine-readable output: "truncated", "inconsistent", "too_large", "unsupported", "forbidden".</summary>
    public static string Name(this FileFault fault) => fault == FileFault.TooLarge ? "too_large" : fault.ToString().ToLowerInvariant();

    static string? Advice(this FileFault fault) => fault switch
    {
        FileFault.Truncated => "Download or copy it again.",
        FileFault.Inconsistent => "The file is damaged or of another kind: get it again, or check what it is.",
        FileFault.Forbidden => "Do not use this file.",
        _ => null,
    };
}
