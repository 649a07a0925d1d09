using System.Buffers;

namespace Tandem.Data.Text;

/// <summary>A run of lines, valid UTF-8, without their line ends. An empty line ends a document.</summary>
public sealed class TextChunk : IDisposable
{
    byte[] bytes = ArrayPool<byte>.Shared.Rent(1 << 16);
    readonly List<int> ends = [];

    /// <summary>Number of lines.</summary>
    public int Count => ends.Count;

    /// <summary>Bytes of all lines.</summary>
    public int Size { get; private set; }

    /// <summary>A line.</summary>
    public ReadOnlySpan<byte> this[int line] => bytes.AsSpan((line == 0 ? 0 : ends[line - 1])..ends[line]);

    internal void Add(ReadOnlySpan<byte> line)
    {
        if (Size + line.Length > bytes.Length)
        {
            var larger = ArrayPool<byte>.Shared.Rent(Math.Max(checked(Size + line.Length), (int)Math.Min(Array.MaxLength, bytes.Length * 2L)));
            bytes.AsSpan(0, Size).CopyTo(larger);
            ArrayPool<byte>.Shared.Return(bytes);
            bytes = larger;
        }
        line.CopyTo(bytes.AsSpan(Size));
        Size += line.Length;
        ends.Add(Size);
    }

    /// <summary>Whether the last line ends a document.</summary>
    internal bool EndsDocument => ends.Count > 0 && ends[^1] == (ends.Count > 1 ? ends[^2] : 0);

    /// <summary>Gives the memory back.</summary>
    public void Dispose()
    {
        if (bytes.Length > 0)
            ArrayPool<byte>.Shared.Return(bytes);
        bytes = [];
        ends.Clear();
        Size = 0;
    }
}
