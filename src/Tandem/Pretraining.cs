using System.Globalization;
using System.Text.Json.Nodes;
using Tandem.Data;
using Tandem.Data.Sources;
using Tandem.Layers;
using Tandem.Models;
using Tandem.Models.Formats;
using Tandem.Recipes;
using Tandem.Runs;
using Tandem.Torch;
using Tandem.Training;

namespace Tandem;

/// <summary>
/// A pre-training run: opens the data, builds the method, trains into a run folder. All computing happens on <see cref="ComputeThread"/>.
/// </summary>
/// <example><code>using var pretraining = Pretraining.Start(RecipeDocument.Load("data2vec2/images-cpu-10m", "data=photos", "out=runs/photos"));
/// var result = pretraining.Run(e => Console.WriteLine(e.Kind));</code></example>
public sealed class Pretraining : IDisposable
{
    // What may change in the middle of a run, because nothing that is computed depends on it.
    static readonly string[] Changeable = ["run.threads", "run.device", "watch.action"];

    readonly PretrainingRecipe recipe;
    readonly Source source;
    readonly RunFolder run;
    readonly Method method;
    readonly Trainer trainer;
    readonly Precision precision;
    readonly PretrainingProbe probe;
    Action<TrainingEvent>? report;

    Pretraining(PretrainingRecipe recipe, RunFolder run, Source source, Method method, Device device, PretrainingProbe probe)
    {
        (this.recipe, this.run, this.source, this.method, this.probe) = (recipe, run, source, method, probe);
        precision = PrecisionOf(recipe.Run.Precision, device);
        trainer = new(method, new(recipe.Run, recipe.Optimizer, recipe.Schedule, recipe.Watch, recipe.Data.MicroBatches, precision, source.Count), new()
        {
            SaveModel = SaveModel,
            Evaluate = (step, stop) => probe.Run(method, precision, run, step, stop),
            EvaluateEvery = steps => recipe.Evaluate.Every > 0 ? recipe.Evaluate.Every : Math.Max(1, steps / 10),
            StepsDecided = steps =>
            {
                recipe.Document.Set("run.steps", steps, "measured: what fits into the budget");
                run.WriteRecipe(recipe.Document.ToText());
            },
            Report = e => report?.Invoke(e),
        }, run);
    }

    /// <summary>The run folder.</summary>
    public string Folder => run.Path;

    /// <summary>Samples that are trained on.</summary>
    public int Samples => source.Count;

    /// <summary>What was put back, where a run goes on; where <c>init=</c> gave weights, what of them was used.</summary>
    public IReadOnlyList<(string What, string Restored)> Restored { get; private set; } = [];

    /// <summary>Opens everything for a new run; the run folder is made and locked.</summary>
    /// <param name="document">The recipe; <c>data.path</c> and <c>run.folder</c> must be set.</param>
    /// <param name="command">The command line, for environment.json.</param>
    /// <param name="note">Hears of what is worth knowing: skipped samples, caches.</param>
    /// <param name="stop">Ends the opening, which may take long for a large set; nothing is left behind.</param>
    /// <exception cref="TandemException">Recipe, data or folder is wrong; nothing is left behind.</exception>
    public static Pretraining Start(RecipeDocument document, string? command = null, Action<string>? note = null, CancellationToken stop = default) => ComputeThread.Run(() =>
    {
        var recipe = PretrainingRecipe.Read(document);
        var folder = recipe.Run.Folder ?? throw new TandemException(ErrorKind.Usage, "the run has no folder", "run.folder", "out=FOLDER", "Add for example: out=runs/first");
        // Whatever can be wrong is found before the folder is made, so that the corrected command can have it.
        RunFolder.RequireFree(folder);
        var device = Prepare(recipe);
        using var opened = new Undo();
        var source = opened.Hold(OpenData(recipe, note, stop));
        var probe = opened.Hold(PretrainingProbe.Open(recipe, source, note, stop));
        using (Batches(recipe, source, 0, note))
        {
            // Opened to see that the data is fit for this recipe.
        }
        var (store, restored) = Weights(recipe, device);
        var method = opened.Hold(recipe.Build(store));
        var run = opened.Hold(RunFolder.Create(folder));
        run.WriteRecipe(document.ToText());
        run.WriteEnvironment(Environment(recipe, device, command));
        var pretraining = new Pretraining(recipe, run, source, method, device, probe) { Restored = restored };
        opened.Keep();
        return pretraining;
    });

