using Tandem.Data;
using Tandem.Data.Audio;
using Tandem.Data.Images;
using Tandem.Data.Masks;
using Tandem.Data.Text;
using Tandem.Layers;
using Tandem.Methods.Data2Vec2;
using Tandem.Models;
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

    public Data2Vec2Case(GoldenCase golden, Device device)
    {
        this.golden = golden;
        this.device = device;
        var model = golden.Config.Object("model");
        var network = Data2Vec2Network.Read(model);
        Modality = network.Modality;
        names = new(network);
        Options = Peer.Objective(model, model.Object("modalities").Object(Modality), network.SharedDecoder);
        var encoder = new EncoderConfig(Modality, network.Trunk, network.FrontEnd);
        var store = golden.Weights.Names.Count == 0
            ? WeightStore.Fresh(1, device)
            : WeightStore.From(name => golden.Weights.TryGet(Theirs(name)), golden.Folder, device);
        Method = new Data2Vec2Method(store, encoder.CreateFrontEnd, network.Trunk, Options, reconstructionWidth: network.Trunk.Block.Width);
        if (golden.Weights.Names.Count > 0)
        {
            foreach (var parameter in Method.Teacher.Weights.Parameters.Where(p => golden.Weights.Contains("_ema." + TheirsOfTeacher(p.Name))))
                Method.Teacher.Weights.Load(parameter.Name, golden.Weights["_ema." + TheirsOfTeacher(parameter.Name)], golden.Folder);
        }
    }

    public string Modality { get; }

    public Data2Vec2Options Options { get; }

    public Data2Vec2Method Method { get; }

    public string Theirs(string ours) => names.Theirs(ours);

    public string TheirsOfTeacher(string ours) => names.TheirsOfTeacher(ours, Options.TeacherParts == TeacherParts.Blocks);

    public Batch Batch(string prefix = "")
    {
        var source = golden.Inputs[prefix + "source"];
        // Only the seed of masks that are given here.
        golden.Inputs.Known(prefix + "id");
        return Modality switch
        {
            "audio" => new AudioBatch { Ids = new long[source.Shape[0]], Samples = source, Lengths = Lengths(prefix, source.Shape[1]), PaddingTakesPart = true },
            "text" => new TextBatch { Ids = new long[source.Shape[0]], Tokens = source, Lengths = Lengths(prefix, source.Shape[1]) ?? [.. Enumerable.Repeat((int)source.Shape[1], (int)source.Shape[0])] },
            _ => new ImageBatch { Ids = new long[source.Shape[0]], Pixels = source, SecondView = golden.Inputs.TryGet(prefix + "target") },
        };
    }

    // Recordings and rows are padded at the right: a mask, true = padding, is as good as lengths.
    int[]? Lengths(string prefix, long width)
    {
        if (golden.Inputs.TryGet(prefix + "padding_mask") is not { } mask)
            return null;
        return [.. Enumerable.Range(0, (int)mask.Shape[0]).Select(row => mask.Bytes.AsSpan((int)(row * width), (int)width).Count((byte)0))];
    }

    public Masking Masking(string prefix = "")
    {
        var mask = golden.Inputs[prefix + "mask"];
        var ordered = Networks.Masking.From(mask, Options.Copies, 0, Randomness.Of(1, "unused"), device);
        if (golden.Inputs.TryGet(prefix + "ids_shuffle") is { } shuffle)
            ordered = Shuffled(ordered, shuffle, mask);
        else if (Modality == "text" && golden.Inputs.TryGet(prefix + "draw.mask_noise.000") is { } noise)
            ordered = Shuffled(ordered, Ranked(noise), mask);
        Tensor? Recorded(string name) => golden.Inputs.TryGet(prefix + name) is { } ids ? Tensor.From(ids, device) : null;
        return ordered with
        {
            Keep = Recorded("ids_keep") ?? ordered.Keep,
            Restore = Recorded("ids_restore") ?? ordered.Restore,
            Channels = Recorded("mask_channel"),
        };
    }

    // The recorded order of places; as many are kept as row 0 has free places, and the share of masked ones that is seen all the same.
    Masking Shuffled(Masking masking, HostTensor shuffle, HostTensor mask)
    {
        var (rows, places) = ((int)shuffle.Shape[0], (int)shuffle.Shape[1]);
        var kept = Networks.Masking.VisibleCount(mask.Bytes.AsSpan(0, places), Method.Encoder.FrontEnd.Options.KeepMasked);
        var (keep, restore) = (new long[rows * kept], new long[rows * places]);
        for (var row = 0; row < rows; row++)
        {
            var order = shuffle.As<long>().Slice(row * places, places);
            order[..kept].CopyTo(keep.AsSpan(row * kept));
            for (var i = 0; i < places; i++)
                restore[(row * places) + order[i]] = i;
        }
        return masking with { Keep = Tensor.From(HostTensor.From<long>(keep, rows, kept), device), Restore = Tensor.From(HostTensor.From<long>(restore, rows, places), device) };
    }

    static HostTensor Ranked(HostTensor noise)
    {
        var places = (int)noise.Shape[1];
        List<long> order = [];
        for (var row = 0; row < noise.Shape[0]; row++)
            order.AddRange(RandomMask.Order(noise.As<float>().Slice(row * places, places)).Select(i => (long)i));
        return HostTensor.From<long>([.. order], noise.Shape);
    }

    public Pass Pass(bool training, string prefix = "") => new(training, Precision.Float32, new RecordedDraws(golden.Inputs, prefix, device));

    public void Dispose() => Method.Dispose();
}
