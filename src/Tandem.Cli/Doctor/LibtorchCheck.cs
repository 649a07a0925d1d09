using System.Diagnostics;
using System.Globalization;
using Tandem.Torch;

namespace Tandem.Cli.Doctor;

/// <summary>The tensor engine itself: version, threads, BLAS really loaded, operators, products a second.</summary>
sealed class LibtorchCheck : ICheck
{
    const int Side = 1536;

    public string About => "libtorch";

    public IEnumerable<Finding> Look() => ComputeThread.Run<IReadOnlyList<Finding>>(() =>
    {
        List<Finding> findings =
        [
            new(About, "libtorch", State.Good, $"{Libtorch.Version}, shim {Libtorch.ShimPath}"),
            new(About, "threads", State.Information, Libtorch.Threads.ToString(CultureInfo.InvariantCulture)),
            Blas(),
            new(About, "GPU", State.Information, Libtorch.HasCuda ? "CUDA" : "none that this libtorch sees"),
        ];
        var wrong = Libtorch.CheckOperators();
        findings.Add(new(About, "operators", wrong.Count == 0 ? State.Good : State.Broken, wrong.Count == 0 ? "all as expected" : string.Join("; ", wrong.Take(3)),
            wrong.Count == 0 ? null : "use a libtorch from 1.13 on; `LIBTORCH=FOLDER native/build.sh` builds against another one"));
        findings.Add(new(About, "float32 products", State.Information, Speed(ScalarType.Float)));
        findings.Add(new(About, "bf16 products", State.Information, Speed(ScalarType.BFloat16) + (Libtorch.CpuHasBf16 ? " (in hardware; precision auto uses it)" : " (no hardware for it; precision auto is float32)")));
        findings.Add(new(About, "allocator", State.Information, string.Create(CultureInfo.InvariantCulture, $"caching; {Libtorch.Memory.LiveBytes / 1048576.0:0.0} MiB in tensors, {Libtorch.Memory.CachedBytes / 1048576.0:0.0} MiB kept")));
        return findings;
    });

    Finding Blas() => Libtorch.BlasThreading switch
    {
        "openmp" => new(About, "BLAS in use", State.Good, $"{Libtorch.BlasPath}, OpenMP threads"),
        "unknown" => new(About, "BLAS in use", State.Information, Libtorch.BlasPath),
        var other => new(About, "BLAS in use", State.Warning, $"{Libtorch.BlasPath}, {other} threads: they fight with libtorch's own", "apt-get install libopenblas0-openmp"),
    };

    // The median of a few products, in GFLOP/s.
    static string Speed(ScalarType type)
    {
        using var scope = TensorScope.Enter("doctor");
        using var noGrad = Libtorch.NoGrad();
        var a = Ops.Ones([Side, Side], type);
        var rates = new List<double>();
        for (var i = 0; i < 6; i++)
        {
            var start = Stopwatch.GetTimestamp();
            using var product = a.Mm(a);
            if (i > 0)
                rates.Add(2.0 * Side * Side * Side / Stopwatch.GetElapsedTime(start).TotalSeconds / 1e9);
        }
        return string.Create(CultureInfo.InvariantCulture, $"{rates.Order().ElementAt(rates.Count / 2):0} GFLOP/s");
    }
}
