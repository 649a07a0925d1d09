using System.Runtime.InteropServices;

namespace Tandem.Torch;

/// <summary>Bytes that tensors on the processor take.</summary>
/// <param name="LiveBytes">In use.</param>
/// <param name="LiveBlocks">Number of blocks in use.</param>
/// <param name="PeakBytes">The most that was in use since the start or the last reset.</param>
/// <param name="CachedBytes">Freed, and kept for the next allocation of the same size.</param>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct MemoryUse(long LiveBytes, long LiveBlocks, long PeakBytes, long CachedBytes);

/// <summary>The library itself: versions, threads, memory, gradients on or off.</summary>
public static unsafe class Libtorch
{
    /// <summary>libtorch's version.</summary>
    public static string Version => Text(Native.Version());

    /// <summary>How libtorch was built, its own text.</summary>
    public static string Build => Text(Native.Build());

    /// <summary>The shim's file.</summary>
    public static string ShimPath
    {
        get
        {
            _ = Version;
            return Native.Path;
        }
    }

    /// <summary>The file of the BLAS that this process loaded.</summary>
    public static string BlasPath => Text(Native.Blas());

    /// <summary>How that BLAS makes threads: "openmp", "pthread", "serial", or "unknown" if it is not OpenBLAS.</summary>
    public static string BlasThreading => Native.BlasParallel() switch { 0 => "serial", 1 => "pthread", 2 => "openmp", _ => "unknown" };

    /// <summary>Whether a GPU can be used.</summary>
    public static bool HasCuda => Native.HasCuda() != 0;

    /// <summary>Threads of one operator.</summary>
    public static int Threads
    {
        get => Native.Threads();
        set => Native.Check(Native.SetThreads(value), "setting the number of threads");
    }

    /// <summary>Memory of tensors on the processor.</summary>
    public static MemoryUse Memory
    {
        get
        {
            MemoryUse use;
            Native.Memory(&use);
            return use;
        }
    }

    /// <summary>Whether this processor computes bfloat16 products in hardware (AVX-512 BF16 or AMX).</summary>
    public static bool CpuHasBf16 { get; } = ReadCpuFlags();

    /// <summary>Forgets the peak.</summary>
    public static void ResetPeakMemory() => Native.ResetPeak();

    /// <summary>Gives cached memory back to the system.</summary>
    public static void EmptyCache() => Native.EmptyCache();

    /// <summary>Allows reduced-precision (TF32) matrix products on GPUs; off at the start.</summary>
    public static void AllowTf32(bool allow) => Native.Check(Native.AllowTf32(allow ? 1 : 0), "TF32");

    /// <summary>No graph is recorded on this thread until the result is disposed of.</summary>
    public static IDisposable NoGrad() => new GradMode(enabled: false);

    /// <summary>A graph is recorded on this thread until the result is disposed of, also within <see cref="NoGrad"/>.</summary>
    public static IDisposable WithGrad() => new GradMode(enabled: true);

    /// <summary>Compares every operator that Tandem uses with this libtorch's.</summary>
    /// <returns>One line for each that is missing or different.</returns>
    public static IReadOnlyList<string> CheckOperators()
    {
        var wrong = new List<string>();
        foreach (var field in typeof(Ops).GetFields(System.Reflection.BindingFlags.NonPublic | System.Reflection.BindingFlags.Static))
        {
            if (field.GetValue(null) is not Operator op)
                continue;
            try
            {
                op.Resolve();
            }
            catch (TorchException e)
            {
                wrong.Add(e.Message);
            }
        }
        return wrong;
    }

    static string Text(nint utf8) => Marshal.PtrToStringUTF8(utf8) ?? "";

    static bool ReadCpuFlags()
    {
        try
        {
            var flags = File.ReadLines("/proc/cpuinfo").FirstOrDefault(l => l.StartsWith("flags", StringComparison.Ordinal)) ?? "";
            return flags.Contains(" avx512_bf16", StringComparison.Ordinal) || flags.Contains(" amx_bf16", StringComparison.Ordinal);
        }
        catch (IOException)
        {
            return false;
        }
    }

    sealed class GradMode : IDisposable
    {
        readonly int before;

        public GradMode(bool enabled) => before = Native.GradMode(enabled ? 1 : 0);

        public void Dispose() => Native.GradMode(before);
    }
}
