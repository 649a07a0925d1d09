using System.Text.Json;
using System.Text.Json.Serialization;

namespace Tandem.Runs;

/// <summary>What a run is doing.</summary>
public enum RunState
{
    /// <summary>Reading data, building the model.</summary>
    Starting,
    /// <summary>Taking steps.</summary>
    Running,
    /// <summary>All steps are done.</summary>
    Finished,
    /// <summary>Interrupted by a person or the system; can be resumed.</summary>
    Stopped,
    /// <summary>Stopped because the representation collapsed or numbers were not finite.</summary>
    Collapsed,
    /// <summary>Ended by an error.</summary>
    Failed,
}

/// <summary>The contents of <c>status.json</c>, replaced as a whole.</summary>
public sealed record RunStatus
{
    /// <summary>What the run is doing. A run that says so and holds no lock has died.</summary>
    public RunState State { get; init; } = RunState.Starting;

    /// <summary>Updates done.</summary>
    public long Step { get; init; }

    /// <summary>Updates planned; 0 before they are known.</summary>
    public long Steps { get; init; }

    /// <summary>Samples seen.</summary>
    public long Samples { get; init; }

    /// <summary>Time spent so far, in seconds, over all resumptions.</summary>
    public double Seconds { get; init; }

    /// <summary>Time left, in seconds; null when unknown.</summary>
    public double? Eta { get; init; }

    /// <summary>The last logged loss.</summary>
    public double? Loss { get; init; }

    /// <summary><c>healthy</c>, <c>suspicious</c> or <c>collapsed</c>; null before the first judgement.</summary>
    public string? Verdict { get; init; }

    /// <summary>Why: the gauge, since which step, what to change.</summary>
    public string? VerdictReason { get; init; }

    /// <summary>Name of the newest checkpoint: <c>step-00000500</c>.</summary>
    public string? Last { get; init; }

    /// <summary>Name of the best checkpoint.</summary>
    public string? Best { get; init; }

    /// <summary>By which metric the best was chosen: <c>eval/knn</c>.</summary>
    public string? BestBy { get; init; }

    /// <summary>That metric at the best checkpoint.</summary>
    public double? BestValue { get; init; }

    /// <summary>What ended the run, when something did.</summary>
    public string? Error { get; init; }

    /// <summary>When the run first began, in UTC.</summary>
    public DateTimeOffset? Started { get; init; }

    /// <summary>When this was written, in UTC.</summary>
    public DateTimeOffset? Heartbeat { get; init; }

    /// <summary>The writing process.</summary>
    public int? Process { get; init; }

    /// <summary>The machine's name.</summary>
    public string? Host { get; init; }

    static readonly JsonSerializerOptions Options = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower, allowIntegerValues: false) },
    };

    /// <summary>The file's text. Numbers that are not finite are the texts "NaN", "Infinity", "-Infinity".</summary>
    public string ToText() => JsonSerializer.Serialize(this, Options) + "\n";

    /// <summary>Reads the file's text; unknown fields are ignored.</summary>
    /// <exception cref="JsonException">The text is something else.</exception>
    public static RunStatus Parse(string text) => JsonSerializer.Deserialize<RunStatus>(text, Options) ?? throw new JsonException("the status is null");
}
