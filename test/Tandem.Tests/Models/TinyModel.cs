using System.Text.Json.Nodes;
using Tandem.Layers;
using Tandem.Models;
using Tandem.Networks;
using Tandem.Torch;

namespace Tandem.Tests.Models;

/// <summary>A model folder with fresh weights: 16 pixels, two blocks of width 32.</summary>
static class TinyModel
{
    public static EncoderConfig Config { get; } = new(
        "image",
        new TrunkOptions { Depth = 2, Block = new() { Width = 32, Heads = 2 } },
        new ImageFrontEndOptions { InputSize = 16, PatchSize = 4, ExtraTokens = 1 });

    public static string Save(string path, long seed = 1)
    {
        Directory.CreateDirectory(path);
        ComputeThread.Run(() =>
        {
            using var weights = WeightStore.Fresh(seed);
            Config.Build(weights);
            ModelFolder.Save(path, Config, new ImagePreprocessing { Size = 16, ResizeTo = 16 }, weights, new JsonObject { ["method"] = "data2vec2", ["step"] = 0 }, "# A model for tests\n");
        });
        return path;
    }
}
