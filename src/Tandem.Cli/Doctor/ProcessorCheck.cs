namespace Tandem.Cli.Doctor;

/// <summary>The processor: its kind, its instruction sets as far as they decide the speed of training, its cores.</summary>
sealed class ProcessorCheck : ICheck
{
    static readonly string[] Telling = ["avx2", "fma", "f16c", "avx512f", "avx512vl", "avx512_vnni", "avx512_bf16", "amx_bf16"];

    public string About => "processor";

    public IEnumerable<Finding> Look()
    {
        Dictionary<string, string> first = new(StringComparer.Ordinal);
        HashSet<string> cores = new(StringComparer.Ordinal);
        var socket = "";
        foreach (var line in File.ReadLines("/proc/cpuinfo"))
        {
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            if (colon < 0)
                continue;
            var (key, value) = (line[..colon].Trim(), line[(colon + 1)..].Trim());
            first.TryAdd(key, value);
            if (key == "physical id")
                socket = value;
            if (key == "core id")
                cores.Add($"{socket}/{value}");
        }
        yield return new(About, "processor", State.Information, first.GetValueOrDefault("model name", "unknown"));
        var flags = first.GetValueOrDefault("flags", "").Split(' ');
        yield return new(About, "instructions", flags.Contains("avx2", StringComparer.Ordinal) ? State.Good : State.Warning, string.Join(' ', Telling.Where(name => flags.Contains(name, StringComparer.Ordinal))), "Without AVX2 training is many times slower");
        var bf16 = flags.Contains("avx512_bf16", StringComparer.Ordinal) || flags.Contains("amx_bf16", StringComparer.Ordinal);
        yield return new(About, "bf16 in hardware", State.Information, bf16 ? "yes" : "no: --precision auto means float32 here");
        yield return new(About, "threads", State.Information, $"{Environment.ProcessorCount} usable{(cores.Count > 0 ? $", {cores.Count} cores" : "")}");
    }
}