    /// <summary>Opens a run that was interrupted, as its last checkpoint left it.</summary>
    /// <param name="folder">The run folder.</param>
    /// <param name="command">The command line, for the log.</param>
    /// <param name="note">Hears of what is worth knowing.</param>
    /// <param name="stop">Ends the opening.</param>
    /// <param name="changes"><c>run.threads=N</c>, <c>run.device=NAME</c>, <c>watch.action=WORD</c>: what does not change what is computed.</param>
    /// <exception cref="TandemException">There is no run, it is in use, its checkpoint cannot be read, or a change is none of these.</exception>
    public static Pretraining Resume(string folder, string? command = null, Action<string>? note = null, CancellationToken stop = default, params IEnumerable<string> changes) => ComputeThread.Run(() =>
    {
        foreach (var change in changes.Where(change => !Changeable.Contains(change.Split('=')[0], StringComparer.Ordinal)))
            throw new TandemException(ErrorKind.Usage, $"'{change}' cannot change in the middle of a run", expected: string.Join(", ", Changeable), remedy: $"A new run from these weights: tandem pretrain RECIPE init={folder} out=FOLDER {change}");
        using var opened = new Undo();
        var run = opened.Hold(RunFolder.Open(folder));
        var document = RecipeDocument.Parse(run.RecipeText, run["recipe.json"]);
        foreach (var change in changes)
            document.Apply(change);
        var recipe = PretrainingRecipe.Read(document);
        var device = Prepare(recipe);
        // Without a checkpoint the run never got past its beginning, and begins again.
        var checkpoint = run.LastCheckpoint();
        var source = opened.Hold(OpenData(recipe, note, stop, checkpoint is null ? null : Path.Combine(checkpoint, "model")));
        var probe = opened.Hold(PretrainingProbe.Open(recipe, source, note, stop));
        var (store, restored) = checkpoint is null ? Weights(recipe, device) : (WeightStore.Fresh(recipe.Run.Seed, device), []);
        var method = opened.Hold(recipe.Build(store));
        var resumed = new Pretraining(recipe, run, source, method, device, probe) { Restored = restored };
        if (checkpoint is not null)
            resumed.Restored = resumed.trainer.Restore(checkpoint);
        run.Log($"resumed at step {resumed.trainer.Update}{(command is null ? "" : $": {command}")}");
        opened.Keep();
        return resumed;
    });

    /// <summary>What a run would be, without writing anything: parameters, steps, shapes of the first batch. Whatever a start would refuse is refused here.</summary>
    /// <param name="document">The recipe; <c>data.path</c> must be set.</param>
    /// <param name="note">Hears of what is worth knowing: skipped samples, caches.</param>
    /// <param name="stop">Ends the opening.</param>
    /// <param name="resumed">Whether it is the recipe of a run that would be resumed, which has a folder and weights already.</param>
    /// <exception cref="TandemException">Recipe, data, or the folder or initial weights of a new run are wrong.</exception>
    public static IReadOnlyList<PlannedFact> Plan(RecipeDocument document, Action<string>? note = null, CancellationToken stop = default, bool resumed = false) => ComputeThread.Run(() =>
    {
        var recipe = PretrainingRecipe.Read(document);
        if (!resumed && recipe.Run.Folder is { } folder)
            RunFolder.RequireFree(folder);
        var device = Prepare(recipe);
        using var source = OpenData(recipe, note, stop);
        using var probe = PretrainingProbe.Open(recipe, source, note, stop);
        using var store = resumed ? WeightStore.Fresh(recipe.Run.Seed, device) : Weights(recipe, device).Store;
        using var method = recipe.Build(store);
        using var batches = Batches(recipe, source, 0);
        return PretrainingPlan.Of(recipe, source, method, batches, PrecisionOf(recipe.Run.Precision, device), device);
    });

    /// <summary>Trains until the end, an interruption or a number that is not finite.</summary>
    /// <param name="listener">Hears of steps, evaluations, checkpoints, on the compute thread.</param>
    /// <param name="stop">Asks for an end; a checkpoint is written.</param>
    public TrainingResult Run(Action<TrainingEvent>? listener = null, CancellationToken stop = default)
    {
        report = listener;
        return ComputeThread.Run(() =>
        {
            try
            {
                using var batches = Batches(recipe, source, trainer.Update * recipe.Data.MicroBatches, run.Log);
                return trainer.Fit(batches, stop);
            }
            catch (Exception fault)
            {
                Fail(fault);
                throw;
            }
            finally
            {
                WriteReport();
            }
        });
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        ComputeThread.Run(() =>
        {
            trainer.Dispose();
            method.Dispose();
        });
        probe.Dispose();
        source.Dispose();
        run.Dispose();
    }

    static Device Prepare(PretrainingRecipe recipe)
    {
        if (recipe.Run.Threads > 0)
            Libtorch.Threads = recipe.Run.Threads;
        return Device.Parse(recipe.Run.Device);
    }

    internal static Precision PrecisionOf(PrecisionChoice choice, Device device) => choice switch
    {
        PrecisionChoice.Float32 => Precision.Float32,
        PrecisionChoice.Bf16 => Precision.BFloat16,
        _ => device.Kind == DeviceKind.Cuda || Libtorch.CpuHasBf16 ? Precision.BFloat16 : Precision.Float32,
    };

