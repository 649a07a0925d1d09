namespace Tandem.Cli.Doctor;

/// <summary>
/// Which BLAS Debian's libtorch multiplies with. Reference BLAS is 36 times slower than OpenBLAS; OpenBLAS with threads of its own fights
/// with libtorch's (1.4 to 2 times slower); OpenBLAS on OpenMP is right. A libtorch of one's own brings its own.
/// </summary>
sealed class BlasCheck : ICheck
{
    const string Right = "/usr/lib/x86_64-linux-gnu/openblas-openmp/";

    public string About => "matrix products";

    public IEnumerable<Finding> Look()
    {
        if (Environment.GetEnvironmentVariable("LIBTORCH") is { Length: > 0 })
            yield break;
        foreach (var part in new[] { "blas", "lapack" })
        {
            var link = $"/etc/alternatives/lib{part}.so.3-x86_64-linux-gnu";
            var target = new FileInfo(link).LinkTarget;
            var mend = File.Exists($"{Right}lib{part}.so.3")
                ? $"update-alternatives --set lib{part}.so.3-x86_64-linux-gnu {Right}lib{part}.so.3"
                : "apt-get install libopenblas0-openmp";
            yield return target is null
                ? new(About, part.ToUpperInvariant(), State.Warning, "none chosen", mend)
                : new(About, part.ToUpperInvariant(), target.StartsWith(Right, StringComparison.Ordinal) ? State.Good : State.Warning, target, mend);
        }
    }
}
