using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;

namespace Tandem.Runs;

/// <summary>What a run's numbers depend on besides its recipe: versions and machine.</summary>
public static class RunEnvironment
{
    /// <summary>Collects what is known here; the caller adds libtorch's version, device, threads, precision.</summary>
    /// <param name="command">The command as typed; null leaves it out.</param>
    public static JsonObject Describe(string? command = null)
    {
        var version = typeof(RunEnvironment).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";
        var plus = version.IndexOf('+', StringComparison.Ordinal);
        var environment = new JsonObject
        {
            ["tandem"] = plus < 0 ? version : version[..plus],
            ["commit"] = plus < 0 ? null : version[(plus + 1)..],
            ["runtime"] = RuntimeInformation.FrameworkDescription,
            ["system"] = RuntimeInformation.OSDescription,
            ["architecture"] = RuntimeInformation.OSArchitecture.ToString().ToLowerInvariant(),
            ["machine"] = Environment.MachineName,
            ["processor"] = Processor(),
            ["cores"] = Environment.ProcessorCount,
            ["memory_bytes"] = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes,
            ["started"] = DateTimeOffset.UtcNow.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture),
        };
        if (command is not null)
            environment["command"] = command;
        return environment;
    }

    // Virtual machines show the name of a whole line of products; family and model tell its generations apart, which differ in speed by half.
    static string? Processor()
    {
        const string file = "/proc/cpuinfo";
        var (name, family, model) = (FromProc(file, "model name"), FromProc(file, "cpu family"), FromProc(file, "model\t"));
        return family is null || model is null ? name : $"{name} (family {family}, model {model})";
    }

    static string? FromProc(string file, string field)
    {
        try
        {
            return File.ReadLines(file).FirstOrDefault(line => line.StartsWith(field, StringComparison.Ordinal))?.Split(':', 2)[^1].Trim();
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
