namespace Tandem.Cli.Doctor;

/// <summary>Memory: the machine's, and what a container or scheduler leaves of it.</summary>
sealed class MemoryCheck : ICheck
{
    const long Little = 2L << 30;

    public string About => "memory";

    public IEnumerable<Finding> Look()
    {
        Dictionary<string, long> kibibytes = new(StringComparer.Ordinal);
        foreach (var line in File.ReadLines("/proc/meminfo"))
        {
            var parts = line.Split([':', ' '], StringSplitOptions.RemoveEmptyEntries);
            if (parts.Length >= 2 && long.TryParse(parts[1], out var value))
                kibibytes[parts[0]] = value;
        }
        var total = kibibytes.GetValueOrDefault("MemTotal") << 10;
        var free = kibibytes.GetValueOrDefault("MemAvailable") << 10;
        yield return new(About, "memory", free < Little ? State.Warning : State.Good, $"{Size(total)}, {Size(free)} available", "Pre-training wants 2 GiB or more: close other programs, or choose a smaller recipe");
        if (Limit() is { } limit && limit < total)
            yield return new(About, "memory limit", limit < Little ? State.Warning : State.Information, $"{Size(limit)} (set for this container or job)", "Ask for more memory");
    }

    static long? Limit()
    {
        foreach (var file in new[] { "/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes" })
        {
            if (File.Exists(file) && long.TryParse(File.ReadAllText(file).Trim(), out var limit))
                return limit;
        }
        return null;
    }

    internal static string Size(long bytes) => bytes >= 1L << 30 ? $"{bytes / (double)(1L << 30):0.0} GiB" : $"{bytes / (double)(1L << 20):0} MiB";
}
