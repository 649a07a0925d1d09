namespace Tandem.Cli;

/// <summary>The options that every command has.</summary>
sealed record GlobalOptions
{
    /// <summary>One JSON document on standard output, or JSON lines; text for people goes to standard error.</summary>
    public bool Json { get; init; }

    /// <summary>Results and errors only.</summary>
    public bool Quiet { get; init; }

    /// <summary>More: where values come from, stack traces.</summary>
    public bool Verbose { get; init; }

    /// <summary>Shows what would be done and writes nothing.</summary>
    public bool DryRun { get; init; }

    /// <summary><c>cpu</c>, <c>cuda:0</c> or <c>auto</c>.</summary>
    public string Device { get; init; } = "auto";

    /// <summary><c>auto</c>, <c>float32</c> or <c>bf16</c>.</summary>
    public string Precision { get; init; } = "auto";

    /// <summary>Threads to compute with; null: as many as there are cores.</summary>
    public int? Threads { get; init; }

    /// <summary>The seed; null: the recipe's.</summary>
    public long? Seed { get; init; }

    /// <summary>Names with their values' form and meaning, in the order of help.</summary>
    public static IReadOnlyList<(string Name, string? Value, string Summary)> Described { get; } =
    [
        ("--json", null, "one JSON document on standard output (JSON lines for long work) and nothing else there"),
        ("--quiet", null, "results and errors only"),
        ("--verbose", null, "more detail; stack traces of faults"),
        ("--device", "cpu|cuda:0|auto", "where to compute"),
        ("--threads", "N", "threads to compute with (all cores)"),
        ("--precision", "auto|float32|bf16", "precision of matrix products"),
        ("--seed", "N", "seed of everything random"),
        ("--dry-run", null, "shows what would be done; writes nothing (but caches of the data)"),
        ("--help", null, "help for this command"),
    ];

    /// <summary>Reads the values that were given; null where an option was not.</summary>
    /// <exception cref="TandemException">One cannot be (<see cref="ErrorKind.Usage"/>).</exception>
    public static GlobalOptions Read(Func<string, bool> flag, Func<string, string?> value)
    {
        var device = value("--device") ?? "auto";
        if (device is not ("auto" or "cpu" or "cuda") && !(device.StartsWith("cuda:", StringComparison.Ordinal) && int.TryParse(device.AsSpan(5), out var number) && number >= 0))
            throw Wrong("--device", device, "cpu, cuda:0 (or another number), or auto");
        var precision = value("--precision") ?? "auto";
        if (precision is not ("auto" or "float32" or "bf16"))
            throw Wrong("--precision", precision, "auto, float32 or bf16");
        int? threads = null;
        if (value("--threads") is { } given)
            threads = int.TryParse(given, out var count) && count > 0 ? count : throw Wrong("--threads", given, "a whole number from 1 on");
        long? seed = null;
        if (value("--seed") is { } sown)
            seed = long.TryParse(sown, out var numeral) ? numeral : throw Wrong("--seed", sown, "a whole number");
        return new GlobalOptions
        {
            Json = flag("--json"),
            Quiet = flag("--quiet"),
            Verbose = flag("--verbose"),
            DryRun = flag("--dry-run"),
            Device = device,
            Precision = precision,
            Threads = threads,
            Seed = seed,
        };
    }

    static TandemException Wrong(string option, string value, string expected) => new(ErrorKind.Usage, $"{option} cannot be '{value}'", expected: expected);
}
