using System.Text.Json.Nodes;
using Tandem.Runs;
using Tandem.Torch;

namespace Tandem.Tests.Runs;

/// <summary>A run folder that looks like that of a real run on pictures.</summary>
static class SyntheticRun
{
    public static void Write(string path, RunState state = RunState.Finished, string verdict = "healthy")
    {
        using var run = RunFolder.Create(path);
        run.WriteRecipe(Recipe().ToJsonString());
        var environment = RunEnvironment.Describe("tandem pretrain data2vec2/images data=pictures out=runs/first budget=20m");
        environment["libtorch"] = "2.6.0";
        environment["device"] = "cpu";
        environment["threads"] = 8;
        environment["precision"] = "bf16";
        run.WriteEnvironment(environment);
        var random = Randomness.Of(7, "report");
        const int steps = 4000;
        using (var metrics = run.OpenMetrics())
        {
            double seconds = 0;
            for (var step = 10; step <= steps; step += 10)
            {
                var share = (double)step / steps;
                seconds += 10 * 0.27 * (1 + (0.08 * random.NextNormal() * random.NextDouble()));
                var loss = (1.9 * Math.Exp(-6 * share)) + 0.24 + (0.015 * random.NextNormal());
                Dictionary<string, double> values = new()
                {
                    ["samples"] = step * 256,
                    ["seconds"] = seconds,
                    ["loss"] = loss,
                    ["loss/patches"] = loss * 0.93,
                    ["loss/class"] = loss * 0.07 * (1 + (0.1 * random.NextNormal())),
                    ["lr"] = 1e-3 * Math.Min(share / 0.08, 0.5 * (1 + Math.Cos(Math.PI * Math.Max(0, (share - 0.08) / 0.92)))),
                    ["gradient_norm"] = 0.4 + (3 * Math.Exp(-20 * share)) + (0.05 * Math.Abs(random.NextNormal())),
                    ["memory_bytes"] = 3.2e9 + (1e8 * share),
                };
                foreach (var (place, offset) in new[] { ("local", 0.9), ("student", 0.6), ("prediction", 0.3), ("target", 0.5) })
                {
                    values[$"gauge/{place}/variance"] = offset * (0.2 + (0.8 * (1 - Math.Exp(-5 * share)))) + (0.01 * random.NextNormal());
                    values[$"gauge/{place}/effective_rank"] = 12 + (160 * offset * (1 - Math.Exp(-4 * share))) + random.NextNormal();
                    values[$"gauge/{place}/cosine_samples"] = 0.95 - (offset * 0.8 * (1 - Math.Exp(-6 * share))) + (0.01 * random.NextNormal());
                }
                if (step % 500 == 0)
                {
                    values["eval/knn"] = 0.28 + (0.31 * (1 - Math.Exp(-3.5 * share))) + (0.006 * random.NextNormal());
                    values["eval/knn_untrained"] = 0.281;
                    values["eval/linear"] = 0.33 + (0.36 * (1 - Math.Exp(-3 * share))) + (0.006 * random.NextNormal());
                    values["eval/linear_untrained"] = 0.322;
                }
                metrics.Append(step, values);
            }
        }
        var status = new RunStatus { State = state, Step = steps, Steps = steps, Samples = steps * 256L, Seconds = 1083, Loss = 0.24, Verdict = verdict, BestBy = "eval/knn", BestValue = 0.585 };
        if (verdict != "healthy")
            status = status with { VerdictReason = "The variance of the targets fell below 0.01 at step 1,200. Lower optimizer.learning_rate or raise teacher.decay." };
        status = run.WriteCheckpoint(status, folder => File.WriteAllText(Path.Combine(folder, "state.json"), "{}"), best: true);
        Dictionary<SamplePreview, Thumbnail> looked = [];
        for (var step = 0; step <= steps; step += 1000)
            Neighbours(step, steps, looked, ref random).Write(run);
        new LookedSamples([.. looked.Keys], ThumbnailSheet.Of([.. looked.Values])).Write(run);
    }

