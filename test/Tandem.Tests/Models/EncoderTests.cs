using System.Text.Json.Nodes;
using Tandem.Data.Sources;
using Tandem.Models;
using Tandem.Models.Formats;
using Tandem.Tests.Data;
using Tandem.Torch;
using Xunit;

using Tandem.Runs;

namespace Tandem.Tests.Models;

public sealed class EncoderTests : IDisposable
{
    readonly TemporaryFolder folder = new();

    public EncoderTests() => PictureMaker.Tree(folder["pictures"], 2, 5);

    public void Dispose() => folder.Dispose();

    [Fact]
    public void AModelFolderComesBackAsItWas()
    {
        var model = ModelFolder.Open(TinyModel.Save(folder["model"]));
        Assert.Equal(TinyModel.Config.Trunk, model.Encoder.Trunk);
        Assert.Equal(TinyModel.Config.FrontEnd, model.Encoder.FrontEnd);
        Assert.Equal("data2vec2", model.Method);
        // The same seed, so the same weights: fresh and loaded embed alike.
        using var loaded = Encoder.Load(folder["model"], precision: "float32");
        using var fresh = Encoder.Untrained(folder["model"], seed: 1, precision: "float32");
        using var other = Encoder.Untrained(folder["model"], seed: 2, precision: "float32");
        Assert.Equal(32, loaded.Width);
        Assert.Equal(Vectors(loaded), Vectors(fresh));
        Assert.NotEqual(Vectors(loaded), Vectors(other));
    }

    [Fact]
    public void EmbeddingsDoNotDependOnTheBatch()
    {
        using var encoder = Encoder.Load(TinyModel.Save(folder["model"]), precision: "float32");
        using var source = PictureSource.Open(folder["pictures"]);
        var together = encoder.Embed(source).ToList();
        var alone = encoder.Embed(source, new EmbedOptions { Batch = 1 }).ToList();
        Assert.Equal(10, together.Count);
        Assert.Equal(together.Select(e => e.Name), alone.Select(e => e.Name));
        foreach (var (a, b) in together.Zip(alone))
            Assert.All(a.Vector.Zip(b.Vector), pair => Assert.Equal(pair.First, pair.Second, 1e-5f));
    }

    [Fact]
    public async Task FilesAndSourcesLaterAndNowGiveTheSame()
    {
        using var encoder = Encoder.Load(TinyModel.Save(folder["model"]), precision: "float32");
        string[] files = [folder["pictures", "b", "1.ppm"], folder["pictures", "a", "0.ppm"]];
        var now = encoder.Embed(files).ToList();
        Assert.Equal(files, now.Select(e => e.Name));
        var later = new List<Embedding>();
        await foreach (var embedding in encoder.EmbedAsync(files, cancellation: TestContext.Current.CancellationToken))
            later.Add(embedding);
        Assert.Equal(now.Select(e => e.Vector), later.Select(e => e.Vector));
        Assert.Equal(1, now[0].Similarity(later[0]), 1e-6);
        Assert.Empty(encoder.Embed([]));
    }

    [Fact]
    public void SeveralThreadsMayAskAtOnce()
    {
        using var encoder = Encoder.Load(TinyModel.Save(folder["model"]), precision: "float32");
        var expected = Vectors(encoder);
        Parallel.For(0, 4, _ => Assert.Equal(expected, Vectors(encoder)));
    }

    [Fact]
    public void ADamagedPictureIsToldOrEndsIt()
    {
        using var encoder = Encoder.Load(TinyModel.Save(folder["model"]), precision: "float32");
        string[] files = [folder["pictures", "a", "0.ppm"], folder.Write("broken.ppm", "P6\n9 9\n255\nabc"), folder["missing.ppm"], folder["pictures", "a", "1.ppm"]];
        var skipped = new List<BadSample>();
        var embeddings = encoder.Embed(files, new EmbedOptions { Batch = 3, Skipped = skipped.Add }).ToList();
        Assert.Equal([files[0], files[3]], embeddings.Select(e => e.Name));
        Assert.Equal([1, 2], skipped.Select(bad => bad.Index).Order());
        Assert.Equal(encoder.Embed([files[3]]).Single().Vector, embeddings[1].Vector);
        Assert.Contains("broken.ppm", Assert.Throws<TandemException>(() => encoder.Embed(files).ToList()).Paragraph);
    }

