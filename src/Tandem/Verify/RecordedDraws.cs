using Tandem.Layers;
using Tandem.Torch;

namespace Tandem.Verify;

/// <summary>Draws as a publisher's program made them, handed out in order of execution; sites are ignored.</summary>
/// <param name="inputs">The case's inputs.</param>
/// <param name="prefix">What stands before <c>draw.</c> in the names.</param>
/// <param name="device">Where the draws are needed.</param>
sealed class RecordedDraws(TensorSet inputs, string prefix, Device device) : IDraws
{
    readonly Dictionary<string, int> next = new(StringComparer.Ordinal);

    public Tensor Dropout(Tensor x, double rate, string site) => Kept(x, Take("dropout"), rate);

    public long? DropoutSeed(string site) => null;

    public AttentionMask AttentionDropout(double rate, string site) => new(Take("dropout"), 0);

    public Tensor DropPath(Tensor x, double rate, string site)
    {
        var kept = Take("drop_path");
        return Kept(x, kept.Reshape([kept.Size(0), .. Enumerable.Repeat(1L, x.Shape.Length - 1)]), rate);
    }

    public double LayerDrop(string site) => Take("layerdrop").Reshape([1]).Item();

    public Tensor Noise(ReadOnlySpan<long> size, double deviation, string site, ScalarType type, Device onDevice) => Take("mask_tokens").To(type);

    public Tensor Uniform(ReadOnlySpan<long> size, string site, Device onDevice) => Take("uniform");

    static Tensor Kept(Tensor x, Tensor kept, double rate) => x.Mul(kept.To(x.Type)).Div(1 - rate);

    Tensor Take(string kind)
    {
        var number = next[kind] = next.GetValueOrDefault(kind) + 1;
        return Tensor.From(inputs[FormattableString.Invariant($"{prefix}draw.{kind}.{number - 1:000}")], device);
    }
}
