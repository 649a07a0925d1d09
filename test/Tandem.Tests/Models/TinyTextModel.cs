using System.Text.Json.Nodes;
using Tandem.Data.Text;
using Tandem.Layers;
using Tandem.Models;
using Tandem.Networks;
using Tandem.Torch;

namespace Tandem.Tests.Models;

/// <summary>A model folder for texts with fresh weights and a vocabulary of its own: rows of 24 tokens, two blocks of width 32.</summary>
static class TinyTextModel
{
    public static string Save(string path, long seed = 1)
    {
        using var work = new TemporaryFolder();
        work.Write("corpus.txt", string.Concat(Enumerable.Range(0, 300).Select(i => $"the cat number {i} sat on a mat and the dog ran after the ball\n")));
        VocabularyFiles.Write(work["vocabulary"], BpeTraining.Train(work["corpus.txt"], new(), new() { Size = 300 }));
        var tokenizer = Tokenizer.Load(work["vocabulary"]);
        var config = new EncoderConfig("text", new TrunkOptions { Depth = 2, Block = new() { Width = 32, Heads = 2 } }, new TextFrontEndOptions { Vocabulary = tokenizer.Size, MaxTokens = 24 });
        Directory.CreateDirectory(path);
        ComputeThread.Run(() =>
        {
            using var weights = WeightStore.Fresh(seed);
            config.Build(weights);
            ModelFolder.Save(path, config, TextPreprocessing.Of(work["vocabulary"], tokenizer, 24), weights, new JsonObject { ["method"] = "data2vec2", ["step"] = 0 }, "# A model for tests\n");
        });
        return path;
    }
}