    [Fact]
    public void WorkCanBeCancelledAndAnEncoderDisposedOf()
    {
        var encoder = Encoder.Load(TinyModel.Save(folder["model"]), precision: "float32");
        using var source = PictureSource.Open(folder["pictures"]);
        using var stop = new CancellationTokenSource();
        Assert.ThrowsAny<OperationCanceledException>(() =>
        {
            foreach (var _ in encoder.Embed(source, new EmbedOptions { Batch = 1 }, stop.Token))
                stop.Cancel();
        });
        encoder.Dispose();
        encoder.Dispose();
        Assert.Throws<ObjectDisposedException>(() => encoder.Embed(source).ToList());
    }

    [Fact]
    public void ACheckpointAndARunStandForTheirModel()
    {
        TinyModel.Save(folder["run", "checkpoints", "step-00000007", "model"]);
        Assert.EndsWith("step-00000007/model", ModelPath.Resolve(folder["run", "checkpoints", "step-00000007"]));
        void Run(string name)
        {
            folder.Write($"{name}/recipe.json", "{\"format\": \"tandem run recipe 1\"}");
            folder.Write($"{name}/status.json", "{}");
        }
        Run("run");
        Assert.EndsWith("step-00000007/model", ModelPath.Resolve(folder["run"]));
        Run("empty");
        Assert.Contains("no checkpoint yet", Assert.Throws<TandemException>(() => ModelPath.Resolve(folder["empty"])).Message);
        Assert.Equal(ErrorKind.Input, Assert.Throws<TandemException>(() => ModelPath.Resolve(folder["nothing"])).Kind);
    }

    [Theory]
    [InlineData("shape")]
    [InlineData("truncated")]
    [InlineData("missing")]
    [InlineData("version")]
    [InlineData("modality")]
    [InlineData("garbage")]
    public void ADamagedModelIsRefusedInWords(string damage)
    {
        TinyModel.Save(folder["model"]);
        string weights = folder["model", "model.safetensors"], config = folder["model", "config.json"];
        var tensors = Safetensors.ReadAll(weights);
        switch (damage)
        {
            case "shape":
                tensors[tensors.Keys.First(name => name.EndsWith("qkv.weight", StringComparison.Ordinal))] = HostTensor.From<float>(new float[6], 2, 3);
                Safetensors.Write(weights, tensors);
                break;
            case "missing":
                tensors.Remove(tensors.Keys.First(name => name.EndsWith("qkv.weight", StringComparison.Ordinal)));
                Safetensors.Write(weights, tensors);
                break;
            case "truncated":
                File.WriteAllBytes(weights, File.ReadAllBytes(weights)[..^100]);
                break;
            case "garbage":
                File.WriteAllText(config, "{ not json");
                break;
            default:
                var json = JsonNode.Parse(File.ReadAllText(config))!;
                json[damage] = damage == "version" ? 99 : "smell";
                File.WriteAllText(config, json.ToJsonString());
                break;
        }
        var error = Assert.Throws<TandemException>(() => Encoder.Load(folder["model"]));
        Assert.Equal(ErrorKind.Input, error.Kind);
        Assert.Contains(damage switch { "shape" => "has shape [2, 3]", "missing" => "is missing", "truncated" => "truncated", "version" => "newer than this Tandem", "modality" => "smell", _ => "cannot be read" }, error.Message);
    }

    List<float[]> Vectors(Encoder encoder)
    {
        using var source = PictureSource.Open(folder["pictures"]);
        return [.. encoder.Embed(source).Select(embedding => embedding.Vector)];
    }
}
