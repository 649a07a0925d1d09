using Tandem.Data.Sources;

namespace Tandem.Data.Text;

/// <summary>
/// Short texts one after another, read at random from any thread: in memory up to a limit, in a nameless temporary file beyond it. Filled by one
/// thread before anybody reads.
/// </summary>
/// <param name="inMemory">Bytes that stay in memory.</param>
sealed class SentenceStore(long inMemory = SentenceStore.InMemory) : IDisposable
{
    /// <summary>Bytes that stay in memory, usually.</summary>
    public const long InMemory = 256L << 20;

    const int BlockSize = 1 << 20;

    readonly List<byte[]> blocks = [];
    readonly List<(int Block, long Start, int Length)> places = [];
    int free;
    long kept;
    FileStream? spill;

    /// <summary>Number of texts.</summary>
    public int Count => places.Count;

    /// <summary>Bytes of all texts.</summary>
    public long Bytes { get; private set; }

    /// <summary>Adds a text.</summary>
    /// <exception cref="TandemException"><see cref="ErrorKind.Machine"/>: the temporary file cannot be written.</exception>
    public void Add(ReadOnlySpan<byte> text)
    {
        Bytes += text.Length;
        if (kept + text.Length > inMemory)
        {
            places.Add((-1, Spill(text), text.Length));
            return;
        }
        kept += text.Length;
        if (text.Length > free)
        {
            blocks.Add(GC.AllocateUninitializedArray<byte>(Math.Max(BlockSize, text.Length)));
            free = blocks[^1].Length;
        }
        var start = blocks.Count == 0 ? 0 : blocks[^1].Length - free;
        if (text.Length > 0)
            text.CopyTo(blocks[^1].AsSpan(start));
        free -= text.Length;
        places.Add((text.Length == 0 ? 0 : blocks.Count - 1, start, text.Length));
    }

    /// <summary>Bytes of a text.</summary>
    public int Length(int text) => places[text].Length;

    /// <summary>A text, valid UTF-8.</summary>
    /// <exception cref="TandemException">The temporary file cannot be read.</exception>
    public ReadOnlySpan<byte> this[int text]
    {
        get
        {
            var (block, start, length) = places[text];
            if (length == 0)
                return [];
            if (block >= 0)
                return blocks[block].AsSpan((int)start, length);
            var read = new byte[length];
            return DiskFiles.FillFrom(spill!.SafeFileHandle, start, read, spill.Name) == length ? read : throw FileFault.Truncated.Error("the temporary file of texts is shorter than it was", spill.Name);
        }
    }

    /// <summary>Ends the filling.</summary>
    public void Filled() => spill?.Flush();

    long Spill(ReadOnlySpan<byte> text)
    {
        try
        {
            spill ??= new FileStream(Path.Combine(Path.GetTempPath(), $"tandem-{Guid.NewGuid():N}"), FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, 1 << 16, FileOptions.DeleteOnClose);
            var at = spill.Position;
            spill.Write(text);
            return at;
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            throw new TandemException(ErrorKind.Machine, $"the texts do not fit into memory, and a temporary file cannot be written: {cause.Message}", Path.GetTempPath(), remedy: "Free space there, or set TMPDIR to another folder.", inner: cause);
        }
    }

    /// <summary>Gives the memory back and deletes the temporary file.</summary>
    public void Dispose()
    {
        spill?.Dispose();
        blocks.Clear();
    }
}
