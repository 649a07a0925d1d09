using Tandem.Torch;

namespace Tandem.Layers;

/// <summary>What a parameter is for; weight decay and precision follow from it.</summary>
public enum Role
{
    /// <summary>A matrix or convolution kernel: takes part in products.</summary>
    Matrix,
    /// <summary>An offset added to a product.</summary>
    Bias,
    /// <summary>Factor or offset of a norm.</summary>
    Norm,
    /// <summary>Learned tokens, scales and tables that are added or looked up.</summary>
    Table,
}

/// <summary>
/// A trained (or fixed) tensor of a network: a stable reference. The <see cref="WeightStore"/> owns the tensor itself, so that loading,
/// casts and the teacher's steps never leave a stale field behind.
/// </summary>
public sealed class Parameter
{
    readonly WeightStore store;
    Tensor? low;
    long lowVersion = -1;

    internal Parameter(WeightStore store, string name, Role role, int depth, bool trained, Tensor value)
    {
        this.store = store;
        Name = name;
        Role = role;
        Depth = depth;
        Trained = trained;
        Value = value;
        if (trained && store.Leader is null)
            value.RequiresGrad = true;
    }

    /// <summary>Name within the store, parts separated by points.</summary>
    public string Name { get; }

    /// <summary>What it is for.</summary>
    public Role Role { get; }

    /// <summary>Number of the block it belongs to, counted over the whole encoder; −1 outside blocks.</summary>
    public int Depth { get; }

    /// <summary>Whether the optimizer moves it.</summary>
    public bool Trained { get; }

    /// <summary>The values, float32.</summary>
    public Tensor Value { get; }

    /// <summary>The values in the precision of the pass: cast once in a pass with gradients, once a write without.</summary>
    public Tensor For(Pass pass)
    {
        if (pass.Precision == Precision.Float32)
            return Value;
        if (store.Leader is null && pass.Training)
            return pass.Cast(this);
        if (lowVersion != store.Version)
        {
            low?.Dispose();
            low = TensorScope.Release(Value.Detach().To(ScalarType.BFloat16));
            lowVersion = store.Version;
        }
        return low!;
    }

    /// <summary>
    /// The values for a product that takes weights of either type: on the processor as they are, since the kernels round while they pack and
    /// leave the gradient in float32; elsewhere in the precision of the pass.
    /// </summary>
    public Tensor ForProduct(Pass pass) => store.Device == Device.Cpu ? Value : For(pass);

    internal void Free()
    {
        low?.Dispose();
        Value.Dispose();
    }
}

/// <summary>A place in a store of weights: layers ask it for their parameters, and go down with <c>/</c>.</summary>
public sealed class Weights
{
    internal Weights(WeightStore store, string path, int depth)
    {
        Store = store;
        Path = path;
        Depth = depth;
    }

    /// <summary>The store.</summary>
    public WeightStore Store { get; }

    /// <summary>Name of the place; empty at the root.</summary>
    public string Path { get; }

    /// <summary>Block number that parameters asked for here get.</summary>
    public int Depth { get; }

    /// <summary>The place <paramref name="name"/> below.</summary>
    public static Weights operator /(Weights at, string name) => new(at.Store, at.Full(name), at.Depth);

    /// <summary>The place with a number as its name.</summary>
    public static Weights operator /(Weights at, int index) => at / index.ToString(System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>The same place, its parameters belonging to block <paramref name="depth"/> of the encoder.</summary>
    public Weights AtDepth(int depth) => new(Store, Path, depth);

    /// <summary>Asks for a parameter.</summary>
    /// <param name="name">Its last name.</param>
    /// <param name="shape">Its shape.</param>
    /// <param name="init">Its values in a fresh store.</param>
    /// <param name="role">What it is for.</param>
    /// <param name="trained">Whether the optimizer moves it.</param>
    /// <exception cref="InvalidOperationException">The name was asked for before: tying means passing the <see cref="Parameter"/>.</exception>
    /// <exception cref="TandemException">The store is read from a file, which lacks the name or holds another shape.</exception>
    public Parameter Get(string name, ReadOnlySpan<long> shape, Init init, Role role, bool trained = true) =>
        Store.Get(Full(name), shape.ToArray(), init, role, Depth, trained);

    string Full(string name) => Path.Length == 0 ? name : Path + "." + name;
}

/// <summary>
/// All weights of a network, by name. Where values come from is the store's business: fresh (each a function of seed and name, so that
/// construction order is irrelevant), given (a file), or following another store (a teacher).
/// </summary>
public sealed class WeightStore : IDisposable
{
    readonly Dictionary<string, Parameter> parameters = new(StringComparer.Ordinal);
    readonly long seed;
    readonly Func<string, HostTensor?>? given;
    readonly string? origin;

