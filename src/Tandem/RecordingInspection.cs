using System.Text.Json.Nodes;
using Tandem.Data.Audio;
using Tandem.Runs;

namespace Tandem;

/// <summary>What recordings lie under a path. Every file is opened; those that were looked at are read to their end, as training would.</summary>
public sealed record RecordingInspection : DataInspection
{
    /// <summary>Seconds of all recordings that can be opened.</summary>
    public double TotalSeconds { get; init; }

    /// <summary>Seconds of a recording; null when none can be opened.</summary>
    public Spread? Seconds { get; init; }

    /// <summary>Samples a second, in Hz, and how many recordings have them.</summary>
    public required IReadOnlyList<(int Value, long Samples)> Rates { get; init; }

    /// <summary>Numbers of channels, and how many recordings have them.</summary>
    public required IReadOnlyList<(int Value, long Samples)> Channels { get; init; }

    /// <summary>Containers and codings, "WAV, Signed 16 bit PCM", and how many recordings have them.</summary>
    public required IReadOnlyList<(string Value, long Samples)> Formats { get; init; }

    /// <inheritdoc/>
    public override string Modality => "audio";

    /// <inheritdoc/>
    public override string SampleName => "recordings";

    internal static new RecordingInspection Of(string path, InspectionOptions options, CancellationToken cancellation)
    {
        using var source = AudioSource.Open(path, options.Source);
        var whole = Math.Min(options.Limit ?? InspectionOptions.UsualLimit, source.Count);
        var found = new Header?[source.Count];
        var bad = Look(source, source.Count, i => i, options, sample =>
        {
            found[sample] = Header.Of(source, sample);
            // Every so many of them, the first one included.
            if ((long)sample * whole % source.Count >= whole)
                return;
            using var stream = source.Read(sample);
            RecordingScan.Of(stream, source.Where(sample), keep: 0, out _, cancellation);
        }, cancellation);
        var sound = found.OfType<Header>().ToList();
        return new()
        {
            Path = path,
            Description = source.Description,
            Samples = source.Count,
            Classes = ClassesOf(source),
            Looked = whole,
            Bad = bad,
            TotalSeconds = sound.Sum(header => header.Seconds),
            Seconds = Spread.Of(sound.Select(header => header.Seconds)),
            Rates = Frequent(sound.Select(header => header.Rate)),
            Channels = Frequent(sound.Select(header => header.Channels)),
            Formats = Frequent(sound.Select(header => header.Format)),
        };
    }

    /// <inheritdoc/>
    protected override string Damage => $"{Units.Count(Bad.Count)}; {(Looked == Samples ? "all" : Units.Count(Looked))} were read to the end";

    /// <inheritdoc/>
    protected override IEnumerable<(string What, string Value)> Own() =>
    [
        ("in all", TotalSeconds < 3600 ? Units.Time(TotalSeconds) : $"{Units.Number(TotalSeconds / 3600)} hours"),
        ("length", Seconds?.InWords(" s") ?? "unknown"),
        ("sample rate", InWords(Rates, rate => $"{Units.Count(rate)} Hz")),
        ("channels", InWords(Channels, channels => Units.Count(channels))),
        ("format", InWords(Formats, format => format)),
    ];

    /// <inheritdoc/>
    protected override void Add(JsonObject document)
    {
        document["total_seconds"] = TotalSeconds;
        document["seconds"] = Seconds?.ToJson();
        document["rates"] = Counts("hz", Rates);
        document["channels"] = Counts("channels", Channels);
        document["formats"] = Counts("format", Formats);
    }

    /// <summary>What a file says of itself.</summary>
    sealed record Header(double Seconds, int Rate, int Channels, string Format)
    {
        public static Header Of(AudioSource source, int sample)
        {
            using var file = source.OpenFile(sample);
            // Some headers do not tell the length: then the file is read.
            var seconds = file.Frames is { } frames ? (double)frames / file.Rate : (double)source.Length(sample) / Waveform.SampleRate;
            return new(seconds, file.Rate, file.Channels, file.Format);
        }
    }
}
