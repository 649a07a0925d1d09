using Tandem.Data;
using Tandem.Data.Images;
using Tandem.Layers;
using Tandem.Methods.Data2Vec2;
using Tandem.Models.Peers;
using Tandem.Networks;
using Tandem.Torch;

namespace Tandem.Verify;

/// <summary>A data2vec 2.0 model built from a case's configuration and weights, and its batches from a case's inputs.</summary>
sealed class Data2Vec2Case : IDisposable
{
    readonly GoldenCase golden;
    readonly Device device;
    readonly Data2Vec2Names names;
    readonly bool transformerDecoder;

    public Data2Vec2Case(GoldenCase golden, Device device)
    {
        this.golden = golden;
        this.device = device;
        var model = golden.Config.Object("model");
        Modality = model.Object("modalities").Names.Single();
        if (Modality != "image")
            throw new SkippedException($"modality '{Modality}' is not built yet");
        var (trunk, front, shared) = Data2Vec2Network.Read(model);
        var image = (ImageFrontEndOptions)front;
        Options = Peer.Objective(model, model.Object("modalities").Object(Modality), shared);
        transformerDecoder = front.Decoder.Kind == DecoderKind.Transformer;
        names = new(Modality.ToUpperInvariant(), image.PatchWidth != trunk.Block.Width, shared?.ProjectionLayers ?? 1);
        var store = golden.Weights.Names.Count == 0
            ? WeightStore.Fresh(1, device)
            : WeightStore.From(name => golden.Weights.TryGet(Theirs(name)), golden.Folder, device);
        Method = new Data2Vec2Method(store, (at, sharing) => new ImageFrontEnd(at, image, trunk, (sharing as ImageFrontEnd)?.Patches), trunk, Options);
        if (golden.Weights.Names.Count > 0)
        {
            foreach (var parameter in Method.Teacher.Weights.Parameters.Where(p => golden.Weights.Contains("_ema." + TheirsOfTeacher(p.Name))))
                Method.Teacher.Weights.Load(parameter.Name, golden.Weights["_ema." + TheirsOfTeacher(parameter.Name)], golden.Folder);
        }
    }

    public string Modality { get; }

    public Data2Vec2Options Options { get; }

    public Data2Vec2Method Method { get; }

    public string Theirs(string ours) => names.Theirs(ours, transformerDecoder);

    public string TheirsOfTeacher(string ours) => names.TheirsOfTeacher(ours, Options.TeacherParts == TeacherParts.Blocks);

    public Batch Batch(string prefix = "")
    {
        var pixels = golden.Inputs[prefix + "source"];
        return new ImageBatch { Ids = new long[pixels.Shape[0]], Pixels = pixels, SecondView = golden.Inputs.TryGet(prefix + "target") };
    }

    public Masking Masking(string prefix = "")
    {
        var ordered = Networks.Masking.From(golden.Inputs[prefix + "mask"], Options.Copies, 0, Randomness.Of(1, "unused"), device);
        Tensor? Recorded(string name) => golden.Inputs.TryGet(prefix + name) is { } ids ? Tensor.From(ids, device) : null;
        return ordered with
        {
            Keep = Recorded("ids_keep") ?? ordered.Keep,
            Restore = Recorded("ids_restore") ?? ordered.Restore,
            Channels = golden.Inputs.TryGet(prefix + "mask_channel") is { } channels ? Tensor.From(channels, device) : null,
        };
    }

    public Pass Pass(bool training, string prefix = "") => new(training, Precision.Float32, new RecordedDraws(golden.Inputs, prefix, device));

    public void Dispose() => Method.Dispose();
}
