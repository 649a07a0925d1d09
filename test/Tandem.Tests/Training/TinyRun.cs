using Tandem.Tests.Data;

namespace Tandem.Tests.Training;

/// <summary>A run small enough for tests: 24 pictures of noise, 16 pixels, two blocks of width 32.</summary>
static class TinyRun
{
    public static string[] Recipe(TemporaryFolder folder, string name, params string[] more)
    {
        if (!Directory.Exists(folder["pictures"]))
            PictureMaker.Tree(folder["pictures"], 2, 12);
        return
        [
            "data2vec2/images-mini", $"data={folder["pictures"]}", $"out={folder[name]}", "data.batch=8", "model.front_end.input_size=16", "model.trunk.block.width=32",
            "model.trunk.block.heads=2", "model.trunk.depth=2", "objective.top_layers=2", "objective.copies=2", "model.front_end.decoder.width=32",
            "model.front_end.decoder.groups=4", "model.front_end.decoder.layers=2", "schedule.warmup=4", "objective.teacher.anneal_end=20", "run.log_every=5", .. more,
        ];
    }

    public static (string Name, string Value)[] Environment(TemporaryFolder folder) => [("TANDEM_CACHE", folder["cache"])];

    /// <summary>The final weights and the teacher's, as bytes.</summary>
    public static (byte[] Student, byte[] Teacher) Weights(string run)
    {
        var last = Directory.GetDirectories(Path.Combine(run, "checkpoints"), "step-*").Order(StringComparer.Ordinal).Last();
        return (File.ReadAllBytes(Path.Combine(last, "model", "model.safetensors")), File.ReadAllBytes(Path.Combine(last, "teacher.safetensors")));
    }
}