    static NeighbourSamples Neighbours(int step, int steps, Dictionary<SamplePreview, Thumbnail> looked, ref Randomness random)
    {
        string[] classes = ["ship", "horse", "frog", "truck", "bird", "cat", "deer", "plane", "dog", "car"];
        List<NeighbourQuery> queries = [];
        for (var query = 0; query < classes.Length; query++)
        {
            List<Neighbour> near = [];
            for (var rank = 0; rank < 5; rank++)
            {
                var same = random.NextDouble() < 0.15 + (0.65 * step / steps);
                var label = same ? query : (int)random.Next(classes.Length);
                var preview = new SamplePreview($"{classes[label]}/{random.Next(5000):D4}.png", classes[label]);
                looked.TryAdd(preview, Picture(label, ref random));
                near.Add(new Neighbour(preview, 0.95 - (0.03 * rank)));
            }
            var fixedDraws = Randomness.Of(3, "query", query);
            var asked = new SamplePreview($"{classes[query]}/0001.png", classes[query]);
            looked.TryAdd(asked, Picture(query, ref fixedDraws));
            queries.Add(new NeighbourQuery(asked, near));
        }
        return new NeighbourSamples(step, queries);
    }

    /// <summary>A soft blob in the class's colours: two pictures of a class are alike, not equal.</summary>
    static Thumbnail Picture(int label, ref Randomness random)
    {
        const int size = 48;
        var (x0, y0, radius) = (random.NextDouble(16, 32), random.NextDouble(16, 32), random.NextDouble(10, 20));
        var hue = (label / 10.0) + random.NextDouble(-0.02, 0.02);
        var pixels = new byte[size * size * 3];
        for (var y = 0; y < size; y++)
        {
            for (var x = 0; x < size; x++)
            {
                var inside = 1 / (1 + Math.Exp((Math.Sqrt(Math.Pow(x - x0, 2) + (Math.Pow(y - y0, 2) * (1 + (label % 3)))) - radius) / 2));
                for (var c = 0; c < 3; c++)
                {
                    var front = 0.5 + (0.5 * Math.Cos(2 * Math.PI * (hue + (c / 3.0))));
                    var back = (0.6 + (0.3 * y / size)) * (0.7 + (0.3 * Math.Cos(2 * Math.PI * (hue + 0.5 + (c / 3.0)))));
                    pixels[(((y * size) + x) * 3) + c] = (byte)(255 * ((inside * front) + ((1 - inside) * back)));
                }
            }
        }
        return new(size, size, pixels);
    }

    static JsonObject Recipe()
    {
        var recipe = new JsonObject();
        foreach (var (key, value, origin) in new (string, JsonNode?, string)[]
        {
            ("method", "data2vec2", "recipe data2vec2/images:3"), ("data.path", "pictures", "command line"), ("data.crop", 32, "recipe data2vec2/images:6"), ("data.workers", 2, "default"),
            ("model.width", 192, "recipe data2vec2/images:9"), ("model.depth", 12, "recipe data2vec2/images:10"), ("model.heads", 3, "default"), ("objective.mask.ratio", 0.8, "recipe data2vec2/images:14"),
            ("objective.copies", 8, "recipe data2vec2/images:15"), ("optimizer.learning_rate", 0.001, "recipe data2vec2/images:19"), ("optimizer.betas", new JsonArray(0.9, 0.95), "default"),
            ("optimizer.weight_decay", 0.05, "default"), ("schedule.steps", 4000, "computed budget=20m"), ("schedule.warm_up", 320, "default"), ("run.budget", "20m", "command line"), ("run.seed", 1, "default"),
        })
        {
            var place = recipe;
            var names = key.Split('.');
            foreach (var name in names[..^1])
                place = (JsonObject)(place[name] ??= new JsonObject());
            place[names[^1]] = new JsonObject { ["value"] = value, ["origin"] = origin };
        }
        return new JsonObject { ["format"] = "tandem run recipe 1", ["name"] = "data2vec2/images", ["facts"] = new JsonObject { ["source"] = "fairseq examples/data2vec/config/v2/base_images_only_task.yaml" }, ["recipe"] = recipe };
    }
}