    static Source OpenData(PretrainingRecipe recipe, Action<string>? note, CancellationToken stop, string? resumed = null)
    {
        var source = recipe.Modality.Open(note, resumed, stop);
        note?.Invoke(string.Create(CultureInfo.InvariantCulture, $"{source.Count:N0} {recipe.Modality.Samples}: {source.Description}"));
        return source;
    }

    static IBatchStream Batches(PretrainingRecipe recipe, Source source, long first, Action<string>? warn = null) =>
        recipe.Modality.Batches(source, recipe.Objective.Copies, recipe.Run.Seed, first, warn);

    // Fresh weights, or those of another model where init= names one; a decoder begins anew if that model has none.
    static (WeightStore Store, IReadOnlyList<(string, string)> Restored) Weights(PretrainingRecipe recipe, Device device)
    {
        if (recipe.Model.Init is not { } init)
            return (WeightStore.Fresh(recipe.Run.Seed, device), []);
        var model = ModelFolder.Open(ModelPath.Resolve(init));
        using var file = Safetensors.Open(model.WeightsPath);
        var values = file.Names.ToDictionary(name => name, file.Read, StringComparer.Ordinal);
        var store = WeightStore.FromOrFresh(values.GetValueOrDefault, model.WeightsPath, recipe.Run.Seed, device);
        using var probe = recipe.Build(store);
        var used = store.Parameters.Where(p => values.ContainsKey(p.Name)).Select(p => p.Name).ToHashSet(StringComparer.Ordinal);
        var missing = store.Parameters.Where(p => !used.Contains(p.Name)).Select(p => p.Name).ToList();
        if (missing.FirstOrDefault(name => name.StartsWith("front.", StringComparison.Ordinal) || name.StartsWith("trunk.", StringComparison.Ordinal)) is { } absent)
            throw new TandemException(ErrorKind.Input, $"the encoder's weight '{absent}' is missing", model.WeightsPath, "a model of this recipe's architecture");
        IReadOnlyList<(string, string)> table =
        [
            ("weights", string.Create(CultureInfo.InvariantCulture, $"{used.Count} tensors from {init}")),
            ("fresh", missing.Count == 0 ? "none" : string.Join(", ", missing.Take(4)) + (missing.Count > 4 ? $" and {missing.Count - 4} more" : "")),
            ("left over", string.Create(CultureInfo.InvariantCulture, $"{values.Count - used.Count} tensors")),
            ("teacher", "starts as a copy of the weights"),
            ("optimizer, schedule, data order", "new"),
        ];
        return (WeightStore.FromOrFresh(values.GetValueOrDefault, model.WeightsPath, recipe.Run.Seed, device), table);
    }

    static JsonObject Environment(PretrainingRecipe recipe, Device device, string? command)
    {
        var environment = RunEnvironment.Describe(command);
        environment["libtorch"] = Libtorch.Version;
        environment["blas"] = $"{Path.GetFileName(Libtorch.BlasPath)} ({Libtorch.BlasThreading} threads)";
        environment["threads"] = Libtorch.Threads;
        environment["device"] = device.ToString();
        environment["precision"] = PrecisionOf(recipe.Run.Precision, device) == Precision.BFloat16 ? "bf16" : "float32";
        return environment;
    }

    void SaveModel(string folder, long step)
    {
        var about = new JsonObject { ["method"] = recipe.Method, ["step"] = step, ["recipe"] = recipe.Document.Name, ["data"] = Path.GetFileName(recipe.Data.Path?.TrimEnd('/')) };
        ModelFolder.Save(folder, recipe.Modality.Encoder, recipe.Modality.Preprocessing, method.Weights, about, ModelCard.Write(recipe, method.Weights, step, source.Count, Judged(step)));
    }

    (long Step, double Accuracy)? Judged(long step)
    {
        var line = Metrics.Read(run.MetricsPath).LastOrDefault(line => line.Step <= step && line.Values.ContainsKey("eval/knn"));
        return line is null ? null : (line.Step, line.Values["eval/knn"]);
    }

    void Fail(Exception fault)
    {
        try
        {
            run.Log($"failed: {fault.Message}");
            run.WriteStatus(run.Status() with { State = RunState.Failed, Error = fault is TandemException told ? told.Paragraph : fault.Message });
        }
        catch (TandemException)
        {
            // The disk that refused the run refuses its epitaph too; the first error is the one to show.
        }
    }

    /// <summary>Closes what was opened, the last first, unless all went well.</summary>
    sealed class Undo : IDisposable
    {
        readonly Stack<IDisposable> held = [];

        public T Hold<T>(T opened) where T : IDisposable
        {
            held.Push(opened);
            return opened;
        }

        public void Keep() => held.Clear();

        public void Dispose()
        {
            while (held.TryPop(out var opened))
                opened.Dispose();
        }
    }

    void WriteReport()
    {
        try
        {
            Report.Write(run);
        }
        catch (Exception fault) when (fault is TandemException or IOException)
        {
            report?.Invoke(new("note", trainer.Update, recipe.Run.Steps, 0, [], $"the report could not be written: {fault.Message}"));
        }
    }
}
