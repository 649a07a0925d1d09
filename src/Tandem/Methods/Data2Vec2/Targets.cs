using Tandem.Torch;

namespace Tandem.Methods.Data2Vec2;

/// <summary>Averages of a teacher's last layers, normed as the options say. No norm has weights; eps is 1e-5 everywhere.</summary>
static class Targets
{
    const double Eps = 1e-5;

    /// <summary>layers of [n, places, width] → float32 [n, places, width].</summary>
    public static Tensor Of(IReadOnlyList<Tensor> layers, Data2Vec2Options options)
    {
        using var scope = TensorScope.Enter("targets");
        Tensor? sum = null;
        var used = layers.Skip(Math.Max(0, layers.Count - options.TopLayers)).ToList();
        foreach (var layer in used)
        {
            var y = layer.To(ScalarType.Float);
            if (options.BatchNormLayer)
                y = Standardised(y, [0, 1]);
            if (options.InstanceNormLayer)
                y = Standardised(y, [1]);
            if (options.LayerNormLayer)
                y = Channels(y);
            sum = sum is null ? y : sum.Add(y);
        }
        var targets = sum!.Div(used.Count);
        if (options.LayerNormTargets)
            targets = Channels(targets);
        if (options.InstanceNormTargets)
            targets = Standardised(targets, [1]);
        return scope.Keep(targets);
    }

    static Tensor Channels(Tensor x) => Ops.AddNorm(x, null, null, null, Eps);

    // Biased variance over the given dimensions, for each channel.
    static Tensor Standardised(Tensor x, ReadOnlySpan<long> over)
    {
        var centred = x.Sub(x.Mean(over, keepdim: true));
        return centred.Div(centred.Square().Mean(over, keepdim: true).Add(Eps).Sqrt());
    }
}
