namespace Tandem.Models;

/// <summary>What people may name when a model is asked for: a model folder, a checkpoint, or a run (its best checkpoint, else its last).</summary>
public static class ModelPath
{
    /// <summary>The model folder that a path leads to; the path itself if it leads to none.</summary>
    public static string Resolve(string path)
    {
        if (ModelFolder.IsModel(path))
            return path;
        var inner = Path.Combine(path, "model");
        if (ModelFolder.IsModel(inner))
            return inner;
        var checkpoints = Path.Combine(path, "checkpoints");
        if (!Directory.Exists(checkpoints))
            return path;
        var named = Named(Path.Combine(path, "status.json"));
        var candidates = named.Concat(Directory.EnumerateDirectories(checkpoints, "step-*").Select(p => Path.GetFileName(p)!).OrderDescending(StringComparer.Ordinal));
        return candidates.Select(name => Path.Combine(checkpoints, name, "model")).FirstOrDefault(ModelFolder.IsModel) ?? path;
    }

    // status.json names the best and the last checkpoint; a run that died before writing one has neither.
    static List<string> Named(string status)
    {
        try
        {
            using var document = System.Text.Json.JsonDocument.Parse(File.ReadAllText(status));
            return [.. new[] { "best", "last" }
                .Select(field => document.RootElement.TryGetProperty(field, out var name) ? name.GetString() : null)
                .OfType<string>().Where(name => Path.GetFileName(name) == name)];
        }
        catch (Exception cause) when (cause is IOException or System.Text.Json.JsonException or InvalidOperationException)
        {
            return [];
        }
    }
}
