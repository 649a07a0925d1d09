using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Unicode;

namespace Tandem.Data.Text;

/// <summary>
/// Reads the lines of a stream as UTF-8, checked: a byte order mark is dropped, a line ends at a line feed, a carriage return before it belongs to
/// the end. Memory grows with the longest line only.
/// </summary>
/// <param name="stream">What to read.</param>
/// <param name="where">Its name, for errors.</param>
/// <param name="replaceInvalid">Whether broken bytes become U+FFFD instead of an error.</param>
sealed class LineReader(Stream stream, string where, bool replaceInvalid) : IDisposable
{
    const int LongestLine = 1 << 30;
    byte[] buffer = ArrayPool<byte>.Shared.Rent(1 << 16);
    int start, end;
    bool atEnd, begun;

    /// <summary>Whether line ends stay part of the lines.</summary>
    public bool KeepsEnds { get; init; }

    /// <summary>Hears of each line with broken bytes, which then become U+FFFD; null: it is an error, unless they are replaced anyway.</summary>
    public Action<TandemException>? Broken { get; init; }

    /// <summary>Number of the line read last, from 1.</summary>
    public long Line { get; private set; }

    /// <summary>The line's place, for errors.</summary>
    public string Where => string.Create(CultureInfo.InvariantCulture, $"{where}, line {Line}");

    /// <summary>The next line; valid until the next call.</summary>
    /// <exception cref="TandemException"><see cref="ErrorKind.Input"/>: broken UTF-8, another encoding, a line of more than 1 GiB, or a file that cannot be read.</exception>
    public bool Next(out ReadOnlySpan<byte> line)
    {
        if (!begun)
            Begin();
        line = default;
        var searched = 0;
        int feed;
        while ((feed = buffer.AsSpan(start + searched, end - start - searched).IndexOf((byte)'\n')) < 0 && !atEnd)
        {
            searched = end - start;
            Fill();
        }
        if (feed < 0 && start == end)
            return false;
        Line++;
        var length = feed < 0 ? end - start : searched + feed + 1;
        line = buffer.AsSpan(start, length);
        start += length;
        if (!KeepsEnds)
        {
            if (line[^1] == (byte)'\n')
                line = line[..^1];
            if (line.Length > 0 && line[^1] == (byte)'\r')
                line = line[..^1];
        }
        if (!Utf8.IsValid(line))
            line = Repair(line);
        return true;
    }

    ReadOnlySpan<byte> Repair(ReadOnlySpan<byte> line)
    {
        if (replaceInvalid)
            return Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(line));
        var at = 0;
        while (Rune.DecodeFromUtf8(line[at..], out _, out var length) == OperationStatus.Done)
            at += length;
        var error = new TandemException(ErrorKind.Input, string.Create(CultureInfo.InvariantCulture, $"the text is not UTF-8: byte 0x{line[at]:X2} at byte {at + 1} of the line"), Where, "UTF-8",
            "Convert the file (for example `iconv -f LATIN1 -t UTF-8`), or let broken bytes be replaced (invalid=replace)");
        if (Broken is null)
            throw error;
        Broken(error);
        return Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(line));
    }

    void Begin()
    {
        begun = true;
        while (end < 4096 && !atEnd)
            Fill();
        var head = buffer.AsSpan(0, Math.Min(end, 4096));
        if (head is [0xFF, 0xFE, ..] or [0xFE, 0xFF, ..] || head.Count((byte)0) > head.Length / 8)
        {
            throw new TandemException(ErrorKind.Input, head is [0xFF, 0xFE, ..] or [0xFE, 0xFF, ..] ? "the text is UTF-16" : "this is no text: it is full of zero bytes", where, "UTF-8",
                "Convert it with `iconv -f UTF-16 -t UTF-8`, or leave it out");
        }
        if (head is [0xEF, 0xBB, 0xBF, ..])
            start = 3;
    }

    void Fill()
    {
        if (start > 0)
        {
            buffer.AsSpan(start, end - start).CopyTo(buffer);
            (start, end) = (0, end - start);
        }
        if (end == buffer.Length)
        {
            if (end >= LongestLine)
                throw FileFault.TooLarge.Error($"a line has more than {LongestLine >> 20} MiB", string.Create(CultureInfo.InvariantCulture, $"{where}, line {Line + 1}"), "text with line breaks");
            var larger = ArrayPool<byte>.Shared.Rent(buffer.Length * 2);
            buffer.AsSpan(0, end).CopyTo(larger);
            ArrayPool<byte>.Shared.Return(buffer);
            buffer = larger;
        }
        try
        {
            var read = stream.Read(buffer, end, buffer.Length - end);
            atEnd = read == 0;
            end += read;
        }
        catch (InvalidDataException cause)
        {
            throw FileFault.Inconsistent.Error("the compressed file is damaged", where, inner: cause);
        }
        catch (IOException cause)
        {
            throw Sources.FileSet.Unreadable(where, cause);
        }
    }

    /// <summary>Gives the buffer back and closes the stream.</summary>
    public void Dispose()
    {
        stream.Dispose();
        ArrayPool<byte>.Shared.Return(buffer);
        buffer = [];
        start = end = 0;
        atEnd = true;
    }
}
