using System.Globalization;
using Tandem.Models.Formats;

namespace Tandem.Runs;

/// <summary>
/// The folder <c>checkpoints/</c>: one folder a step, written beside, flushed and renamed, so that whatever has the name is whole. What a crash
/// left half written is never listed, and removed by <see cref="Clean"/>.
/// </summary>
/// <param name="folder">The folder; made when the first checkpoint is written.</param>
public sealed class Checkpoints(string folder)
{
    const string Prefix = "step-";

    /// <summary>The name of a step's checkpoint: <c>step-00000500</c>.</summary>
    public static string NameOf(long step) => string.Create(CultureInfo.InvariantCulture, $"{Prefix}{step:D8}");

    /// <summary>The step of a checkpoint's name, or null for another name.</summary>
    public static long? StepOf(string name) =>
        name.StartsWith(Prefix, StringComparison.Ordinal) && name.Length >= Prefix.Length + 8 && long.TryParse(name.AsSpan(Prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var step) ? step : null;

    /// <summary>Steps with a whole checkpoint, in order.</summary>
    public IReadOnlyList<long> Steps => Directory.Exists(folder) ? [.. Directory.EnumerateDirectories(folder).Select(path => StepOf(Path.GetFileName(path))).OfType<long>().Order()] : [];

    /// <summary>Where a checkpoint lies, whether or not it exists.</summary>
    public string PathOf(string name) => Path.Combine(folder, name);

    /// <summary>Writes a checkpoint.</summary>
    /// <param name="step">The updates done. One that exists already is replaced.</param>
    /// <param name="write">Fills the folder that it is given.</param>
    /// <returns>The checkpoint's name.</returns>
    /// <exception cref="TandemException">The disk is full or refuses (<see cref="ErrorKind.Machine"/>). Earlier checkpoints are untouched, nothing half written is left.</exception>
    public string Write(long step, Action<string> write)
    {
        var name = NameOf(step);
        var beside = Path.Combine(folder, $".{name}{AtomicFile.Unfinished}");
        var before = Path.Combine(folder, $".{name}.before{AtomicFile.Unfinished}");
        try
        {
            Remove(beside);
            Directory.CreateDirectory(beside);
            write(beside);
            FlushAll(beside);
            if (Directory.Exists(PathOf(name)))
                Directory.Move(PathOf(name), before);
            Directory.Move(beside, PathOf(name));
            AtomicFile.FlushFolder(folder);
            Remove(before);
            return name;
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            TryRemove(beside);
            throw AtomicFile.Refused(PathOf(name), cause);
        }
        catch
        {
            TryRemove(beside);
            throw;
        }
    }

    /// <summary>Deletes checkpoints beyond the newest ones.</summary>
    /// <param name="keep">How many of the newest stay; at least one does.</param>
    /// <param name="also">Names that stay whatever their age: the best.</param>
    public void Prune(int keep, params IEnumerable<string?> also)
    {
        var steps = Steps;
        foreach (var name in steps.Take(Math.Max(0, steps.Count - Math.Max(1, keep))).Select(NameOf).Except(also.OfType<string>(), StringComparer.Ordinal))
        {
            // Renamed first: a crash in the middle leaves nothing that looks whole.
            var gone = Path.Combine(folder, $".{name}.gone{AtomicFile.Unfinished}");
            TryRemove(gone);
            try
            {
                Directory.Move(PathOf(name), gone);
            }
            catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
            {
                continue; // an old checkpoint too many harms nobody
            }
            TryRemove(gone);
        }
    }

    /// <summary>Removes what a crash left half written; a checkpoint that was being replaced comes back.</summary>
    public void Clean()
    {
        if (!Directory.Exists(folder))
            return;
        foreach (var path in Directory.EnumerateDirectories(folder, ".*" + AtomicFile.Unfinished).ToList())
        {
            var name = Path.GetFileName(path)[1..^AtomicFile.Unfinished.Length];
            if (name.EndsWith(".before", StringComparison.Ordinal) && !Directory.Exists(PathOf(name[..^".before".Length])))
                Directory.Move(path, PathOf(name[..^".before".Length]));
            else
                TryRemove(path);
        }
    }

    static void FlushAll(string beside)
    {
        foreach (var file in Directory.EnumerateFiles(beside, "*", SearchOption.AllDirectories))
        {
            using var stream = new FileStream(file, FileMode.Open, FileAccess.ReadWrite, FileShare.Read);
            stream.Flush(flushToDisk: true);
        }
        foreach (var inner in Directory.EnumerateDirectories(beside, "*", SearchOption.AllDirectories).Append(beside))
            AtomicFile.FlushFolder(inner);
    }

    static void Remove(string path)
    {
        if (Directory.Exists(path))
            Directory.Delete(path, recursive: true);
    }

    static void TryRemove(string path)
    {
        try
        {
            Remove(path);
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            // Never listed; the next Clean tries again.
        }
    }
}
