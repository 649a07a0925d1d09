using System.Diagnostics;
using Tandem.Data;
using Tandem.Models.Formats;
using Tandem.Runs;

namespace Tandem.Verify;

/// <summary>Kind <c>hostile</c> of method <c>formats</c>: damaged files and files made to do harm must end in the right error, quickly.</summary>
sealed class HostileKinds : ICaseKind
{
    /// <summary>What reads each kind of file to its end. A reader that is not here is not built yet.</summary>
    static readonly Dictionary<string, Action<string>> Readers = new(StringComparer.Ordinal)
    {
        ["safetensors"] = path => _ = Safetensors.ReadAll(path),
        ["npy"] = path => _ = Npy.Read(path),
        ["tar"] = TarKinds.ReadAll,
        ["events"] = path => _ = EventReader.Read(path),
    };

    public string Method => "formats";

    public IReadOnlyList<string> Kinds => ["hostile"];

    public void Check(GoldenCase golden, Comparison comparison, string device)
    {
        var reader = golden.Config.GetString("reader");
        if (!Readers.TryGetValue(reader, out var read))
            throw new SkippedException($"the reader for {reader} is not built yet");
        var seconds = golden.Config.ObjectOrNull("limits")?.WithoutEffect("memory_mib_per_file").GetDouble("seconds_per_file", 5) ?? 5;
        foreach (var check in comparison.Given("checks").EnumerateArray())
        {
            var file = check.GetProperty("file").GetString()!;
            var watch = Stopwatch.StartNew();
            var found = Outcome(read, Path.Combine(golden.Folder, file));
            comparison.Require(watch.Elapsed.TotalSeconds <= seconds, $"{file} took {watch.Elapsed.TotalSeconds:F1} s");
            var error = check.GetProperty("error").GetString();
            var accepted = check.TryGetProperty("accept", out var list) ? list.EnumerateArray().Select(item => item.GetString()).ToList() : [];
            comparison.Require(found == (error ?? "none") || accepted.Contains(found), $"{file} ends in '{found}' instead of '{error ?? "none"}'");
        }
        var marker = comparison.Given("marker").GetString()!;
        comparison.Require(!File.Exists(marker) && !File.Exists(Path.Combine(golden.Folder, marker)) && !File.Exists(Path.Combine(Path.GetTempPath(), marker)), $"reading made the file '{marker}'");
    }

    static string Outcome(Action<string> read, string path)
    {
        try
        {
            read(path);
            return "none";
        }
        catch (TandemException error)
        {
            return FileFaults.FaultOf(error)?.Name() ?? $"an error without a fault: {error.Message}";
        }
    }
}
