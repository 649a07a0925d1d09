using System.Runtime.InteropServices;
using Tandem.Data.Sources;

namespace Tandem.Data.Audio;

/// <summary>
/// A sound file through libsndfile: WAV, FLAC, OGG Vorbis and Opus, MP3, AIFF and others, told by content. Integers become floats in [−1, 1), float
/// files stay as they are. Read in pieces; not for several threads at once.
/// </summary>
public sealed unsafe partial class SoundFile : IDisposable
{
    const int ReadMode = 0x10, TypeMask = 0x0FFF0000, OggType = 0x200000, MpegType = 0x230000;
    const int FlacType = 0x170000, SubtypeMask = 0xFFFF, LastPlainSubtype = 0x0007, MuLaw = 0x0010, ALaw = 0x0011;
    const int Unrecognised = 1, GetFormatInfo = 0x1028;
    const long MostFrames = 1L << 40;
    const int MostChannels = 64;

    // libsndfile keeps the error of a failed opening in a variable of its own, common to all threads.
    static readonly Lock Opening = new();

    readonly string where;
    readonly Info info = default;
    readonly ByteSource? bytes;
    nint handle;
    long read;

    SoundFile(string where, ByteSource? bytes, Opener open)
    {
        (this.where, this.bytes) = (where, bytes);
        NativeLibraries.Require(NativeLibraries.SoundFile, "libsndfile1", "sound files");
        string? message = null;
        var code = 0;
        lock (Opening)
        {
            handle = open(ref info);
            if (handle == 0)
                (message, code) = (Marshal.PtrToStringUTF8(Native.Message(0)), Native.Error(0));
        }
        if (handle == 0)
        {
            bytes?.Dispose();
            bytes?.Rethrow();
            throw (code == Unrecognised ? FileFault.Unsupported : FileFault.Inconsistent).Error($"the sound file cannot be opened: {message?.TrimEnd('.') ?? "unknown fault"}", where, "WAV, FLAC, OGG, Opus, MP3 or AIFF");
        }
        if (info.Channels is < 1 or > MostChannels || info.Rate is < 1 or > 10_000_000)
        {
            Dispose();
            throw FileFault.Inconsistent.Error($"the sound file has {info.Channels} channels at {info.Rate} Hz", where);
        }
    }

    /// <summary>Opens a file on disk.</summary>
    /// <exception cref="TandemException"><see cref="ErrorKind.Input"/>: missing, empty, cut off or no sound file; <see cref="ErrorKind.Machine"/>: libsndfile is not installed.</exception>
    public static SoundFile Open(string path)
    {
        using (var opened = FileSet.Open(path))
            CheckStart(path, RandomAccess.GetLength(opened), (offset, to) => DiskFiles.FillFrom(opened, offset, to, path));
        var name = System.Text.Encoding.UTF8.GetBytes(path + "\0");
        return new(path, null, (ref Info told) =>
        {
            fixed (byte* at = name)
            fixed (Info* info = &told)
                return Native.Open(at, ReadMode, info);
        });
    }

    /// <summary>Opens a file of a set, straight from an archive where it lies in one.</summary>
    /// <exception cref="TandemException">As for a file on disk.</exception>
    public static SoundFile Open(FileSet set, int file)
    {
        if (set is DiskFiles)
            return Open(set.Where(file));
        CheckStart(set.Where(file), set.Size(file), (offset, to) => set.Read(file, offset, to));
        var bytes = new ByteSource(set, file);
        return new(set.Where(file), bytes, bytes.Open);
    }

    delegate nint Opener(ref Info info);

    /// <summary>Frames a second.</summary>
    public int Rate => info.Rate;

    /// <summary>Channels.</summary>
    public int Channels => info.Channels;

    /// <summary>Frames as the header says, or null where it does not; not exact for MP3.</summary>
    public long? Frames => info.Frames is > 0 and < MostFrames ? info.Frames : null;

    /// <summary>Container and coding as libsndfile names them: "WAV, Signed 16 bit PCM".</summary>
    public string Format => $"{NameOf(info.Format & TypeMask)}, {NameOf(info.Format & SubtypeMask)}";

    static string NameOf(int format)
    {
        var told = new FormatInfo { Format = format };
        _ = Native.Command(0, GetFormatInfo, &told, sizeof(FormatInfo));
        // "WAV (Microsoft)", "FLAC (Free Lossless Audio Codec)": the name is enough.
        return Marshal.PtrToStringUTF8(told.Name)?.Split(" (")[0] ?? $"0x{format:X}";
    }

