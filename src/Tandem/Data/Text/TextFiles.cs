using System.IO.Compression;
using Tandem.Data.Sources;

namespace Tandem.Data.Text;

/// <summary>What files of text are called, and how they are opened.</summary>
static class TextFiles
{
    /// <summary>text, jsonl, json, csv, tsv or tar by the name's ending, perhaps with .gz behind it; null where it tells nothing.</summary>
    public static string? FormatOf(string name)
    {
        if (name.EndsWith(".gz", StringComparison.OrdinalIgnoreCase))
            name = name[..^3];
        return Path.GetExtension(name).ToLowerInvariant() switch
        {
            ".txt" or ".text" or ".md" => "text",
            ".jsonl" or ".ndjson" => "jsonl",
            ".json" => "json",
            ".csv" => "csv",
            ".tsv" => "tsv",
            ".tar" or ".tgz" => "tar",
            _ => null,
        };
    }

    /// <summary>A file on disk, uncompressed.</summary>
    public static Stream Open(string file, bool packed)
    {
        try
        {
            var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 17, FileOptions.SequentialScan);
            return packed ? new GZipStream(stream, CompressionMode.Decompress) : stream;
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            throw FileSet.Unreadable(file, cause);
        }
    }

    /// <summary>A file of a set, uncompressed if it is gzipped.</summary>
    public static Stream Open(FileSet set, int file)
    {
        var head = new byte[2];
        var packed = set.Read(file, 0, head) == 2 && head is [0x1F, 0x8B];
        var stream = new MemberStream(set, file);
        return packed ? new GZipStream(new BufferedStream(stream, 1 << 16), CompressionMode.Decompress) : stream;
    }

    sealed class MemberStream(FileSet set, int file) : Stream
    {
        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => set.Size(file);

        public override long Position { get; set; }

        public override int Read(Span<byte> buffer)
        {
            var read = set.Read(file, Position, buffer);
            Position += read;
            return read;
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
