namespace Tandem.Torch;

/// <summary>Kinds of devices; the values are libtorch's.</summary>
public enum DeviceKind
{
    /// <summary>The processor.</summary>
    Cpu = 0,
    /// <summary>An NVIDIA GPU (or an AMD one under ROCm).</summary>
    Cuda = 1,
}

/// <summary>Where a tensor lies.</summary>
/// <param name="Kind">Kind of device.</param>
/// <param name="Index">Which of them, from 0; −1 for the processor.</param>
public readonly record struct Device(DeviceKind Kind, int Index)
{
    /// <summary>The processor.</summary>
    public static Device Cpu { get; } = new(DeviceKind.Cpu, -1);

    /// <summary>Reads "cpu", "cuda", "cuda:1" or "auto" (a GPU if this libtorch sees one).</summary>
    /// <exception cref="TandemException">No such name (usage), or no such device here (machine).</exception>
    public static Device Parse(string name)
    {
        if (name == "cpu")
            return Cpu;
        if (name == "auto")
            return Libtorch.HasCuda ? new(DeviceKind.Cuda, 0) : Cpu;
        var index = 0;
        if (name != "cuda" && !(name.StartsWith("cuda:", StringComparison.Ordinal) && int.TryParse(name.AsSpan(5), System.Globalization.NumberStyles.None, null, out index)))
            throw new TandemException(ErrorKind.Usage, $"there is no device '{name}'", "--device", "cpu, cuda:0 or auto");
        if (!Libtorch.HasCuda)
            throw new TandemException(ErrorKind.Machine, "this libtorch sees no GPU", $"--device {name}", "an NVIDIA GPU and a libtorch built with CUDA",
                "Set LIBTORCH to the folder of a libtorch (or of Python's torch package) with CUDA and run native/build.sh again; or use --device cpu.");
        return new(DeviceKind.Cuda, index);
    }

    /// <inheritdoc/>
    public override string ToString() => Kind == DeviceKind.Cpu ? "cpu" : $"cuda:{Index}";
}