    /// <summary>Reads on.</summary>
    /// <param name="interleaved">Takes whole frames, the channels of a frame beside each other.</param>
    /// <returns>Frames read; 0 at the end.</returns>
    /// <exception cref="TandemException"><see cref="ErrorKind.Input"/>: the file is damaged, or ends before what its header says.</exception>
    public int Read(Span<float> interleaved)
    {
        ObjectDisposedException.ThrowIf(handle == 0, this);
        long frames;
        fixed (float* to = interleaved)
            frames = Native.Read(handle, to, interleaved.Length / Channels);
        bytes?.Rethrow();
        if (frames < 0 || (frames == 0 && Native.Error(handle) != 0))
            throw FileFault.Inconsistent.Error($"the sound file is damaged after {read} frames: {Marshal.PtrToStringUTF8(Native.Message(handle))}", where);
        read += frames;
        // Damaged and shortened files often end without an error; only formats whose frames are counted by their headers can tell.
        if (frames == 0 && (info.Format & TypeMask) is not (MpegType or OggType) && Frames is { } told && read < told)
            throw FileFault.Truncated.Error($"the sound file ends after {read} of {told} frames", where);
        return (int)frames;
    }

    /// <summary>Passes over frames without decoding them, where the format can be entered anywhere and the samples stay the same to the last bit: PCM of all kinds, FLAC.</summary>
    /// <param name="frames">How many frames from here.</param>
    /// <returns>False where the format cannot; nothing has happened then.</returns>
    /// <exception cref="TandemException"><see cref="ErrorKind.Input"/>: the file is damaged at that place.</exception>
    public bool Skip(long frames)
    {
        ObjectDisposedException.ThrowIf(handle == 0, this);
        var subtype = info.Format & SubtypeMask;
        if (info.Seekable == 0 || Frames is not { } told || read + frames > told || (subtype is > LastPlainSubtype and not (MuLaw or ALaw) && (info.Format & TypeMask) != FlacType))
            return false;
        var at = Native.Seek(handle, read + frames, 0);
        bytes?.Rethrow();
        if (at != read + frames)
            throw FileFault.Inconsistent.Error($"the sound file cannot be entered at frame {read + frames}: {Marshal.PtrToStringUTF8(Native.Message(handle))}", where);
        read = at;
        return true;
    }

    /// <summary>Whether a file begins like one of sound: WAV, FLAC, OGG, MP3, AIFF, AU, CAF, W64, RF64.</summary>
    /// <param name="head">Its first bytes.</param>
    public static bool IsSound(ReadOnlySpan<byte> head)
    {
        if (head.Length < 4)
            return false;
        if (head.Length >= 12 && head[..4].SequenceEqual("RIFF"u8))
            return head[8..12].SequenceEqual("WAVE"u8);
        // A list may begin with OggS/1.ogg: sound files have bytes that no text has.
        if (!head.ContainsAnyInRange((byte)0, (byte)8))
            return false;
        // MPEG layer II or III: eleven bits of sync, no reserved version, no reserved bit rate.
        return head[..4].SequenceEqual("fLaC"u8) || head[..4].SequenceEqual("OggS"u8) || head[..3].SequenceEqual("ID3"u8) || head[..4].SequenceEqual("FORM"u8)
            || head[..4].SequenceEqual(".snd"u8) || head[..4].SequenceEqual("caff"u8) || head[..4].SequenceEqual("riff"u8) || head[..4].SequenceEqual("RF64"u8)
            || (head[0] == 0xFF && (head[1] & 0xE0) == 0xE0 && (head[1] & 0x18) != 0x08 && (head[1] & 0x06) is 0x02 or 0x04 && (head[2] & 0xF0) != 0xF0);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (handle != 0)
            _ = Native.Close(handle);
        handle = 0;
        bytes?.Dispose();
    }

    delegate int Reading(long offset, Span<byte> to);

    // libsndfile reads a WAV that was cut off as if it were whole: the size in its data chunk tells.
    static void CheckStart(string where, long size, Reading bytes)
    {
        if (size == 0)
            throw FileFault.Truncated.Error("the sound file is empty", where);
        Span<byte> head = stackalloc byte[12];
        if (bytes(0, head) < head.Length || !head[..4].SequenceEqual("RIFF"u8) || !head[8..].SequenceEqual("WAVE"u8))
            return;
        for (long at = 12, chunks = 0; chunks < 1000 && bytes(at, head[..8]) == 8; chunks++)
        {
            var length = BitConverter.ToUInt32(head[4..]);
            if (head[..4].SequenceEqual("data"u8))
            {
                // Programs that write to a pipe leave the largest numbers here.
                if (length < 0x7FFF_0000 && at + 8 + length > size)
                    throw FileFault.Truncated.Error($"the WAV announces {length} bytes of sound and holds {size - at - 8}", where);
                return;
            }
            at += 8 + length + (length & 1);
        }
    }

