using System.Globalization;
using System.Text.Json;
using Tandem.Models.Formats;
using Tandem.Torch;

namespace Tandem.Training;

/// <summary>What a checkpoint holds beside the model folder: the teacher, the optimizer and the counters.</summary>
/// <param name="Step">Completed updates.</param>
/// <param name="Samples">Samples seen.</param>
/// <param name="Seconds">Seconds of training.</param>
/// <param name="Restored">What was put back.</param>
sealed record TrainingState(long Step, long Samples, double Seconds, IReadOnlyList<(string What, string Restored)> Restored)
{
    // Read for ever by later versions.
    const int Version = 1;

    sealed record Counters(int Version, long Step, long Samples, double Seconds, long? TeacherKnown, long? DataSamples = null);

    static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, WriteIndented = true };

    public static void Save(string folder, Method method, Optimizer optimizer, long step, long samples, double seconds, long dataSamples)
    {
        if (method.Teacher is { } teacher)
            Safetensors.Write(Path.Combine(folder, "teacher.safetensors"), teacher.Weights.Values());
        Safetensors.Write(Path.Combine(folder, "optimizer.safetensors"), optimizer.Save());
        AtomicFile.WriteText(Path.Combine(folder, "state.json"), JsonSerializer.Serialize(new Counters(Version, step, samples, seconds, method.Teacher?.Known, dataSamples), Json) + "\n");
    }

    public static TrainingState Load(string folder, Method method, Optimizer optimizer, long dataSamples)
    {
        var file = Path.Combine(folder, "state.json");
        Counters counters;
        try
        {
            counters = JsonSerializer.Deserialize<Counters>(File.ReadAllText(file), Json)!;
        }
        catch (Exception cause) when (cause is IOException or JsonException)
        {
            throw new TandemException(ErrorKind.Input, $"the checkpoint's counters cannot be read: {cause.Message}", file, inner: cause);
        }
        if (counters.Version > Version)
            throw new TandemException(ErrorKind.Input, $"the checkpoint is of version {counters.Version}, newer than this Tandem", file, $"version {Version} or earlier");
        if (counters.DataSamples is { } before && before != dataSamples)
        {
            throw new TandemException(ErrorKind.Input, string.Create(CultureInfo.InvariantCulture, $"the data has changed: the run learned from {before:N0} samples, now there are {dataSamples:N0}"), file, "the data of the run's beginning",
                "Put it back as it was, or begin a new run from these weights: tandem pretrain RECIPE init=RUN data=… out=…");
        }
        var weights = Path.Combine(folder, "model", "model.safetensors");
        List<(string, string)> restored = [("weights", Into(method.Weights, weights))];
        if (method.Teacher is { } teacher)
        {
            restored.Add(("teacher", Into(teacher.Weights, Path.Combine(folder, "teacher.safetensors"))));
            teacher.Known = counters.TeacherKnown ?? 0;
        }
        var state = Safetensors.ReadAll(Path.Combine(folder, "optimizer.safetensors"));
        optimizer.Load(state, Path.Combine(folder, "optimizer.safetensors"));
        restored.Add(("optimizer", string.Create(CultureInfo.InvariantCulture, $"moments of {optimizer.State.Count} tensors")));
        restored.Add(("schedule, data order, draws", string.Create(CultureInfo.InvariantCulture, $"functions of step {counters.Step}")));
        return new(counters.Step, counters.Samples, counters.Seconds, restored);
    }

    // Every parameter must be there; whatever else is in the file is an error too, since both were written together.
    static string Into(Layers.WeightStore store, string path)
    {
        using var file = Safetensors.Open(path);
        foreach (var parameter in store.Parameters)
        {
            if (!file.Contains(parameter.Name))
                throw new TandemException(ErrorKind.Input, $"the weight '{parameter.Name}' is missing", path, "a checkpoint of this recipe's network");
            store.Load(parameter.Name, file.Read(parameter.Name), path);
        }
        if (file.Names.Count != store.Parameters.Count)
        {
            var extra = file.Names.First(name => store.Find(name) is null);
            throw new TandemException(ErrorKind.Input, $"the file holds '{extra}', which the network does not have", path, "a checkpoint of this recipe's network");
        }
        return string.Create(CultureInfo.InvariantCulture, $"{store.Parameters.Count} tensors, {store.Parameters.Sum(p => p.Value.Count):N0} numbers");
    }
}
