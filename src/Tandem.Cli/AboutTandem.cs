using System.Reflection;

namespace Tandem.Cli;

/// <summary>What this program is and where it keeps things.</summary>
static class AboutTandem
{
    static readonly string[] Parts = (typeof(AboutTandem).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0").Split('+');

    public static string Version => Parts[0];

    /// <summary>The commit it was built from, or null when it was built from an archive.</summary>
    public static string? Commit => Parts.Length > 1 ? Parts[1][..Math.Min(10, Parts[1].Length)] : null;

    /// <summary>Where built shims, reports of faults and downloads of the user's lie.</summary>
    public static string CacheFolder { get; } = Path.Combine(
        Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } cache ? cache : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile, Environment.SpecialFolderOption.DoNotVerify), ".cache"),
        "tandem");
}
