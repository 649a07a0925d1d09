using System.IO.Compression;
using Microsoft.Win32.SafeHandles;

namespace Tandem.Data.Sources;

/// <summary>
/// Named files that lie somewhere: in a folder, in a tar, in a compressed tar. They are read at random and from any thread, never unpacked.
/// </summary>
public abstract class FileSet : IDisposable
{
    /// <summary>Where the set lies.</summary>
    public abstract string Path { get; }

    /// <summary>Names with <c>/</c> between folders, in the order of the set (an archive's own; sorted for folders).</summary>
    public abstract IReadOnlyList<string> Names { get; }

    /// <summary>Bytes of a file.</summary>
    /// <exception cref="TandemException">The file is gone.</exception>
    public abstract long Size(int file);

    /// <summary>Reads part of a file; fewer bytes than asked for only at its end.</summary>
    /// <exception cref="TandemException">The file cannot be read.</exception>
    public abstract int Read(int file, long offset, Span<byte> to);

    /// <summary>Reads a whole file.</summary>
    /// <exception cref="TandemException">The file cannot be read.</exception>
    public virtual byte[] Read(int file)
    {
        var size = Size(file);
        if (size > Array.MaxLength)
            throw FileFault.TooLarge.Error($"the file has {size} bytes", Where(file));
        var data = new byte[size];
        return Read(file, 0, data) == size ? data : throw FileFault.Truncated.Error("the file is shorter than it was", Where(file));
    }

    /// <summary>A file's place in words, for errors.</summary>
    public virtual string Where(int file) => $"{Path}: {Names[file]}";

    /// <summary>What tells one state of a file from another: size and time of change.</summary>
    internal abstract string Stamp(int file);

    /// <summary>Closes what is open.</summary>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Closes what is open.</summary>
    protected virtual void Dispose(bool disposing)
    {
    }

    /// <summary>Opens a file, with an error for people if that fails.</summary>
    internal static SafeFileHandle Open(string path)
    {
        try
        {
            return File.OpenHandle(path);
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            throw Unreadable(path, cause);
        }
    }

    internal static TandemException Unreadable(string path, Exception cause) =>
        new(cause is UnauthorizedAccessException ? ErrorKind.Machine : ErrorKind.Input, $"the file cannot be read: {cause.Message}", path, remedy: "check its name and permissions", inner: cause);

    internal static string StampOf(string path)
    {
        var info = new FileInfo(path);
        return info.Exists ? FormattableString.Invariant($"{info.Length} {info.LastWriteTimeUtc.Ticks}") : "missing";
    }
}

/// <summary>Files on disk, under a folder or anywhere.</summary>
/// <param name="root">The folder that names are relative to.</param>
/// <param name="names">Relative (or absolute) names.</param>
sealed class DiskFiles(string root, IReadOnlyList<string> names) : FileSet
{
    public override string Path => root;

    public override IReadOnlyList<string> Names => names;

    /// <summary>All files below a folder, folders sorted by path, files of a folder by name; links are followed, circles are not.</summary>
    public static DiskFiles Under(string root)
    {
        var names = new List<string>();
        Walk(new DirectoryInfo(root), "", names, []);
        names.Sort((a, b) => ByFolderThenName(a, b, 0));
        return new(root, names);
    }

    /// <summary>
    /// torchvision's order: top folder (the class), then the whole folder, then the name, each by code point. Names are compared from
    /// <paramref name="root"/> on; what stands before is common to both.
    /// </summary>
    public static int ByFolderThenName(string a, string b, int root)
    {
        ReadOnlySpan<char> restA = a.AsSpan(root), restB = b.AsSpan(root);
        var order = Upto(restA, restA.IndexOf('/')).SequenceCompareTo(Upto(restB, restB.IndexOf('/')));
        if (order == 0)
            order = Upto(restA, restA.LastIndexOf('/')).SequenceCompareTo(Upto(restB, restB.LastIndexOf('/')));
        return order != 0 ? order : string.CompareOrdinal(a, b);
    }

    static ReadOnlySpan<char> Upto(ReadOnlySpan<char> name, int slash) => slash < 0 ? [] : name[..slash];

    static void Walk(DirectoryInfo folder, string prefix, List<string> names, HashSet<string> open)
    {
        var real = folder.LinkTarget is null ? folder.FullName : folder.ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? folder.FullName;
        if (!open.Add(real))
            return;
        try
        {
            foreach (var entry in folder.EnumerateFileSystemInfos("*", new EnumerationOptions { AttributesToSkip = default, IgnoreInaccessible = false }))
            {
                if (entry is DirectoryInfo inner)
                    Walk(inner, $"{prefix}{entry.Name}/", names, open);
                else
                    names.Add(prefix + entry.Name);
            }
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            throw Unreadable(folder.FullName, cause);
        }
        open.Remove(real);
    }

    string Full(int file) => System.IO.Path.Combine(root, names[file]);

    public override string Where(int file) => Full(file);

