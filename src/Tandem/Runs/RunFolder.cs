using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Tandem.Models.Formats;

namespace Tandem.Runs;

/// <summary>
/// The folder of a run: recipe, environment, status, metrics, log, samples, checkpoints and report. Everything is replaced as a whole or
/// appended line by line; one process at a time may write.
/// </summary>
public sealed class RunFolder : IDisposable
{
    static readonly JsonSerializerOptions Written = new() { WriteIndented = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    readonly RunLock? held;

    RunFolder(string path, RunLock? held)
    {
        Path = path;
        this.held = held;
        Checkpoints = new Checkpoints(System.IO.Path.Combine(path, "checkpoints"));
    }

    /// <summary>Makes the folder of a new run and locks it.</summary>
    /// <param name="path">Must not hold a run yet; made when missing.</param>
    /// <exception cref="TandemException">There is a run already (<see cref="ErrorKind.Usage"/>); the folder is in use, or cannot be written (<see cref="ErrorKind.Machine"/>).</exception>
    public static RunFolder Create(string path)
    {
        RequireFree(path);
        try
        {
            Directory.CreateDirectory(path);
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            throw AtomicFile.Refused(path, cause);
        }
        var held = RunLock.Take(path);
        try
        {
            // Another process may have been faster.
            RequireFree(path);
            return new RunFolder(path, held);
        }
        catch
        {
            held.Dispose();
            throw;
        }
    }

    /// <summary>Makes sure that a new run can have this folder; nothing is written.</summary>
    /// <exception cref="TandemException">There is a run already, or a <c>recipe.json</c> of someone's own (<see cref="ErrorKind.Usage"/>).</exception>
    public static void RequireFree(string path)
    {
        if (!File.Exists(System.IO.Path.Combine(path, "recipe.json")))
            return;
        throw IsRun(path)
            ? new TandemException(ErrorKind.Usage, "there is a run in this folder already", path,
                remedy: $"Go on with it (`tandem resume {path}`), choose another folder with out=FOLDER, or delete it (`tandem runs rm {path}`).")
            : new TandemException(ErrorKind.Usage, "the folder holds a recipe.json that no run wrote, and a run would overwrite it", path, remedy: "Choose another folder with out=FOLDER.");
    }

    /// <summary>Opens a run to go on with it: locks it and removes what a crash left half written.</summary>
    /// <exception cref="TandemException">There is no run (<see cref="ErrorKind.Usage"/>); it is in use, or cannot be written (<see cref="ErrorKind.Machine"/>).</exception>
    public static RunFolder Open(string path)
    {
        Require(path);
        var run = new RunFolder(path, RunLock.Take(path));
        run.Checkpoints.Clean();
        foreach (var file in Directory.EnumerateFiles(path, ".*" + AtomicFile.Unfinished))
            File.Delete(file);
        return run;
    }

    /// <summary>Opens a run to look at it, without a lock; another process may be writing.</summary>
    /// <exception cref="TandemException">There is no run (<see cref="ErrorKind.Usage"/>).</exception>
    public static RunFolder Read(string path)
    {
        Require(path);
        return new RunFolder(path, null);
    }

    /// <summary>
    /// Whether a folder holds a run: a <c>recipe.json</c> as runs write it (or one that is damaged) beside a run's lock or status. A recipe of a person's own, or a copy of a run's,
    /// makes no run.
    /// </summary>
    public static bool IsRun(string path)
    {
        string At(string name) => System.IO.Path.Combine(path, name);
        if (!File.Exists(At("recipe.json")) || !(File.Exists(At("lock")) || File.Exists(At("status.json"))))
            return false;
        return ReadObject(At("recipe.json")) is not { } recipe || (recipe["format"] is JsonValue format && format.ToString().StartsWith("tandem run recipe", StringComparison.Ordinal));
    }

    /// <summary>The folder.</summary>
    public string Path { get; }

    /// <summary>Its checkpoints.</summary>
    public Checkpoints Checkpoints { get; }

    /// <summary>Whether a living process is writing to the run (this one included).</summary>
    public bool IsAlive => held is not null || RunLock.IsHeld(Path);

    /// <summary>Where the metrics lie.</summary>
    public string MetricsPath => this["metrics.jsonl"];

    /// <summary>Where the fixed samples lie; made when missing.</summary>
    public string SamplesPath => Directory.CreateDirectory(this["samples"]).FullName;

    /// <summary>The path of a file of the run.</summary>
    public string this[string name] => System.IO.Path.Combine(Path, name);

    /// <summary>Writes <c>recipe.json</c>.</summary>
    /// <param name="text">Every value with its origin, as the recipe writes itself.</param>
    public void WriteRecipe(string text) => Write("recipe.json", text);

    /// <summary>The text of <c>recipe.json</c>.</summary>
    public string RecipeText => File.ReadAllText(this["recipe.json"]);

    /// <summary>Writes <c>environment.json</c>: versions, machine, threads, precision, commit, command.</summary>
    public void WriteEnvironment(JsonObject environment) => Write("environment.json", environment.ToJsonString(Written) + "\n");

    /// <summary><c>environment.json</c>, or an empty object.</summary>
    public JsonObject Environment() => ReadObject(this["environment.json"]) ?? [];

    /// <summary>Writes <c>status.json</c>, with heartbeat, process and host filled in.</summary>
    /// <returns>What was written.</returns>
    public RunStatus WriteStatus(RunStatus status)
    {
        var now = DateTimeOffset.UtcNow;
        status = status with { Heartbeat = now, Started = status.Started ?? now, Process = System.Environment.ProcessId, Host = System.Environment.MachineName };
        Write("status.json", status.ToText());
        return status;
    }

    /// <summary>Reads <c>status.json</c>; a run that died before writing one has the status of a beginning.</summary>
    /// <exception cref="TandemException">The file is damaged (<see cref="ErrorKind.Input"/>).</exception>
    public RunStatus Status()
    {
        try
        {
            return File.Exists(this["status.json"]) ? RunStatus.Parse(File.ReadAllText(this["status.json"])) : new RunStatus();
        }
        catch (JsonException cause)
        {
            throw new TandemException(ErrorKind.Input, $"the run's status is damaged: {cause.Message}", this["status.json"], remedy: "Delete the file; `tandem resume` then takes the newest checkpoint.", inner: cause);
        }
    }

    /// <summary>Opens the metrics for appending; lines after <paramref name="resumed"/> are cut.</summary>
    public Metrics OpenMetrics(long resumed = 0) => Metrics.Open(MetricsPath, resumed);

    /// <summary>Appends a line to <c>train.log</c>, with the time in UTC.</summary>
    /// <exception cref="TandemException">The disk is full or refuses (<see cref="ErrorKind.Machine"/>).</exception>
    public void Log(string text)
    {
        try
        {
            File.AppendAllText(this["train.log"], string.Create(CultureInfo.InvariantCulture, $"{DateTimeOffset.UtcNow:yyyy-MM-dd'T'HH:mm:ss'Z'} {text}\n"));
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            throw AtomicFile.Refused(this["train.log"], cause);
        }
    }

    /// <summary>Writes a checkpoint, then the status that names it, then deletes old ones: in this order, so that the status never names what is not there.</summary>
    /// <param name="status">The run's status; <see cref="RunStatus.Step"/> names the checkpoint.</param>
    /// <param name="write">Fills the checkpoint's folder.</param>
    /// <param name="best">Whether this one is the best so far.</param>
    /// <param name="keep">How many of the newest stay, besides the best.</param>
    /// <returns>The status as written.</returns>
    /// <exception cref="TandemException">The disk is full or refuses (<see cref="ErrorKind.Machine"/>). The run can go on from its earlier checkpoints.</exception>
    public RunStatus WriteCheckpoint(RunStatus status, Action<string> write, bool best = false, int keep = 2)
    {
        var name = Checkpoints.Write(status.Step, write);
        status = WriteStatus(status with { Last = name, Best = best ? name : status.Best });
        Checkpoints.Prune(keep, status.Last, status.Best);
        return status;
    }

    /// <summary>The folder of the last checkpoint: the one that the status names, else the newest; null when there is none.</summary>
    public string? LastCheckpoint() => Named(Status().Last) ?? (Checkpoints.Steps is { Count: > 0 } steps ? Checkpoints.PathOf(Checkpoints.NameOf(steps[^1])) : null);

    /// <summary>The folder of the best checkpoint, or of the last when none was best.</summary>
    public string? BestCheckpoint() => Named(Status().Best) ?? LastCheckpoint();

    /// <summary>Frees the folder for other processes.</summary>
    public void Dispose() => held?.Dispose();

    /// <summary><c>recipe.json</c> as an object; empty when it is damaged: reports and lists go on without it.</summary>
    internal JsonObject Recipe() => ReadObject(this["recipe.json"]) ?? [];

    // Null where there is no such file, or no object in it. People may have put comments into what they looked at.
    static JsonObject? ReadObject(string path)
    {
        try
        {
            return File.Exists(path) ? JsonNode.Parse(File.ReadAllText(path), documentOptions: new() { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true }) as JsonObject : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    static void Require(string path)
    {
        if (!IsRun(path))
            throw new TandemException(ErrorKind.Usage, "there is no run in this folder", path, "a folder with a run's recipe.json and status.json", "`tandem runs ls FOLDER` lists the runs below a folder.");
    }

    string? Named(string? name) => name is not null && Runs.Checkpoints.StepOf(name) is not null && Directory.Exists(Checkpoints.PathOf(name)) ? Checkpoints.PathOf(name) : null;

    void Write(string name, string text) => AtomicFile.WriteText(this[name], text);
}
