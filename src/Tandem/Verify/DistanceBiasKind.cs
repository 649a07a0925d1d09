using System.Globalization;
using Tandem.Layers;
using Tandem.Networks;
using Tandem.Torch;

namespace Tandem.Verify;

/// <summary>Kind <c>alibi</c> of method <c>data2vec2</c> on a line: slopes, biases, and scaled biases of kept places.</summary>
sealed class DistanceBiasKind : ICaseKind
{
    public string Method => "data2vec2";

    public IReadOnlyList<string> Kinds => ["alibi"];

    // Pictures have biases over a grid, which other fields describe.
    public bool Takes(GoldenCase golden) => golden.Config.Has("time_steps");

    public void Check(GoldenCase golden, Comparison comparison, string device)
    {
        using var scope = TensorScope.Enter("case");
        var (c, on) = (golden.Config, Device.Parse(device));
        var lengths = c.GetInts("lengths");
        foreach (var heads in c.GetInts("heads"))
        {
            comparison.Tensor(string.Create(CultureInfo.InvariantCulture, $"slopes.{heads}"), HostTensor.From<float>([.. DistanceBias.Slopes(heads).Select(slope => (float)slope)], heads));
            var bias = Bias(new DistanceBiasOptions(), heads, 1, null, on);
            foreach (var length in lengths)
                comparison.Tensor(string.Create(CultureInfo.InvariantCulture, $"bias.{heads}.{length}"), bias.Base((1, length), on).ToHost());
        }
        var (copies, batch) = (c.GetInt("clone_batch"), c.GetInt("batch"));
        var keep = golden.Inputs["ids_keep"];
        if (keep.Shape[0] != (long)batch * copies)
            throw new CaseFailedException($"ids_keep has {keep.Shape[0]} rows for {batch} samples of {copies} copies");
        var (biased, grid) = (c.GetInt("num_alibi_heads"), (1, c.GetInt("time_steps")));
        foreach (var name in new[] { "scale_head", "scale_one", "scale_layer" })
        {
            var scale = golden.Inputs[name];
            var blocks = (int)scale.Shape[0];
            var bias = Bias(new DistanceBiasOptions { Learned = true, PerBlock = blocks > 1, PerHead = scale.Shape[2] > 1 }, biased, blocks, scale, on);
            var chosen = DistanceBias.Chosen(bias.Base(grid, on), Tensor.From(keep, on), 0);
            for (var block = 0; block < blocks; block++)
                comparison.Tensor(blocks > 1 ? string.Create(CultureInfo.InvariantCulture, $"masked.{name}.{block}") : $"masked.{name}", bias.Scaled(chosen, block).ToHost());
        }
    }

    static DistanceBias Bias(DistanceBiasOptions options, int heads, int blocks, HostTensor? scale, Device device)
    {
        var store = scale is null ? WeightStore.Fresh(0, device) : WeightStore.From(name => name == "scale" ? scale : null, "the case", device);
        return new DistanceBias(store.Root, options, heads, blocks);
    }
}
