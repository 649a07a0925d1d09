namespace Tandem.Torch;

/// <summary>
/// Owns every tensor made on this thread while it is the innermost scope, and frees them at its end. What shall outlive it leaves with
/// <see cref="Keep"/>. Graphs hold what their gradients need by themselves, so a scope around a layer is right in training too.
/// </summary>
/// <example><code>using var scope = TensorScope.Enter();
/// return scope.Keep(Ops.Gelu(x.Add(y)));</code></example>
public sealed class TensorScope : IDisposable
{
    [ThreadStatic]
    static TensorScope? current;

    readonly TensorScope? outer;
    readonly List<Tensor> owned = [];
    bool ended;

    TensorScope(string? name)
    {
        Name = name;
        outer = current;
    }

    /// <summary>A name that appears in errors.</summary>
    public string? Name { get; }

    /// <summary>Tensors that this scope owns now.</summary>
    public int Count => owned.Count;

    /// <summary>The innermost scope of this thread.</summary>
    public static TensorScope? Current => current;

    /// <summary>Opens a scope within the current one.</summary>
    public static TensorScope Enter(string? name = null)
    {
        Tensor.FreeForgotten();
        return current = new TensorScope(name);
    }

    /// <summary>Hands a tensor to the scope outside (or to nobody, if there is none) and returns it.</summary>
    public Tensor Keep(Tensor tensor)
    {
        if (tensor.Owner == this)
        {
            Remove(tensor);
            if (outer is not null)
                outer.Adopt(tensor);
            else
                tensor.Owner = null;
        }
        if (tensor.Twin is { } twin && twin.Owner == this)
            Keep(twin);
        return tensor;
    }

    /// <summary>Takes a tensor out of every scope; whoever calls this disposes of it.</summary>
    public static Tensor Release(Tensor tensor)
    {
        tensor.Owner?.Remove(tensor);
        return tensor;
    }

    /// <summary>Takes a tensor over from its owner; it will live as long as this scope.</summary>
    public Tensor Adopt(Tensor tensor)
    {
        tensor.Owner?.Remove(tensor);
        tensor.Owner = this;
        tensor.Slot = owned.Count;
        owned.Add(tensor);
        return tensor;
    }

    /// <summary>Frees what is owned. Scopes end in the reverse order of their beginning.</summary>
    public void Dispose()
    {
        if (ended)
            return;
        if (current != this)
            throw new InvalidOperationException("a scope ended while a scope within it was still open, or on another thread");
        ended = true;
        current = outer;
        foreach (var tensor in owned)
            tensor.Free(this);
        owned.Clear();
    }

    internal void Remove(Tensor tensor)
    {
        var last = owned[^1];
        owned[tensor.Slot] = last;
        last.Slot = tensor.Slot;
        owned.RemoveAt(owned.Count - 1);
        tensor.Owner = null;
    }
}
