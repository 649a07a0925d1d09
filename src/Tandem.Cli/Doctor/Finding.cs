namespace Tandem.Cli.Doctor;

/// <summary>How a finding is to be taken.</summary>
enum State
{
    /// <summary>As it should be.</summary>
    Good,
    /// <summary>A fact, neither good nor bad.</summary>
    Information,
    /// <summary>Tandem works, but slower, or not with everything.</summary>
    Warning,
    /// <summary>Nothing works without it.</summary>
    Broken,
}

/// <summary>One line of the doctor's.</summary>
/// <param name="About">The part of the machine: <c>processor</c>.</param>
/// <param name="Name">What was looked at.</param>
/// <param name="State">How it is to be taken.</param>
/// <param name="Value">What was found.</param>
/// <param name="Remedy">What mends it, ideally something to paste.</param>
sealed record Finding(string About, string Name, State State, string Value, string? Remedy = null);

/// <summary>Looks at one part of the machine.</summary>
interface ICheck
{
    /// <summary>The part.</summary>
    string About { get; }

    /// <summary>What is there.</summary>
    IEnumerable<Finding> Look();
}

/// <summary>All checks, in the order in which they are shown. Registration is one line here.</summary>
static class Checks
{
    public static IReadOnlyList<ICheck> All { get; } =
    [
        new SystemCheck(),
        new ProcessorCheck(),
        new MemoryCheck(),
        new BlasCheck(),
        new LibtorchCheck(),
        new LibraryCheck(),
        new FolderCheck(),
    ];
}