    readonly bool strict;
    bool shapesOnly;

    WeightStore(Device device, long seed, Func<string, HostTensor?>? given, string? origin, WeightStore? leader, bool strict = true)
    {
        Device = device;
        this.strict = strict;
        this.seed = seed;
        this.given = given;
        this.origin = origin;
        Leader = leader;
        Root = new(this, "", -1);
    }

    /// <summary>Fresh values.</summary>
    public static WeightStore Fresh(long seed, Device? device = null) => new(device ?? Device.Cpu, seed, null, null, null);

    /// <summary>Values by name.</summary>
    /// <param name="values">Gives a name's values, or null if there are none.</param>
    /// <param name="origin">Where they come from, for errors.</param>
    /// <param name="device">Where the weights shall lie.</param>
    public static WeightStore From(Func<string, HostTensor?> values, string origin, Device? device = null) => new(device ?? Device.Cpu, 0, values, origin, null);

    /// <summary>Values by name where there are any, fresh ones elsewhere: training that goes on from another model.</summary>
    /// <param name="values">Gives a name's values, or null if there are none.</param>
    /// <param name="origin">Where they come from, for errors.</param>
    /// <param name="seed">Seed of the fresh values.</param>
    /// <param name="device">Where the weights shall lie.</param>
    public static WeightStore FromOrFresh(Func<string, HostTensor?> values, string origin, long seed, Device? device = null) =>
        new(device ?? Device.Cpu, seed, values, origin, null, strict: false);

    /// <summary>A teacher's store: every name begins as a copy of the student's parameter of that name, and is never trained.</summary>
    public static WeightStore Following(WeightStore student) => new(student.Device, 0, null, null, student);

    /// <summary>
    /// Names and shapes only, to count with: each value is one zero that is seen at every place of its shape, so a network of any size takes no memory.
    /// Stores that follow it are of the same kind. Values must not be written.
    /// </summary>
    public static WeightStore Shapes() => new(Device.Cpu, 0, null, null, null) { shapesOnly = true };

    /// <summary>The place without a name.</summary>
    public Weights Root { get; }

    /// <summary>Where the weights lie.</summary>
    public Device Device { get; }

    /// <summary>The student that this store follows; null for any other store.</summary>
    public WeightStore? Leader { get; }

    /// <summary>Rises with every write; casts made before are stale.</summary>
    public long Version { get; private set; }

    /// <summary>All parameters, in the order in which they were asked for.</summary>
    public IReadOnlyCollection<Parameter> Parameters => parameters.Values;

    /// <summary>The trained parameters, in the order in which they were asked for.</summary>
    public IEnumerable<Parameter> Trained => parameters.Values.Where(p => p.Trained);

    /// <summary>Number of trained elements.</summary>
    public long TrainedElements => Trained.Sum(p => p.Value.Count);

    /// <summary>A parameter by name; null if there is none.</summary>
    public Parameter? Find(string name) => parameters.GetValueOrDefault(name);

    /// <summary>Says that values were written in place.</summary>
    public void Written() => Version++;

    /// <summary>Overwrites values by name; used to load a checkpoint into a built network.</summary>
    /// <exception cref="TandemException">Unknown name or other shape.</exception>
    public void Load(string name, HostTensor values, string from)
    {
        var parameter = Find(name) ?? throw new TandemException(ErrorKind.Input, $"the network has no parameter '{name}'", from);
        Check(name, parameter.Value.Shape, values, from);
        using var scope = TensorScope.Enter();
        using var noGrad = Libtorch.NoGrad();
        parameter.Value.Detach().CopyInPlace(Tensor.From(values));
        Written();
    }

