namespace Tandem.Tests.Training;

/// <summary>Speech and text runs small enough for tests: two blocks of width 32.</summary>
static class TinySpeech
{
    public static string[] Recipe(TemporaryFolder folder, string name, string data, params string[] more) =>
    [
        "data2vec2/speech-cpu-10m", $"data={data}", $"out={folder[name]}", "data.batch_samples=64000", "data.max_samples=16000", "data.min_samples=2000",
        "model.front_end.extractor=16:10:5,16:8:8,24:4:4", "model.trunk.block.width=32", "model.trunk.block.heads=2", "model.trunk.depth=2", "model.front_end.position_groups=4",
        "objective.top_layers=2", "objective.copies=2", "model.front_end.decoder.width=32", "model.front_end.decoder.groups=4", "model.front_end.decoder.layers=2",
        "schedule.warmup=4", "objective.teacher.anneal_end=20", "run.log_every=5", .. more,
    ];
}

/// <summary>A text run small enough for tests.</summary>
static class TinyText
{
    public static string[] Recipe(TemporaryFolder folder, string name, string data, params string[] more) =>
    [
        "data2vec2/text-cpu-10m", $"data={data}", $"out={folder[name]}", "data.batch=4", "data.tokens=24", "model.front_end.vocabulary=300", "model.front_end.max_tokens=32",
        "model.trunk.block.width=32", "model.trunk.block.heads=2", "model.trunk.depth=2", "objective.top_layers=2", "objective.copies=2",
        "model.front_end.decoder.width=32", "model.front_end.decoder.groups=4", "model.front_end.decoder.layers=2", "schedule.warmup=4", "objective.teacher.anneal_end=20", "run.log_every=5", .. more,
    ];
}
