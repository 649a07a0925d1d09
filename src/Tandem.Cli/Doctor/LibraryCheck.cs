using System.Runtime.InteropServices;

namespace Tandem.Cli.Doctor;

/// <summary>Libraries and programs from Debian's packages, as native/packages.txt lists them.</summary>
sealed class LibraryCheck : ICheck
{
    public string About => "libraries";

    public IEnumerable<Finding> Look()
    {
        foreach (var package in Package.All.Where(package => package.Library is not null))
        {
            var optional = package.Kind is not ("build" or "torch");
            var found = Find(package.Library!);
            yield return found is not null
                ? new(About, package.Purpose, State.Good, found)
                : new(About, package.Purpose, package.Kind == "later" ? State.Information : optional ? State.Warning : State.Broken, $"{package.Library} not found", $"apt-get install {package.Name}");
        }
    }

    /// <summary>Libtorch is looked at, not loaded: that takes longer than all the rest, and is what the checks of tensors do.</summary>
    static string? Find(string library)
    {
        if (library.StartsWith("libtorch", StringComparison.Ordinal))
            return Folders().Select(folder => Path.Combine(folder, library)).FirstOrDefault(File.Exists);
        if (library.Contains(".so", StringComparison.Ordinal))
        {
            if (!NativeLibrary.TryLoad(library, out var handle))
                return null;
            NativeLibrary.Free(handle);
            return library;
        }
        return (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Select(folder => Path.Combine(folder, library)).FirstOrDefault(File.Exists);
    }

    static IEnumerable<string> Folders() =>
        Environment.GetEnvironmentVariable("LIBTORCH") is { Length: > 0 } own ? [Path.Combine(own, "lib")] : ["/usr/lib/x86_64-linux-gnu"];
}

/// <summary>A line of native/packages.txt.</summary>
/// <param name="Kind"><c>build</c>, <c>torch</c>, <c>use</c> or <c>later</c>.</param>
/// <param name="Name">The package, by the first of its names.</param>
/// <param name="Library">The library or program that shows that it is there, or null.</param>
/// <param name="Purpose">What it is for.</param>
sealed record Package(string Kind, string Name, string? Library, string Purpose)
{
    public static IReadOnlyList<Package> All { get; } = [.. Read()];

    static IEnumerable<Package> Read()
    {
        using var stream = typeof(Package).Assembly.GetManifestResourceStream("packages.txt")!;
        using var reader = new StreamReader(stream);
        while (reader.ReadLine() is { } line)
        {
            var halves = line.Split('#', 2);
            var words = halves[0].Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (words.Length >= 2)
                yield return new Package(words[0], words[1].Split('|')[0], words.ElementAtOrDefault(2), halves.Length > 1 ? halves[1].Trim() : words[1]);
        }
    }
}
