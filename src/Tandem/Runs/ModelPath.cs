using Tandem.Models;

namespace Tandem.Runs;

/// <summary>Finds the model folder that a path stands for.</summary>
public static class ModelPath
{
    /// <summary>A model folder is itself; a checkpoint is its <c>model</c>; a run is its best checkpoint, or its last when none was best.</summary>
    /// <exception cref="TandemException"><see cref="ErrorKind.Input"/>: there is nothing, nothing of these kinds, or a run without a checkpoint.</exception>
    public static string Resolve(string path)
    {
        if (ModelFolder.IsModel(path))
            return path;
        if (ModelFolder.IsModel(Path.Combine(path, "model")))
            return Path.Combine(path, "model");
        if (RunFolder.IsRun(path))
        {
            using var run = RunFolder.Read(path);
            var checkpoint = run.BestCheckpoint() ?? throw new TandemException(ErrorKind.Input, "the run has no checkpoint yet", path, remedy: "Wait for its first one, or give a model folder.");
            return Path.Combine(checkpoint, "model");
        }
        if (!Path.Exists(path))
            throw new TandemException(ErrorKind.Input, "there is no such model", path, "a model folder, a run folder or a checkpoint folder", "`tandem models ls FOLDER` lists the models below a folder.");
        throw new TandemException(ErrorKind.Input, File.Exists(path) ? "this is a file, not a model" : "there is no model in this folder", path,
            "a model folder (config.json, model.safetensors), a run folder or a checkpoint folder", "`tandem models ls FOLDER` lists the models below a folder.");
    }

    /// <summary>What speaks against using what a path stands for: a run that was judged collapsed. Null where nothing does.</summary>
    public static string? Doubt(string path)
    {
        if (ModelFolder.IsModel(path) || !RunFolder.IsRun(path))
            return null;
        using var run = RunFolder.Read(path);
        return run.Status().Verdict == "collapsed" ? $"the run in {path} has collapsed: what its encoder makes may tell nothing (`tandem runs show {path}` says why, and what to change)" : null;
    }
}
