using System.Text.Json.Serialization;
using Tandem.Data;
using Tandem.Data.Audio;
using Tandem.Data.Sources;

namespace Tandem.Models;

/// <summary>How recordings are prepared for an encoder: 16 kHz, one channel.</summary>
public sealed record AudioPreprocessing : Preprocessing
{
    // Four seconds, where a glance has to do.
    const int BeginningSamples = 64_000;

    /// <summary>Whether each whole recording is standardised.</summary>
    public bool Standardise { get; init; } = true;

    /// <summary>Samples of a row, at most; longer recordings are encoded in windows of this length, and the mean is taken over all of them: 480,000 are 30 seconds.</summary>
    public int MaxSamples { get; init; } = 480_000;

    /// <summary>Samples that a recording needs for one frame; shorter ones are left out.</summary>
    public int MinSamples { get; init; } = 400;

    /// <inheritdoc/>
    [JsonIgnore]
    public override string Samples => "recordings";

    /// <inheritdoc/>
    [JsonIgnore]
    public override string Baseline => "log-mel";

    /// <inheritdoc/>
    [JsonIgnore]
    public override int BaselineWidth => LogMel.Width;

    /// <inheritdoc/>
    public override Source Open(string path, SourceOptions options, double badLimit = 0.01, bool cached = true) => AudioSource.Open(path, options);

    /// <inheritdoc/>
    public override bool IsSample(string file) => AudioSource.IsRecording(file);

    /// <inheritdoc/>
    public override Source Files(IReadOnlyList<string> paths) => AudioSource.OfFiles(paths);

    /// <inheritdoc/>
    public override ISampleStream Load(Source source, IReadOnlyList<int>? samples, LoadOptions options) =>
        new AudioStream(Own<AudioSource>(source), samples, new() { Standardise = Standardise, MaxSamples = MaxSamples, MinSamples = MinSamples, Beginning = options.Beginnings ? BeginningSamples : null }, options);

    /// <summary>Mean and standard deviation over time of 80 log-mel bands, row-major [rows, 160]; padding does not count.</summary>
    public override float[] Plain(Batch batch) => LogMel.Statistics((AudioBatch)batch);
}