    [StructLayout(LayoutKind.Sequential)]
    struct Info
    {
        public long Frames;
        public int Rate, Channels, Format, Sections, Seekable;
    }

    [StructLayout(LayoutKind.Sequential)]
    struct FormatInfo
    {
        public int Format;
        public nint Name, Extension;
    }

    static partial class Native
    {
        [LibraryImport(NativeLibraries.SoundFile, EntryPoint = "sf_command")]
        public static partial int Command(nint file, int command, FormatInfo* data, int size);

        [LibraryImport(NativeLibraries.SoundFile, EntryPoint = "sf_open")]
        public static partial nint Open(byte* path, int mode, Info* info);

        [LibraryImport(NativeLibraries.SoundFile, EntryPoint = "sf_open_virtual")]
        public static partial nint OpenVirtual(Callbacks* io, int mode, Info* info, nint user);

        [LibraryImport(NativeLibraries.SoundFile, EntryPoint = "sf_readf_float")]
        public static partial long Read(nint file, float* to, long frames);

        [LibraryImport(NativeLibraries.SoundFile, EntryPoint = "sf_seek")]
        public static partial long Seek(nint file, long frames, int whence);

        [LibraryImport(NativeLibraries.SoundFile, EntryPoint = "sf_error")]
        public static partial int Error(nint file);

        [LibraryImport(NativeLibraries.SoundFile, EntryPoint = "sf_strerror")]
        public static partial nint Message(nint file);

        [LibraryImport(NativeLibraries.SoundFile, EntryPoint = "sf_close")]
        public static partial int Close(nint file);
    }

    [StructLayout(LayoutKind.Sequential)]
    struct Callbacks
    {
        public delegate* unmanaged<nint, long> Length;
        public delegate* unmanaged<long, int, nint, long> Seek;
        public delegate* unmanaged<byte*, long, nint, long> Read;
        public delegate* unmanaged<byte*, long, nint, long> Write;
        public delegate* unmanaged<nint, long> Tell;
    }

    /// <summary>Hands libsndfile the bytes of a file in a set. No exception may pass through C code: it is kept and thrown afterwards.</summary>
    sealed class ByteSource(FileSet set, int file) : IDisposable
    {
        readonly long size = set.Size(file);
        readonly byte[] ahead = new byte[1 << 16];
        GCHandle self;
        Exception? fault;
        long position, start;
        int filled;

        public nint Open(ref Info info)
        {
            self = GCHandle.Alloc(this);
            var callbacks = new Callbacks { Length = &LengthOf, Seek = &SeekTo, Read = &ReadTo, Write = &NoWrite, Tell = &TellOf };
            fixed (Info* told = &info)
                return Native.OpenVirtual(&callbacks, ReadMode, told, GCHandle.ToIntPtr(self));
        }

        public void Rethrow()
        {
            if (fault is not null)
                System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(fault);
        }

        public void Dispose()
        {
            if (self.IsAllocated)
                self.Free();
        }

        long Read(Span<byte> to)
        {
            var done = 0;
            while (done < to.Length && position < size)
            {
                if (position < start || position >= start + filled)
                {
                    start = position;
                    filled = set.Read(file, position, ahead);
                    if (filled == 0)
                        break;
                }
                var count = (int)Math.Min(to.Length - done, start + filled - position);
                ahead.AsSpan((int)(position - start), count).CopyTo(to[done..]);
                done += count;
                position += count;
            }
            return done;
        }

        static ByteSource Of(nint user) => (ByteSource)GCHandle.FromIntPtr(user).Target!;

        [UnmanagedCallersOnly]
        static long LengthOf(nint user) => Of(user).size;

        [UnmanagedCallersOnly]
        static long SeekTo(long offset, int whence, nint user)
        {
            var source = Of(user);
            return source.position = Math.Max(0, offset + (whence == 0 ? 0 : whence == 1 ? source.position : source.size));
        }

        [UnmanagedCallersOnly]
        static long ReadTo(byte* to, long count, nint user)
        {
            var source = Of(user);
            try
            {
                return source.Read(new Span<byte>(to, (int)Math.Min(count, int.MaxValue)));
            }
            catch (Exception cause)
            {
                source.fault = cause;
                return 0;
            }
        }

        [UnmanagedCallersOnly]
        static long NoWrite(byte* from, long count, nint user) => 0;

        [UnmanagedCallersOnly]
        static long TellOf(nint user) => Of(user).position;
    }
}
