using System.Globalization;
using System.Text.Json;
using Tandem.Bench;
using Tandem.Layers;
using Tandem.Torch;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
var json = false;
var plan = new Plan();
List<string> rows = [];
string? only = null;
foreach (var argument in args)
{
    switch (argument)
    {
        case "--json":
            json = true;
            break;
        case "--profile":
            plan = plan with { Profile = true };
            break;
        case "--quick":
            plan = plan with { Seconds = 1.5, Blocks = 1, Repeats = 0 };
            break;
        case "--long":
            plan = plan with { Seconds = 6, Blocks = 1, Repeats = 0 };
            break;
        case "--float32" or "--bfloat16":
            only = argument[2..];
            break;
        case var _ when Row.All.ContainsKey(argument):
            rows.Add(argument);
            break;
        default:
            Console.Error.WriteLine($"bench: '{argument}' is neither a row nor an option. Rows: {string.Join(", ", Row.All.Keys)}. Options: --json, --float32, --bfloat16, --quick, --profile.");
            return 2;
    }
}
if (rows.Count == 0)
    rows.AddRange(Row.All.Keys);

var written = new JsonSerializerOptions { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };
foreach (var row in rows)
{
    foreach (var asked in new[] { "float32", "auto" })
    {
        var precision = asked == "auto" && Libtorch.CpuHasBf16 ? Precision.BFloat16 : Precision.Float32;
        if (only is not null && only != (precision == Precision.Float32 ? "float32" : "bfloat16"))
            continue;
        var result = ComputeThread.Run(() => Measurement.Of(row, precision, plan)) with { Precision = asked };
        Console.WriteLine(json
            ? JsonSerializer.Serialize(result, written)
            : $"{result.Row,-12} {result.Precision,-8} {result.SamplesPerSecond,9:F2} samples/s {result.Gflops,8:F1} GFLOP/s of {result.CeilingGflops,6:F1}: share {result.Share:F3}, "
                + $"spread {100 * result.Spread:F0} %, outside libtorch {100 * result.OutsideLibtorch:F1} %, peak {result.PeakMemoryMib:F0} MiB, {result.Threads} threads, loss {result.Loss:G9}"
                + (result.Disturbed ? ", DISTURBED" : ""));
    }
}
return 0;
