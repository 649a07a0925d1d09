using Tandem.Data.Audio;
using Tandem.Models.Peers;
using Tandem.Networks;
using Tandem.Torch;

namespace Tandem.Verify.Audio;

/// <summary>Kinds <c>read</c>, <c>resample</c>, <c>normalise</c> and <c>frame_length</c> of method <c>audio</c>.</summary>
sealed class SoundKinds : ICaseKind
{
    public string Method => "audio";

    public IReadOnlyList<string> Kinds => ["read", "resample", "normalise", "frame_length"];

    public void Check(GoldenCase golden, Comparison comparison, string device)
    {
        switch (golden.Kind)
        {
            case "read":
                Read(golden, comparison);
                break;
            case "resample":
                Resample(golden, comparison);
                break;
            case "normalise":
                Normalise(golden, comparison);
                break;
            default:
                FrameLength(comparison);
                break;
        }
    }

    static void Read(GoldenCase golden, Comparison comparison)
    {
        var number = 0;
        foreach (var told in comparison.Given("files").EnumerateArray())
        {
            var name = told.GetProperty("file").GetString()!;
            using var file = SoundFile.Open(golden.File(name));
            List<float> samples = [];
            var piece = new float[100 * file.Channels];
            while (file.Read(piece) is > 0 and var frames)
                samples.AddRange(piece.AsSpan(0, frames * file.Channels));
            comparison.Require(file.Rate == told.GetProperty("sample_rate").GetInt32(), $"{name} has {file.Rate} Hz");
            comparison.Require(file.Channels == told.GetProperty("channels").GetInt32(), $"{name} has {file.Channels} channels");
            comparison.Require(file.Frames == told.GetProperty("frames").GetInt64(), $"{name} has {file.Frames} frames");
            comparison.Tensor(FormattableString.Invariant($"wave.{number++}"), HostTensor.From<float>([.. samples], samples.Count / file.Channels, file.Channels));
        }
    }

    static void Resample(GoldenCase golden, Comparison comparison)
    {
        var number = 0;
        foreach (var told in comparison.Given("cases").EnumerateArray())
        {
            var wave = golden.Inputs[FormattableString.Invariant($"wave.{number}")];
            var channels = (int)wave.Shape[1];
            var quality = told.GetProperty("quality").GetString() switch
            {
                "QQ" => ResamplerQuality.Quick,
                "LQ" => ResamplerQuality.Low,
                "MQ" => ResamplerQuality.Medium,
                "HQ" => ResamplerQuality.High,
                "VHQ" => ResamplerQuality.VeryHigh,
                var other => throw new CaseFailedException($"the quality '{other}' is not understood"),
            };
            var made = Resampler.Whole(wave.As<float>(), told.GetProperty("input_rate").GetDouble(), told.GetProperty("output_rate").GetDouble(), channels, quality);
            comparison.Require(made.Length / channels == told.GetProperty("output_frames").GetInt32(), $"wave {number} gives {made.Length / channels} frames");
            comparison.Tensor(FormattableString.Invariant($"resampled.{number++}"), HostTensor.From<float>(made, made.Length / channels, channels));
        }
    }

    static void Normalise(GoldenCase golden, Comparison comparison)
    {
        golden.Config.Only("sample_rate", Waveform.SampleRate).Only("eps", 1e-5);
        foreach (var (number, wave) in golden.Inputs.Under("wave."))
        {
            var samples = new float[wave.Shape[0]];
            Waveform.Mean(wave.As<float>(), wave.Shape.Length > 1 ? (int)wave.Shape[1] : 1, samples);
            comparison.Tensor($"plain.{number}", HostTensor.From<float>(samples, samples.Length));
            Waveform.Standardise(samples);
            comparison.Tensor($"normalised.{number}", HostTensor.From<float>(samples, samples.Length));
        }
    }

    static void FrameLength(Comparison comparison)
    {
        foreach (var told in comparison.Given("cases").EnumerateArray())
        {
            var layers = told.GetProperty("conv_feature_layers").GetString()!;
            var counts = new AudioFrontEndOptions { Extractor = Data2Vec2Network.Layers(layers) }.Frames;
            comparison.Require(counts.ReceptiveField == told.GetProperty("receptive_field").GetInt32(), $"{layers} sees {counts.ReceptiveField} samples");
            comparison.Require(counts.Hop == told.GetProperty("hop").GetInt32(), $"{layers} has a hop of {counts.Hop}");
            foreach (var ((length, frames), convolved) in told.GetProperty("lengths").EnumerateArray().Zip(told.GetProperty("frames").EnumerateArray()).Zip(told.GetProperty("convolution_frames").EnumerateArray()))
            {
                var own = counts.Of(length.GetInt32());
                comparison.Require(own == frames.GetInt32(), $"{layers}: {length} samples give {own} frames instead of {frames}");
                comparison.Require(convolved.ValueKind == System.Text.Json.JsonValueKind.Null || own == convolved.GetInt32(), $"{layers}: {length} samples give {own} frames, the convolution {convolved}");
            }
        }
    }
}