    /// <summary>Copies of all values, by name.</summary>
    public Dictionary<string, HostTensor> Values() => parameters.ToDictionary(p => p.Key, p => p.Value.Value.ToHost(), StringComparer.Ordinal);

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var parameter in parameters.Values)
            parameter.Free();
        parameters.Clear();
    }

    internal Parameter Get(string name, long[] shape, Init init, Role role, int depth, bool trained)
    {
        if (parameters.ContainsKey(name))
            throw new InvalidOperationException($"the parameter '{name}' was asked for twice");
        var parameter = new Parameter(this, name, role, depth, trained, TensorScope.Release(Make(name, shape, init)));
        parameters.Add(name, parameter);
        return parameter;
    }

    Tensor Make(string name, long[] shape, Init init)
    {
        if (Leader is not null)
        {
            var followed = Leader.Find(name) ?? throw new InvalidOperationException($"the student has no parameter '{name}' to follow");
            using var noGrad = Libtorch.NoGrad();
            return Leader.shapesOnly ? followed.Value.Detach() : followed.Value.Detach().Clone();
        }
        if (shapesOnly)
            return Tensor.From<float>([0]).Expand(shape);
        var values = given?.Invoke(name);
        if (given is not null && values is null && strict)
            throw new TandemException(ErrorKind.Input, $"the weight '{name}' is missing", origin, $"a tensor of shape [{string.Join(", ", shape)}]");
        if (values is not null)
        {
            Check(name, shape, values, origin);
            using var scope = TensorScope.Enter();
            return scope.Keep(Tensor.From(values, Device).To(ScalarType.Float, copy: true));
        }
        var fresh = new HostTensor(ScalarType.Float, shape, new byte[shape.Aggregate(4L, (a, b) => checked(a * b))]);
        var draw = Randomness.Of(seed, name);
        init.Fill(ref draw, fresh.As<float>());
        return Tensor.From(fresh, Device);
    }

    static void Check(string name, long[] shape, HostTensor values, string? from)
    {
        if (!shape.AsSpan().SequenceEqual(values.Shape))
        {
            throw new TandemException(ErrorKind.Input, $"the weight '{name}' has shape [{string.Join(", ", values.Shape)}]", from, $"[{string.Join(", ", shape)}]",
                "The weights belong to another configuration: compare the model's settings with those they were trained with.");
        }
    }
}

/// <summary>How a parameter begins in a fresh store.</summary>
public sealed class Init
{
    /// <summary>Fills values with draws.</summary>
    public delegate void Filler(ref Randomness draw, Span<float> values);

    Init(Filler fill) => Fill = fill;

    /// <summary>Fills values with draws.</summary>
    public Filler Fill { get; }

    /// <summary>All 0.</summary>
    public static Init Zeros { get; } = Constant(0);

    /// <summary>All 1.</summary>
    public static Init Ones { get; } = Constant(1);

    /// <summary>All the same.</summary>
    public static Init Constant(float value) => new((ref draw, values) => values.Fill(value));

    /// <summary>Normal with mean 0.</summary>
    public static Init Normal(double deviation) => new((ref draw, values) =>
    {
        foreach (ref var value in values)
            value = (float)draw.NextNormal(0, deviation);
    });

    /// <summary>Uniform in ±<paramref name="bound"/>.</summary>
    public static Init Uniform(double bound) => new((ref draw, values) =>
    {
        foreach (ref var value in values)
            value = (float)draw.NextDouble(-bound, bound);
    });

    /// <summary>Uniform in ±√(6/(in + out)) (Glorot).</summary>
    public static Init Xavier(long fanIn, long fanOut) => Uniform(Math.Sqrt(6.0 / (fanIn + fanOut)));

    /// <summary>Uniform in ±1/√in, torch's default for linear layers and convolutions, weights and biases alike.</summary>
    public static Init FanIn(long fanIn) => Uniform(1 / Math.Sqrt(fanIn));

    /// <summary>The same, but for one row of zeros (padding in a table of embeddings).</summary>
    public Init WithZeroRow(int row, int width) => new((ref draw, values) =>
    {
        Fill(ref draw, values);
        values.Slice(row * width, width).Clear();
    });

    /// <summary>Given values.</summary>
    public static Init Values(float[] given) => new((ref draw, values) => given.CopyTo(values));

    /// <summary>The first rows of <paramref name="width"/> values by one rule, the rest by another.</summary>
    public static Init FirstRow(int width, Init first, Init rest) => new((ref draw, values) =>
    {
        first.Fill(ref draw, values[..Math.Min(width, values.Length)]);
        if (values.Length > width)
            rest.Fill(ref draw, values[width..]);
    });
}