    public override long Size(int file)
    {
        var info = new FileInfo(Full(file));
        return info.Exists ? info.Length : throw new TandemException(ErrorKind.Input, "the file is not there", Full(file));
    }

    public override int Read(int file, long offset, Span<byte> to)
    {
        using var handle = Open(Full(file));
        return FillFrom(handle, offset, to, Full(file));
    }

    public override byte[] Read(int file)
    {
        try
        {
            return File.ReadAllBytes(Full(file));
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            throw Unreadable(Full(file), cause);
        }
    }

    /// <summary>A file of the folder by name, or null if there is none.</summary>
    public byte[]? ReadNamed(string name)
    {
        var path = System.IO.Path.Combine(root, name);
        return File.Exists(path) ? File.ReadAllBytes(path) : null;
    }

    internal override string Stamp(int file) => StampOf(Full(file));

    internal static int FillFrom(SafeFileHandle handle, long offset, Span<byte> to, string path)
    {
        try
        {
            var total = 0;
            while (total < to.Length)
            {
                var read = RandomAccess.Read(handle, to[total..], offset + total);
                if (read == 0)
                    break;
                total += read;
            }
            return total;
        }
        catch (IOException cause)
        {
            throw Unreadable(path, cause);
        }
    }
}

/// <summary>A plain tar: an index of offsets, made once by reading the headers, and reading at random.</summary>
sealed class TarFiles : FileSet
{
    readonly SafeFileHandle handle;
    readonly List<string> names = [];
    readonly List<(long Offset, long Size)> places = [];
    readonly string stamp;

    public TarFiles(string path)
    {
        Path = path;
        stamp = StampOf(path);
        handle = Open(path);
        try
        {
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 4096);
            var reader = new TarReader(stream, path);
            while (reader.Next() is { } member)
            {
                if (member.Type != TarType.File)
                    continue;
                names.Add(member.Name.StartsWith("./", StringComparison.Ordinal) ? member.Name[2..] : member.Name);
                places.Add((member.Offset, member.Size));
            }
        }
        catch (TandemException)
        {
            handle.Dispose();
            throw;
        }
    }

    public override string Path { get; }

    public override IReadOnlyList<string> Names => names;

    public override long Size(int file) => places[file].Size;

    public override int Read(int file, long offset, Span<byte> to)
    {
        var (start, size) = places[file];
        return offset >= size ? 0 : DiskFiles.FillFrom(handle, start + offset, to[..(int)Math.Min(to.Length, size - offset)], Path);
    }

    internal override string Stamp(int file) => stamp;

    protected override void Dispose(bool disposing) => handle.Dispose();
}

/// <summary>
/// A compressed tar: one pass keeps every file's bytes, in memory up to a limit and in a nameless temporary file beyond it, so that it can be
/// read at random as well.
/// </summary>
sealed class CompressedTarFiles : FileSet
{
    /// <summary>Bytes that stay in memory.</summary>
    const long InMemory = 256L << 20;

    readonly List<string> names = [];
    readonly List<(byte[]? Data, long Offset, long Size)> places = [];
    readonly string stamp;
    FileStream? spill;

    public CompressedTarFiles(string path)
    {
        Path = path;
        stamp = StampOf(path);
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16);
            using var inflated = new GZipStream(file, CompressionMode.Decompress);
            var reader = new TarReader(inflated, path);
            long kept = 0;
            while (reader.Next() is { } member)
            {
                if (member.Type != TarType.File)
                    continue;
                var data = reader.Read();
                kept += data.Length;
                names.Add(member.Name.StartsWith("./", StringComparison.Ordinal) ? member.Name[2..] : member.Name);
                places.Add(kept <= InMemory ? (data, 0, data.Length) : (null, Spill(data), data.Length));
            }
            spill?.Flush();
        }
        catch (InvalidDataException cause)
        {
            Dispose();
            throw FileFault.Inconsistent.Error("the compressed archive is damaged", path, inner: cause);
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            Dispose();
            throw Unreadable(path, cause);
        }
    }

    public override string Path { get; }

    public override IReadOnlyList<string> Names => names;

    public override long Size(int file) => places[file].Size;

    public override byte[] Read(int file) => places[file].Data ?? base.Read(file);

    public override int Read(int file, long offset, Span<byte> to)
    {
        var (data, start, size) = places[file];
        if (offset >= size)
            return 0;
        var count = (int)Math.Min(to.Length, size - offset);
        if (data is null)
            return DiskFiles.FillFrom(spill!.SafeFileHandle, start + offset, to[..count], Path);
        data.AsSpan((int)offset, count).CopyTo(to);
        return count;
    }

    internal override string Stamp(int file) => stamp;

    protected override void Dispose(bool disposing) => spill?.Dispose();

    long Spill(byte[] data)
    {
        spill ??= new FileStream(System.IO.Path.Combine(System.IO.Path.GetTempPath(), $"tandem-{Guid.NewGuid():N}"), FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, 1 << 16, FileOptions.DeleteOnClose);
        var at = spill.Position;
        spill.Write(data);
        return at;
    }
}
