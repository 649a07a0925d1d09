using System.Text.Json.Nodes;

namespace Tandem.Runs;

/// <summary>A run that was found.</summary>
/// <param name="Name">Its folder, relative to the one that was searched.</param>
/// <param name="Path">Its folder.</param>
/// <param name="State">What it is doing: <c>starting</c>, <c>running</c>, <c>finished</c>, <c>stopped</c>, <c>collapsed</c>, <c>failed</c>, or <c>interrupted</c>: it ended without saying so.</param>
/// <param name="Status">Its status; that of a beginning when it cannot be read.</param>
/// <param name="Recipe">The recipe's name.</param>
/// <param name="BestBy">The evaluation that tells its best moment: <c>eval/knn</c>; null without evaluations.</param>
/// <param name="BestValue">That evaluation's best value.</param>
/// <param name="Bytes">What the folder takes on the disk.</param>
/// <param name="Fault">Why it cannot be read; null when it can.</param>
public sealed record ListedRun(string Name, string Path, string State, RunStatus Status, string? Recipe, string? BestBy, double? BestValue, long Bytes, string? Fault);

/// <summary>Finds runs and tells how they stand.</summary>
public static class RunListing
{
    const int Depth = 8;

    static readonly EnumerationOptions Plain = new() { IgnoreInaccessible = true, AttributesToSkip = FileAttributes.Hidden | FileAttributes.ReparsePoint };

    /// <summary>The runs in a folder, at any depth up to eight, the newest first; hidden folders, symbolic links and checkpoints are not entered.</summary>
    /// <exception cref="TandemException"><see cref="ErrorKind.Input"/>: there is no such folder.</exception>
    public static IReadOnlyList<ListedRun> Under(string folder)
    {
        if (!Directory.Exists(folder))
            throw new TandemException(ErrorKind.Input, File.Exists(folder) ? "this is a file" : "there is no such folder", folder, "a folder with runs");
        return [.. Find(folder, Depth)
            .Select(path => Look(path, System.IO.Path.GetRelativePath(folder, path)))
            .OrderByDescending(run => run.Status.Started ?? DateTimeOffset.MinValue)
            .ThenBy(run => run.Name, StringComparer.Ordinal)];
    }

    /// <summary>The evaluation by which a run is told, and its best value: the one that chose the best checkpoint, else the first one of the encoder itself.</summary>
    internal static (string Name, double Value)? Best(RunStatus status, IEnumerable<MetricsLine> metrics)
    {
        if (status is { BestBy: { } by, BestValue: { } value })
            return (by, value);
        (string Name, double Value)? best = null;
        foreach (var line in metrics)
        {
            foreach (var (name, score) in line.Values)
            {
                if (!name.StartsWith("eval/", StringComparison.Ordinal) || name.Contains('_', StringComparison.Ordinal) || !double.IsFinite(score))
                    continue; // eval/knn_untrained is a baseline
                if (best is null || (best.Value.Name == name && score > best.Value.Value))
                    best = (name, score);
            }
        }
        return best;
    }

    static IEnumerable<string> Find(string folder, int depth)
    {
        var written = RunFolder.IsRun(folder);
        if (written)
            yield return folder;
        if (depth == 0)
            yield break;
        foreach (var inner in Directory.EnumerateDirectories(folder, "*", Plain).Where(inner => !written || !RunContents.IsOwn(System.IO.Path.GetFileName(inner))))
        {
            foreach (var path in Find(inner, depth - 1))
                yield return path;
        }
    }

    static ListedRun Look(string path, string name)
    {
        using var run = RunFolder.Read(path);
        RunStatus status = new();
        string? fault = null;
        try
        {
            status = run.Status();
        }
        catch (TandemException error)
        {
            fault = error.Message;
        }
        var recipe = run.Recipe()["name"] is JsonValue given ? given.ToString() : null;
        var best = Best(status, Metrics.Read(run.MetricsPath));
        if (name == ".")
            name = System.IO.Path.GetFileName(System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(path)));
        return new(name, path, RunJudgement.State(run, status), status, recipe, best?.Name, best?.Value, RunContents.Size(path), fault);
    }
}
