using Tandem.Models.Formats;
using Tandem.Torch;

namespace Tandem.Verify;

/// <summary>The tensors of one file of a golden case. It remembers which were asked for. A missing file is an empty set.</summary>
public sealed class TensorSet
{
    readonly string file;
    readonly Dictionary<string, HostTensor> tensors;
    readonly HashSet<string> unread;

    TensorSet(string file, Dictionary<string, HostTensor> tensors)
    {
        this.file = file;
        this.tensors = tensors;
        unread = [.. tensors.Keys];
    }

    internal static TensorSet Open(string folder, string name)
    {
        var file = System.IO.Path.Combine(folder, name + ".safetensors");
        return new TensorSet(file, System.IO.File.Exists(file) ? Safetensors.ReadAll(file) : []);
    }

    /// <summary>A tensor by name.</summary>
    /// <exception cref="TandemException">The case has none of this name (<see cref="ErrorKind.Input"/>).</exception>
    public HostTensor this[string name] => TryGet(name) ?? throw new TandemException(ErrorKind.Input, $"the case has no tensor '{name}'", file);

    /// <summary>A tensor by name, or null.</summary>
    public HostTensor? TryGet(string name)
    {
        unread.Remove(name);
        return tensors.GetValueOrDefault(name);
    }

    /// <summary>Whether there is a tensor of this name; does not count as reading it.</summary>
    public bool Contains(string name) => tensors.ContainsKey(name);

    /// <summary>All names.</summary>
    public IReadOnlyCollection<string> Names => tensors.Keys;

    /// <summary>Tensors whose names begin with <paramref name="prefix"/>, by the rest of their names, in ordinal order; all count as read.</summary>
    public IReadOnlyDictionary<string, HostTensor> Under(string prefix)
    {
        var found = new SortedDictionary<string, HostTensor>(StringComparer.Ordinal);
        foreach (var name in tensors.Keys.Where(name => name.StartsWith(prefix, StringComparison.Ordinal)))
        {
            found[name[prefix.Length..]] = tensors[name];
            unread.Remove(name);
        }
        return found;
    }

    /// <summary>The recorded draws <paramref name="prefix"/>.000, .001, … in order of execution; all count as read.</summary>
    public IReadOnlyList<HostTensor> Draws(string prefix) => [.. Under(prefix + ".").Where(pair => pair.Key.Length > 0 && pair.Key.All(char.IsAsciiDigit)).Select(pair => pair.Value)];

    /// <summary>All tensors; all count as read.</summary>
    public IReadOnlyDictionary<string, HostTensor> All()
    {
        unread.Clear();
        return tensors;
    }

    /// <summary>Declares tensors known that the check does not need (they repeat what it computes itself).</summary>
    public void Known(params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
            unread.Remove(name);
    }

    /// <summary>Names nobody asked for, in ordinal order.</summary>
    public IReadOnlyList<string> Unread => [.. unread.Order(StringComparer.Ordinal)];
}
