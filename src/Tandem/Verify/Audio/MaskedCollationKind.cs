using System.Globalization;
using Tandem.Data.Audio;
using Tandem.Models.Peers;
using Tandem.Networks;
using Tandem.Torch;

namespace Tandem.Verify.Audio;

/// <summary>Kind <c>collate</c> of method <c>data2vec2</c>: recordings standardised, cropped or padded, and their masks cropped after them.</summary>
sealed class MaskedCollationKind : ICaseKind
{
    public string Method => "data2vec2";

    public IReadOnlyList<string> Kinds => ["collate"];

    public void Check(GoldenCase golden, Comparison comparison, string device)
    {
        var c = golden.Config;
        var counts = new AudioFrontEndOptions { Extractor = Data2Vec2Network.Layers(c.GetString("feature_encoder_spec")) }.Frames;
        var normalise = c.GetBool("normalize");
        var number = 0;
        foreach (var batch in c.Objects("batches"))
        {
            var at = string.Create(CultureInfo.InvariantCulture, $"{number++}.");
            var (pad, longest, copies) = (batch.GetBool("pad"), batch.GetIntOrNull("max_sample_size"), batch.GetInt("clone"));
            List<float[]> waves = [.. golden.Inputs.Under(at + "raw.").Select(wave => wave.Value.As<float>().ToArray())];
            if (normalise)
                waves.ForEach(wave => Waveform.Standardise(wave));
            var starts = new Queue<long>(golden.Inputs.TryGet(at + "draw.crop_start")?.As<long>().ToArray() ?? []);
            int Start(int range) => starts.TryDequeue(out var start) && start <= range ? (int)start : throw new CaseFailedException($"no recorded start up to {range} is left");
            var target = AudioCollation.Target([.. waves.Select(wave => wave.Length)], pad, longest);
            var made = CollatedAudio.Of(waves, target, target, Start);
            comparison.Tensor(at + "source", HostTensor.From<float>(made.Samples, waves.Count, target));
            if (pad)
                comparison.Tensor(at + "padding_mask", CollationKinds.Padding(made));
            if (copies > 0)
            {
                // Cropped to the shortest recording's frames, which may be fewer or more than the cropped samples give.
                var masks = golden.Inputs.Under(at + "mask.").Values.ToList();
                var frames = Math.Min(counts.Of(target), (int)masks.Min(mask => mask.Shape[1]));
                var cropped = new byte[waves.Count * copies * frames];
                for (var i = 0; i < masks.Count; i++)
                    CollatedAudio.CropMasks(masks[i].Bytes, copies, frames, Start, cropped.AsSpan(i * copies * frames));
                comparison.Tensor(at + "precomputed_mask", HostTensor.From<float>([.. cropped.Select(bit => (float)bit)], waves.Count * copies, frames));
            }
            comparison.Require(starts.Count == 0, $"{starts.Count} recorded starts of batch {at} are left");
        }
    }
}
