using System.Text.Json.Nodes;
using Tandem.Runs;

namespace Tandem.Tests.Runs;

/// <summary>A run folder of a few lines, made by hand.</summary>
static class SmallRun
{
    /// <summary>Writes one: loss 8, 4, 2, … at steps 10, 20, …, an evaluation every second line, and a checkpoint of 1,000 bytes after the last.</summary>
    public static string Write(string path, int lines = 4, double secondsALine = 10, double lift = 0, RunState state = RunState.Finished, double learningRate = 1e-3, JsonObject? expect = null, bool gauges = true)
    {
        using var run = RunFolder.Create(path);
        run.WriteRecipe(new JsonObject
        {
            ["format"] = "tandem run recipe 1",
            ["name"] = "data2vec2/images-mini",
            ["facts"] = expect is null ? new JsonObject() : new JsonObject { ["expect"] = expect },
            ["recipe"] = new JsonObject
            {
                ["run"] = new JsonObject { ["folder"] = Leaf(path, "command line"), ["seed"] = Leaf(0, "default") },
                ["optimizer"] = new JsonObject { ["learning_rate"] = Leaf(learningRate, "recipe data2vec2/images-mini:29") },
            },
        }.ToJsonString());
        using (var metrics = run.OpenMetrics())
        {
            for (var line = 1; line <= lines; line++)
            {
                metrics.Append(10 * line, [new("samples", 640 * line), new("seconds", secondsALine * line), new("loss", 16 / Math.Pow(2, line))]);
                if (gauges)
                    metrics.Append(10 * line, [new("gauge/target/variance", 0.9), new("gauge/target/effective_rank", 20), new("gauge/student/variance", 0.5), new("gauge/student/effective_rank", 9), new("gauge/prediction_deviation", double.NaN)]);
                if (line % 2 == 0)
                    metrics.Append(10 * line, [new("eval/knn", 0.3 + lift + (0.05 * line)), new("eval/knn_untrained", 0.3)]);
            }
        }
        var status = new RunStatus { State = state, Step = 10 * lines, Steps = 100, Samples = 640 * lines, Seconds = secondsALine * lines, Loss = 16 / Math.Pow(2, lines), Verdict = "healthy" };
        run.WriteCheckpoint(status, folder => File.WriteAllBytes(Path.Combine(folder, "state.json"), new byte[1000]));
        return path;
    }

    static JsonObject Leaf(JsonNode value, string origin) => new() { ["value"] = value, ["origin"] = origin };
}
