using System.Reflection;
using System.Runtime.InteropServices;

namespace Tandem.Torch;

/// <summary>The C ABI of the shim (native/tandem.h).</summary>
static unsafe partial class Native
{
    const string Library = "tandem";

    static Native()
    {
        NativeLibrary.SetDllImportResolver(typeof(Native).Assembly, (name, assembly, path) => name == Library ? Load() : 0);
        SetThreads(Environment.ProcessorCount);
    }

    /// <summary>Where the shim was found.</summary>
    public static string Path { get; private set; } = "";

    // How long a thread of OpenMP's spins before it sleeps. GNU's default is about a millisecond, in which it keeps its core from the very
    // thread it waits for as soon as another program runs: measured with one busy neighbour on two cores, 50 pictures a second instead of
    // 430. A few tens of microseconds still bridge the gaps between operators. libgomp reads it once, when it is loaded.
    const string SpinCount = "10000";

    static void ChooseSpinning()
    {
        if (Environment.GetEnvironmentVariable("GOMP_SPINCOUNT") is null && Environment.GetEnvironmentVariable("OMP_WAIT_POLICY") is null)
            SetEnvironment("GOMP_SPINCOUNT", SpinCount, 0);
    }

    // .NET's own setter does not reach what native libraries read.
    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetEnvironment(string name, string value, int overwrite);

    static nint Load()
    {
        ChooseSpinning();
        var candidates = new[]
        {
            Environment.GetEnvironmentVariable("TANDEM_NATIVE"),
            System.IO.Path.Combine(AppContext.BaseDirectory, "libtandem.so"),
            System.IO.Path.Combine(System.IO.Path.GetDirectoryName(typeof(Native).Assembly.Location) ?? ".", "libtandem.so"),
        };
        foreach (var candidate in candidates)
        {
            if (string.IsNullOrEmpty(candidate) || !File.Exists(candidate))
                continue;
            try
            {
                var handle = NativeLibrary.Load(candidate);
                Path = candidate;
                return handle;
            }
            catch (DllNotFoundException e)
            {
                throw new TandemException(ErrorKind.Machine, "libtorch could not be loaded", candidate, "libtorch with an OpenMP BLAS",
                    "Install it with: apt-get install libtorch-dev libopenblas0-openmp (or set LIBTORCH and run native/build.sh again).", e);
            }
        }
        throw new TandemException(ErrorKind.Machine, "the native library libtandem.so was not found", AppContext.BaseDirectory, "it beside the program, or its path in TANDEM_NATIVE",
            "Build it with: native/build.sh");
    }

    /// <summary>Throws what the shim reports.</summary>
    public static void Check(int status, string doing)
    {
        if (status != 0)
            throw new TorchException(doing, Marshal.PtrToStringUTF8(Error()) ?? "");
    }

    [LibraryImport(Library, EntryPoint = "td_error")]
    private static partial nint Error();

    [LibraryImport(Library, EntryPoint = "td_operator", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int FindOperator(string schema, out long handle);

    [LibraryImport(Library, EntryPoint = "td_call")]
    public static partial int Call(long op, Value* arguments, int count, Value* results, int capacity, int* resultCount);

    [LibraryImport(Library, EntryPoint = "td_free_handles")]
    public static partial void FreeHandles(long handles);

    [LibraryImport(Library, EntryPoint = "td_release")]
    public static partial void Release(long handle);

    [LibraryImport(Library, EntryPoint = "td_info")]
    public static partial int Info(long handle, TensorInfo* info);

    [LibraryImport(Library, EntryPoint = "td_data")]
    public static partial int Data(long handle, out nint address);

    [LibraryImport(Library, EntryPoint = "td_from_data")]
    public static partial int FromData(void* data, long bytes, long* sizes, long dims, int type, out long handle);

    [LibraryImport(Library, EntryPoint = "td_backward")]
    public static partial int Backward(long* roots, long* gradients, long count);

    [LibraryImport(Library, EntryPoint = "td_requires_grad")]
    public static partial int RequiresGrad(long handle, int value);

    [LibraryImport(Library, EntryPoint = "td_grad")]
    public static partial int Grad(long handle, out long gradient);

    [LibraryImport(Library, EntryPoint = "td_set_grad")]
    public static partial int SetGrad(long handle, long gradient);

    [LibraryImport(Library, EntryPoint = "td_detach")]
    public static partial int Detach(long handle, out long result);

    [LibraryImport(Library, EntryPoint = "td_grad_mode")]
    public static partial int GradMode(int value);

    [LibraryImport(Library, EntryPoint = "td_set_threads")]
    public static partial int SetThreads(int count);

    [LibraryImport(Library, EntryPoint = "td_threads")]
    public static partial int Threads();

    [LibraryImport(Library, EntryPoint = "td_has_cuda")]
    public static partial int HasCuda();

    [LibraryImport(Library, EntryPoint = "td_allow_tf32")]
    public static partial int AllowTf32(int value);

    [LibraryImport(Library, EntryPoint = "td_version")]
    public static partial nint Version();

    [LibraryImport(Library, EntryPoint = "td_build")]
    public static partial nint Build();

    [LibraryImport(Library, EntryPoint = "td_blas")]
    public static partial nint Blas();

    [LibraryImport(Library, EntryPoint = "td_blas_parallel")]
    public static partial int BlasParallel();

    [LibraryImport(Library, EntryPoint = "td_clock")]
    public static partial int Clock(int on);

    [LibraryImport(Library, EntryPoint = "td_clock_nodes")]
    public static partial nint ClockNodes();

    [LibraryImport(Library, EntryPoint = "td_memory")]
    public static partial void Memory(MemoryUse* use);

    [LibraryImport(Library, EntryPoint = "td_memory_reset_peak")]
    public static partial void ResetPeak();

    [LibraryImport(Library, EntryPoint = "td_memory_empty")]
    public static partial void EmptyCache();
}

[StructLayout(LayoutKind.Sequential)]
unsafe struct TensorInfo
{
    public long Dims;
    public fixed long Sizes[8];
    public fixed long Strides[8];
    public long Elements;
    public int Type;
    public int DeviceType;
    public int DeviceIndex;
    public int Contiguous;
    public int RequiresGrad;
    public int HasGraph;
}

/// <summary>A libtorch error: its own text behind what was being done.</summary>
public sealed class TorchException(string doing, string libtorch) : Exception($"{doing}: {libtorch}")
{
    /// <summary>libtorch's text alone.</summary>
    public string Libtorch { get; } = libtorch;
}
