using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;

namespace Tandem.Torch;

/// <summary>
/// A tensor of libtorch. It belongs to the <see cref="TensorScope"/> in which it was made; without one it lives until disposed of (or,
/// if forgotten, until the collector finds it). Not thread-safe: tensors are used on the compute thread.
/// </summary>
public sealed unsafe class Tensor : IDisposable
{
    static readonly ConcurrentQueue<long> forgotten = new();
    static long alive;

    readonly string origin;
    long handle;
    long[]? shape;
    string? ended;

    internal Tensor(long handle, string origin)
    {
        this.handle = handle;
        this.origin = origin;
        Interlocked.Increment(ref alive);
        if (handle == 0)
            GC.SuppressFinalize(this);
        TensorScope.Current?.Adopt(this);
    }

    /// <summary>Only for tensors nobody disposed of; the handle is freed later on a thread that may compute.</summary>
    ~Tensor()
    {
        if (handle != 0)
            forgotten.Enqueue(handle);
        Interlocked.Decrement(ref alive);
    }

    /// <summary>Tensors that C# holds now.</summary>
    public static long Alive => Interlocked.Read(ref alive);

    internal TensorScope? Owner { get; set; }

    internal int Slot { get; set; }

    /// <summary>The same values in lower precision, where the operator that made them gave both; products take it.</summary>
    public Tensor? Twin { get; internal set; }

    internal long Handle
    {
        get
        {
            if (handle == 0)
                ThrowEnded();
            return handle;
        }
    }

    /// <summary>Sizes, outermost first.</summary>
    public long[] Shape
    {
        get
        {
            if (shape is null)
            {
                var info = Info;
                shape = new Span<long>(info.Sizes, (int)info.Dims).ToArray();
            }
            return shape;
        }
    }

    /// <summary>Size of one dimension; negative numbers count from the end.</summary>
    public long Size(int dimension) => Shape[dimension < 0 ? Shape.Length + dimension : dimension];

    /// <summary>Number of elements.</summary>
    public long Count => Info.Elements;

    /// <summary>Type of the elements.</summary>
    public ScalarType Type => (ScalarType)Info.Type;

    /// <summary>Where the tensor lies.</summary>
    public Device Device
    {
        get
        {
            var info = Info;
            return new((DeviceKind)info.DeviceType, info.DeviceIndex);
        }
    }

    /// <summary>Whether the elements lie row-major without gaps.</summary>
    public bool IsContiguous => Info.Contiguous != 0;

    /// <summary>Whether gradients flow to it.</summary>
    public bool RequiresGrad
    {
        get => Info.RequiresGrad != 0;
        set => Native.Check(Native.RequiresGrad(Handle, value ? 1 : 0), "requires_grad");
    }

    /// <summary>The gradient that backward left at this leaf; null if none came.</summary>
    public Tensor? Grad
    {
        get
        {
            Native.Check(Native.Grad(Handle, out var gradient), "grad");
            return gradient == 0 ? null : new Tensor(gradient, "grad");
        }
        set => Native.Check(Native.SetGrad(Handle, value?.Handle ?? 0), "grad");
    }

    TensorInfo Info
    {
        get
        {
            TensorInfo info;
            Native.Check(Native.Info(Handle, &info), "reading a tensor's shape");
            return info;
        }
    }

    /// <summary>The same values cut off from the graph; memory is shared.</summary>
    public Tensor Detach()
    {
        Native.Check(Native.Detach(Handle, out var result), "detach");
        return new Tensor(result, "detach");
    }

    /// <summary>Runs gradients from this tensor back to the leaves, where they are added up.</summary>
    /// <param name="gradient">The gradient of the tensor itself; null for 1 (a scalar).</param>
    public void Backward(Tensor? gradient = null)
    {
        long root = Handle, from = gradient?.Handle ?? 0;
        var clock = NativeClock.Current;
        var started = clock is null ? 0 : System.Diagnostics.Stopwatch.GetTimestamp();
        var status = Native.Backward(&root, &from, 1);
        clock?.Add("backward", started);
        Native.Check(status, "backward");
    }

    /// <summary>The single element as a number.</summary>
    public double Item() => Ops.Item(this).Number;

    /// <summary>A copy in managed memory.</summary>
    public HostTensor ToHost()
    {
        using var scope = TensorScope.Enter();
        var plain = Device == Device.Cpu ? Detach().Contiguous() : Ops.To(Detach(), Device.Cpu, Type).Contiguous();
        var bytes = new byte[plain.Count * Type.Size()];
        Native.Check(Native.Data(plain.Handle, out var address), "reading a tensor");
        new ReadOnlySpan<byte>((void*)address, bytes.Length).CopyTo(bytes);
        return new HostTensor(Type, [.. Shape], bytes);
    }

    /// <summary>The elements as floats, row-major, whatever the type is.</summary>
    public float[] ToFloats()
    {
        using var scope = TensorScope.Enter();
        return Ops.To(Detach(), ScalarType.Float).ToHost().As<float>().ToArray();
    }

    /// <summary>The memory of a contiguous tensor on the processor, valid while the tensor lives.</summary>
    public Span<T> Memory<T>() where T : unmanaged
    {
        Native.Check(Native.Data(Handle, out var address), "reading a tensor's memory");
        return new Span<T>((void*)address, checked((int)(Count * Type.Size() / sizeof(T))));
    }

    /// <summary>A tensor with a copy of the values, on a device.</summary>
    public static Tensor From(HostTensor values, Device? device = null)
    {
        long handle;
        fixed (byte* data = values.Bytes)
        fixed (long* sizes = values.Shape)
            Native.Check(Native.FromData(data, values.Bytes.LongLength, sizes, values.Shape.Length, (int)values.Type, out handle), "making a tensor");
        var tensor = new Tensor(handle, "data");
        return device is { Kind: not DeviceKind.Cpu } elsewhere ? Ops.To(tensor, elsewhere, values.Type) : tensor;
    }

    /// <summary>A tensor with a copy of the values, on the processor.</summary>
    public static Tensor From<T>(ReadOnlySpan<T> values, params long[] shape) where T : unmanaged => From(HostTensor.From(values, shape));

    /// <summary>Frees the tensor now. Graphs that need its memory keep it.</summary>
    public void Dispose()
    {
        Owner?.Remove(this);
        Free(null);
    }

    internal void Free(TensorScope? scope)
    {
        Owner = null;
        if (handle == 0)
            return;
        ended = scope is null ? "it was disposed of" : scope.Name is null ? "its scope ended" : $"its scope '{scope.Name}' ended";
        Native.Release(handle);
        handle = 0;
        Interlocked.Decrement(ref alive);
        GC.SuppressFinalize(this);
    }

    /// <summary>Frees what the collector found.</summary>
    internal static void FreeForgotten()
    {
        while (forgotten.TryDequeue(out var lost))
            Native.Release(lost);
    }

    [DoesNotReturn]
    void ThrowEnded() => throw new ObjectDisposedException(
        nameof(Tensor), $"a tensor made by {origin}{(shape is null ? "" : $" of shape [{string.Join(", ", shape)}]")} was used after {ended ?? "it had no value"}");

    /// <inheritdoc/>
    public override string ToString() => handle == 0 ? $"freed tensor made by {origin}" : $"{Type}[{string.Join(", ", Shape)}] on {Device}";
}
