using System.IO.MemoryMappedFiles;
using System.Text.Json;
using Tandem.Data.Images;

namespace Tandem.Data.Sources;

/// <summary>
/// A cache file: samples one after another (pixels, or files as they were), behind them an index as JSON and an end of 24 bytes (index offset, index length, mark).
/// Written beside its place and renamed, so that a reader sees a whole file or none.
/// </summary>
static class CacheFile
{
    const ulong Mark = 0x3143_4950_4D44_4E54; // "TNDMPIC1", little-endian

    /// <summary>Everything but the samples' bytes.</summary>
    public sealed record Index(string Description, bool Pixels, string[] Names, string[] Places, int[]? Labels, string[]? Classes, long[] Offsets, int[] Widths, int[] Heights, string[] Skipped, int SkippedCount);

    /// <summary>Writes a cache beside its place; <see cref="Commit"/> puts it there, Dispose without it leaves nothing.</summary>
    public sealed class Writer : IDisposable
    {
        readonly string temporary, place;
        readonly FileStream stream;
        bool committed;

        /// <exception cref="IOException">The folder cannot be written.</exception>
        /// <exception cref="UnauthorizedAccessException">The folder cannot be written.</exception>
        public Writer(string place)
        {
            this.place = place;
            var folder = Path.GetDirectoryName(place)!;
            Directory.CreateDirectory(folder);
            Sweep(folder);
            temporary = FormattableString.Invariant($"{place}.{Environment.ProcessId}-{Guid.NewGuid():N}.tmp");
            stream = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1 << 16);
        }

        // What processes left that were killed while they wrote: it may be gigabytes.
        static void Sweep(string folder)
        {
            foreach (var left in Directory.EnumerateFiles(folder, "*.tmp"))
            {
                try
                {
                    // A living writer holds its file.
                    using (new FileStream(left, FileMode.Open, FileAccess.ReadWrite, FileShare.None))
                        File.Delete(left);
                }
                catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
                {
                    // Someone else's, or just gone.
                }
            }
        }

        public long Position => stream.Position;

        public void Write(ReadOnlySpan<byte> data) => stream.Write(data);

        public void Commit(Index index)
        {
            var at = stream.Position;
            JsonSerializer.Serialize(stream, index);
            var end = new byte[24];
            BitConverter.TryWriteBytes(end, at);
            BitConverter.TryWriteBytes(end.AsSpan(8), stream.Position - at);
            BitConverter.TryWriteBytes(end.AsSpan(16), Mark);
            stream.Write(end);
            stream.Flush(flushToDisk: false);
            stream.Dispose();
            File.Move(temporary, place, overwrite: true);
            committed = true;
        }

        public void Dispose()
        {
            stream.Dispose();
            if (!committed)
                File.Delete(temporary);
        }
    }

    /// <summary>Opens a cache file, or null when there is none or it is damaged (it is then built anew).</summary>
    public static MappedPictures? Open(string place)
    {
        if (!File.Exists(place))
            return null;
        try
        {
            using var stream = new FileStream(place, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            var end = new byte[24];
            stream.Seek(-end.Length, SeekOrigin.End);
            stream.ReadExactly(end);
            long at = BitConverter.ToInt64(end), length = BitConverter.ToInt64(end, 8);
            if (BitConverter.ToUInt64(end, 16) != Mark || at < 0 || length is <= 0 or > int.MaxValue || at + length + end.Length != stream.Length)
                return null;
            var bytes = new byte[length];
            stream.Seek(at, SeekOrigin.Begin);
            stream.ReadExactly(bytes);
            var index = JsonSerializer.Deserialize<Index>(bytes);
            return index?.Places is null || index.Offsets.Length != index.Names.Length + 1 || index.Offsets[^1] != at ? null : new MappedPictures(place, index);
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException or JsonException or ArgumentException)
        {
            return null;
        }
    }
}

/// <summary>Samples of a cache file, mapped into memory: threads and processes share the pages.</summary>
sealed unsafe class MappedPictures : PictureSource
{
    readonly CacheFile.Index index;
    readonly MemoryMappedFile map;
    readonly MemoryMappedViewAccessor view;
    readonly byte* start;

    public MappedPictures(string place, CacheFile.Index index)
    {
        this.index = index;
        map = MemoryMappedFile.CreateFromFile(new FileStream(place, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete), null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: false);
        view = map.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
    }

    public CacheFile.Index Index => index;

    public override int Count => index.Names.Length;

    public override bool IsDecoded => index.Pixels;

    public override string Description => $"{index.Description} (cached)";

    public override IReadOnlyList<string>? ClassNames => index.Classes;

    public override int? Label(int sample) => index.Labels?[sample];

    public override string Name(int sample) => index.Names[sample];

    public override string Where(int sample) => index.Places[sample];

    ReadOnlySpan<byte> Bytes(int sample)
    {
        ObjectDisposedException.ThrowIf(view.SafeMemoryMappedViewHandle.IsClosed, this);
        return new(start + index.Offsets[sample], checked((int)(index.Offsets[sample + 1] - index.Offsets[sample])));
    }

    public override byte[] ReadBytes(int sample) => Bytes(sample).ToArray();

    public override Picture Read(int sample, PictureReading reading)
    {
        if (!index.Pixels)
            return PictureDecoder.Decode(Bytes(sample), Name(sample), reading);
        var picture = Picture.Rent(index.Widths[sample], index.Heights[sample], 3);
        Bytes(sample).CopyTo(picture.Pixels);
        return picture;
    }

    protected override void Dispose(bool disposing)
    {
        if (!disposing)
            return;
        view.SafeMemoryMappedViewHandle.ReleasePointer();
        view.Dispose();
        map.Dispose();
    }
}

/// <summary>Samples kept in this process's memory, where no cache file can be written.</summary>
sealed class PicturesInMemory(CacheFile.Index index, byte[][] samples) : PictureSource
{
    public override int Count => samples.Length;

    public override bool IsDecoded => true;

    public override string Description => $"{index.Description} (in memory)";

    public override IReadOnlyList<string>? ClassNames => index.Classes;

    public override int? Label(int sample) => index.Labels?[sample];

    public override string Name(int sample) => index.Names[sample];

    public override string Where(int sample) => index.Places[sample];

    public override byte[] ReadBytes(int sample) => samples[sample];

    public override Picture Read(int sample, PictureReading reading) => new Picture(index.Widths[sample], index.Heights[sample], 3, samples[sample]).Copy();
}
