namespace Tandem.Runs;

/// <summary>A run that was removed, or would be.</summary>
/// <param name="Path">Its folder.</param>
/// <param name="Bytes">What the run's own files take on the disk.</param>
/// <param name="Kept">Names of what lies in the folder and is not the run's: it stays, and the folder with it.</param>
public sealed record RemovedRun(string Path, long Bytes, IReadOnlyList<string> Kept);

/// <summary>Removes runs: what a run wrote, and nothing else.</summary>
public static class RunRemoval
{
    /// <summary>Says what would be removed.</summary>
    /// <exception cref="TandemException">
    /// A folder holds no run, or is a symbolic link (<see cref="ErrorKind.Usage"/>); a run is in use (<see cref="ErrorKind.Machine"/>).
    /// </exception>
    public static IReadOnlyList<RemovedRun> Look(IEnumerable<string> paths) =>
        [.. paths.DistinctBy(path => Path.TrimEndingDirectorySeparator(Path.GetFullPath(path)), StringComparer.Ordinal).Select(Look)];

    /// <summary>Removes runs. All are looked at first: if one cannot be removed, none is. Symbolic links go, what they lead to stays.</summary>
    /// <exception cref="TandemException">As <see cref="Look(IEnumerable{string})"/>; or the disk refuses (<see cref="ErrorKind.Machine"/>).</exception>
    public static IReadOnlyList<RemovedRun> Remove(IEnumerable<string> paths)
    {
        var runs = Look(paths);
        List<RunLock> held = [];
        try
        {
            // Nobody may go on with a run while it goes.
            foreach (var run in runs)
                held.Add(RunLock.Take(run.Path));
            foreach (var run in runs)
                Remove(run);
        }
        finally
        {
            foreach (var taken in held)
                taken.Dispose();
        }
        return runs;
    }

    static RemovedRun Look(string path)
    {
        var folder = new DirectoryInfo(Path.TrimEndingDirectorySeparator(Path.GetFullPath(path)));
        if (folder.LinkTarget is { } target)
            throw new TandemException(ErrorKind.Usage, "this is a symbolic link, not a run folder", path, remedy: $"Give the folder that it leads to: {target}.");
        if (!RunFolder.IsRun(folder.FullName))
            throw new TandemException(ErrorKind.Usage, "there is no run in this folder, so nothing was removed", path, "a folder with a run's recipe.json", "`tandem runs ls FOLDER` lists the runs below a folder.");
        if (RunLock.IsHeld(folder.FullName))
            throw new TandemException(ErrorKind.Machine, "the run is in use by a living process, so nothing was removed", path, "a run that has ended", "Stop it first (Ctrl-C, or SIGTERM to its process), or wait until it has ended.");
        var entries = RunContents.Entries(folder.FullName).ToList();
        return new(path, entries.Where(one => one.Own).Sum(one => RunContents.Size(one.Entry.FullName)), [.. entries.Where(one => !one.Own).Select(one => one.Name).Order(StringComparer.Ordinal)]);
    }

    static void Remove(RemovedRun run)
    {
        var place = run.Path;
        try
        {
            // The recipe and the lock make the folder a run: they go last, so that what was interrupted can be done again.
            foreach (var (entry, _, _) in RunContents.Entries(run.Path).Where(one => one.Own).OrderBy(one => one.Name switch { "recipe.json" => 1, "lock" => 2, _ => 0 }).ToList())
            {
                place = entry.FullName;
                if (entry is DirectoryInfo { LinkTarget: null } inner)
                    inner.Delete(recursive: true);
                else
                    entry.Delete();
            }
            foreach (var filled in RunContents.Folders.Select(name => Path.Combine(run.Path, name)))
            {
                place = filled;
                if (new DirectoryInfo(filled) is { Exists: true, LinkTarget: null } folder && !folder.EnumerateFileSystemInfos().Any())
                    folder.Delete();
            }
            place = run.Path;
            if (!Directory.EnumerateFileSystemEntries(run.Path).Any())
                Directory.Delete(run.Path);
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            throw new TandemException(ErrorKind.Machine, $"this cannot be removed: {cause.Message}", place, remedy: "See to its owner, its mode or its disk, and give the command again.", inner: cause);
        }
    }
}
