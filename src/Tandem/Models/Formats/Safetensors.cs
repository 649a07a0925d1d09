using Microsoft.Win32.SafeHandles;
using Tandem.Data;
using Tandem.Torch;

namespace Tandem.Models.Formats;

/// <summary>
/// A safetensors file: the header is read and checked at once, tensors one by one when asked for, so that a file may be larger than memory.
/// Safe to read from several threads. Format and checks: Hugging Face's reference implementation, commit 24b0b28.
/// </summary>
public sealed class Safetensors : IDisposable
{
    readonly SafeFileHandle file;
    readonly long dataStart;
    readonly Dictionary<string, SafetensorsEntry> entries;

    Safetensors(string path, SafeFileHandle file, List<SafetensorsEntry> found, IReadOnlyDictionary<string, string> metadata, long dataStart)
    {
        Path = path;
        this.file = file;
        this.dataStart = dataStart;
        Metadata = metadata;
        Names = found.ConvertAll(entry => entry.Name);
        entries = found.ToDictionary(entry => entry.Name, StringComparer.Ordinal);
    }

    /// <summary>Opens a file and checks its header.</summary>
    /// <exception cref="TandemException">The file is missing, unreadable or wrong (<see cref="ErrorKind.Input"/>).</exception>
    public static Safetensors Open(string path)
    {
        try
        {
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
            var (entries, metadata, dataStart) = SafetensorsHeader.Read(stream, path);
            return new Safetensors(path, File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, FileOptions.None), entries, metadata, dataStart);
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            throw new TandemException(ErrorKind.Input, $"the file cannot be read: {cause.Message}", path, "a readable safetensors file", inner: cause);
        }
    }

    /// <summary>All tensors of a file, by name.</summary>
    /// <exception cref="TandemException">The file is wrong, or holds a type that cannot be loaded (<see cref="ErrorKind.Input"/>).</exception>
    public static Dictionary<string, HostTensor> ReadAll(string path)
    {
        using var file = Open(path);
        return file.Names.ToDictionary(name => name, file.Read, StringComparer.Ordinal);
    }

    /// <summary>Writes tensors to a file, byte for byte as the reference writer does: beside, flushed, renamed.</summary>
    /// <param name="path">Where the file shall stand.</param>
    /// <param name="tensors">The tensors, in any order.</param>
    /// <param name="metadata">Free texts; <c>{"format": "pt"}</c> when null.</param>
    /// <exception cref="TandemException">The disk is full or refuses (<see cref="ErrorKind.Machine"/>).</exception>
    public static void Write(string path, IEnumerable<KeyValuePair<string, HostTensor>> tensors, IReadOnlyDictionary<string, string>? metadata = null)
        => SafetensorsWriter.Write(path, [.. tensors.Select(pair => new SafetensorsPart(pair.Key, pair.Value.Type, pair.Value.Shape, () => pair.Value.Bytes))], metadata);

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>The tensors' names, in the order of their data.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>The free texts in the header; empty when there are none.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>Bytes before the data: 8 and the header's.</summary>
    public long HeaderBytes => dataStart;

    /// <summary>Whether the file has a tensor of this name.</summary>
    public bool Contains(string name) => entries.ContainsKey(name);

    /// <summary>What the header says of a tensor.</summary>
    /// <exception cref="TandemException">There is no such tensor (<see cref="ErrorKind.Input"/>).</exception>
    public SafetensorsEntry Entry(string name) => entries.TryGetValue(name, out var entry)
        ? entry
        : throw FileFault.Inconsistent.Error($"the file has no tensor '{name}'", Path, remedy: $"`tandem models inspect {Path}` lists what it has.");

    /// <summary>Reads a tensor into managed memory.</summary>
    /// <exception cref="TandemException">There is no such tensor, its type cannot be loaded, or it exceeds what one array holds, 2 GiB (<see cref="ErrorKind.Input"/>).</exception>
    public HostTensor Read(string name)
    {
        var entry = Entry(name);
        var type = entry.Type
            ?? throw FileFault.Unsupported.Error($"tensor '{name}' has type {entry.TypeName}, which libtorch cannot hold", Path, remedy: "Convert the tensor to F32 or I64 with the program that wrote it.");
        if (entry.Size > Array.MaxLength)
            throw FileFault.TooLarge.Error($"tensor '{name}' has {entry.Size} bytes", Path, $"at most {Array.MaxLength} at once", "Read it in pieces.");
        var bytes = new byte[entry.Size];
        ReadBytes(name, 0, bytes);
        return new HostTensor(type, [.. entry.Shape], bytes);
    }

    /// <summary>Reads a piece of a tensor's bytes, for tensors that one array does not hold and for memory of one's own.</summary>
    /// <param name="name">The tensor.</param>
    /// <param name="offset">Bytes from its begin.</param>
    /// <param name="into">Is filled as a whole.</param>
    /// <exception cref="TandemException">There is no such tensor, or the file has become shorter (<see cref="ErrorKind.Input"/>).</exception>
    /// <exception cref="ArgumentOutOfRangeException">The piece leaves the tensor.</exception>
    public void ReadBytes(string name, long offset, Span<byte> into)
    {
        var entry = Entry(name);
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, entry.Size - into.Length);
        var at = dataStart + entry.Begin + offset;
        for (var rest = into; rest.Length > 0;)
        {
            var read = RandomAccess.Read(file, rest, at);
            if (read == 0)
                throw FileFault.Truncated.Error($"the file became shorter while tensor '{name}' was read", Path);
            rest = rest[read..];
            at += read;
        }
        if (entry.Type == ScalarType.Bool)
        {
            // Some writers store any non-zero byte for true; a boolean of libtorch is 0 or 1.
            foreach (ref var flag in into)
                flag = flag == 0 ? (byte)0 : (byte)1;
        }
    }

    /// <summary>Closes the file.</summary>
    public void Dispose() => file.Dispose();
}
