using System.Buffers.Binary;
using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;

namespace Tandem.Data.Text;

/// <summary>
/// The token ids of a corpus, one line after another, and the lines' sizes: mapped into memory, so that threads and processes share the pages and
/// a corpus may be larger than memory. Safe from many threads.
/// </summary>
public sealed unsafe class TokenStore : IDisposable
{
    readonly List<IDisposable> owned = [];
    readonly List<MemoryMappedViewAccessor> views = [];
    readonly byte* tokens;
    readonly int* sizes;
    readonly int code;
    bool disposed;

    // fairseq's codes of element types.
    const int UInt8 = 1, Int8 = 2, Int16 = 3, Int32 = 4, Int64 = 5, UInt16 = 8, UInt32 = 9, UInt64 = 10;

    internal TokenStore(FileStream file, bool wide, long count, long lines, long sizesAt, string description)
    {
        (Count, Lines, Description, code) = (count, checked((int)lines), description, wide ? UInt32 : UInt16);
        tokens = Map(file);
        sizes = (int*)(tokens + sizesAt);
    }

    TokenStore(FileStream ids, FileStream index, int code, long count, int lines, string description)
    {
        (Count, Lines, Description, this.code) = (count, lines, description, code);
        tokens = count == 0 ? null : Map(ids);
        sizes = (int*)(Map(index) + IndexHeader);
    }

    byte* Map(FileStream file)
    {
        var map = MemoryMappedFile.CreateFromFile(file, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: false);
        var view = map.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
        owned.Add(map);
        views.Add(view);
        byte* start = null;
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
        return start;
    }

    /// <summary>What was tokenized, for reports.</summary>
    public string Description { get; }

    /// <summary>Tokens in all.</summary>
    public long Count { get; }

    /// <summary>Number of lines.</summary>
    public int Lines { get; }

    /// <summary>Tokens of each line.</summary>
    public ReadOnlySpan<int> Sizes
    {
        get
        {
            ObjectDisposedException.ThrowIf(disposed, this);
            return new(sizes, Lines);
        }
    }

    /// <summary>Copies tokens.</summary>
    /// <param name="start">The first one's place in the whole row.</param>
    /// <param name="to">Takes as many as it is long.</param>
    public void Read(long start, Span<long> to)
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        if (start < 0 || start + to.Length > Count)
            throw new ArgumentOutOfRangeException(nameof(start), start, $"{to.Length} tokens from there, of {Count}");
        switch (code)
        {
            case UInt8: Widen((byte*)tokens + start, to); break;
            case Int8: Widen((sbyte*)tokens + start, to); break;
            case Int16: Widen((short*)tokens + start, to); break;
            case Int32: Widen((int*)tokens + start, to); break;
            case Int64: Widen((long*)tokens + start, to); break;
            case UInt16: Widen((ushort*)tokens + start, to); break;
            case UInt32: Widen((uint*)tokens + start, to); break;
            default: Widen((long*)tokens + start, to); break;
        }
    }

    static void Widen<T>(T* from, Span<long> to) where T : unmanaged, System.Numerics.INumber<T>
    {
        for (var i = 0; i < to.Length; i++)
            to[i] = long.CreateTruncating(from[i]);
    }

    const int IndexHeader = 26;

    /// <summary>Opens fairseq's pair of files: <c>NAME.bin</c> with the ids and <c>NAME.idx</c> with the lines' sizes.</summary>
    /// <param name="path">Either file, or their common name.</param>
    /// <exception cref="TandemException"><see cref="ErrorKind.Input"/>: one is missing, or the two contradict each other.</exception>
    public static TokenStore OpenFairseq(string path)
    {
        var name = Path.GetExtension(path) is ".bin" or ".idx" ? Path.ChangeExtension(path, null) : path;
        string ids = name + ".bin", index = name + ".idx";
        FileStream? first = null, second = null;
        try
        {
            second = File.OpenRead(index);
            first = File.OpenRead(ids);
            var head = new byte[IndexHeader];
            if (second.ReadAtLeast(head, head.Length, throwOnEndOfStream: false) < head.Length)
                throw FileFault.Truncated.Error("the index ends inside its header", index);
            if (!head.AsSpan(0, 9).SequenceEqual("MMIDIDX\0\0"u8) || BinaryPrimitives.ReadInt64LittleEndian(head.AsSpan(9)) != 1)
                throw FileFault.Unsupported.Error("this is no index of fairseq's memory-mapped form (version 1)", index);
            var code = (int)head[17];
            var width = code switch { UInt8 or Int8 => 1, Int16 or UInt16 => 2, Int32 or UInt32 => 4, Int64 or UInt64 => 8, _ => throw FileFault.Unsupported.Error($"ids of type {code}", index, "whole numbers") };
            var lines = BinaryPrimitives.ReadInt64LittleEndian(head.AsSpan(18));
            if (lines is < 0 or > int.MaxValue || second.Length < IndexHeader + (12 * lines))
                throw FileFault.Truncated.Error($"the index announces {lines} lines, its {second.Length} bytes hold fewer", index);
            var sizes = new byte[checked((int)(4 * lines))];
            second.ReadExactly(sizes);
            long total = 0;
            foreach (var size in MemoryMarshal.Cast<byte, int>(sizes))
                total += size < 0 ? throw FileFault.Inconsistent.Error("a line has a negative size", index) : size;
            if (total * width > first.Length)
                throw FileFault.Truncated.Error($"the index announces {total} ids, the file holds {first.Length / width}", ids);
            return new(first, second, code, total, (int)lines, $"tokens {name}");
        }
        catch (Exception cause)
        {
            first?.Dispose();
            second?.Dispose();
            if (cause is IOException or UnauthorizedAccessException)
                throw Sources.FileSet.Unreadable(second is null ? index : ids, cause);
            throw;
        }
    }

    /// <summary>Closes the files.</summary>
    public void Dispose()
    {
        if (disposed)
            return;
        disposed = true;
        foreach (var view in views)
        {
            view.SafeMemoryMappedViewHandle.ReleasePointer();
            view.Dispose();
        }
        foreach (var one in owned)
            one.Dispose();
    }
}
