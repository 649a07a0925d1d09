using System.Formats.Tar;
using System.IO.Compression;
using System.Runtime.InteropServices;
using System.Text;

namespace Tandem.Tests.Data.Audio;

/// <summary>Small sound files that tests read: WAV by hand, everything else by libsndfile.</summary>
static partial class SoundMaker
{
    public const int Wav16 = 0x010002, WavFloat = 0x010006, Flac = 0x170002, Vorbis = 0x200060, Opus = 0x200064, Mp3 = 0x230082;

    /// <summary>A tone whose loudness changes, so that no two places are alike: [frames], in −0.5 … 0.5.</summary>
    public static float[] Tone(int frames, double step = 0.05) => [.. Enumerable.Range(0, frames).Select(i => (float)(0.5 * Math.Sin(i * step) * (0.6 + (0.4 * Math.Sin(i * 0.00037)))))];

    /// <summary>A WAV of 16 bits.</summary>
    /// <param name="announced">Frames that the header tells of, if others than are there.</param>
    public static byte[] Wav(int frames, int rate = 16000, int channels = 1, int? announced = null, double step = 0.05)
    {
        using var memory = new MemoryStream();
        using var to = new BinaryWriter(memory);
        Header(to, (announced ?? frames) * (long)channels, rate, channels, 1, 16);
        foreach (var sample in Tone(frames, step))
        {
            for (var channel = 0; channel < channels; channel++)
                to.Write((short)(20000 * sample));
        }
        return memory.ToArray();
    }

    /// <summary>A WAV of floats, as they are.</summary>
    public static byte[] WavOf(float[] samples, int rate = 16000)
    {
        using var memory = new MemoryStream();
        using var to = new BinaryWriter(memory);
        Header(to, samples.Length, rate, 1, 3, 32);
        to.Write(MemoryMarshal.AsBytes(samples.AsSpan()));
        return memory.ToArray();
    }

    /// <summary>Hours of silence with a tone in the middle minute; the silence takes no place on disk.</summary>
    public static void Long(string path, int rate, int seconds)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        using var to = new BinaryWriter(File.Create(path));
        var frames = (long)rate * seconds;
        Header(to, frames, rate, 1, 1, 16);
        to.BaseStream.SetLength(44 + (2 * frames));
        to.BaseStream.Position = 44 + (2 * (frames / 2));
        foreach (var sample in Tone(60 * rate))
            to.Write((short)(20000 * sample));
    }

    static void Header(BinaryWriter to, long samples, int rate, int channels, short kind, short bits)
    {
        var bytes = (uint)(samples * bits / 8);
        to.Write("RIFF"u8);
        to.Write(36 + bytes);
        to.Write("WAVEfmt "u8);
        to.Write(16);
        to.Write(kind);
        to.Write((short)channels);
        to.Write(rate);
        to.Write(rate * channels * bits / 8);
        to.Write((short)(channels * bits / 8));
        to.Write(bits);
        to.Write("data"u8);
        to.Write(bytes);
    }

    /// <summary>A file of any format that libsndfile writes.</summary>
    public static byte[] Encode(int format, float[] interleaved, int rate = 16000, int channels = 1)
    {
        var path = Path.GetTempFileName();
        try
        {
            var info = new Info { Rate = rate, Channels = channels, Format = format };
            var file = Open(path, 0x20, ref info);
            if (file == 0)
                throw new InvalidOperationException("libsndfile does not write this format");
            _ = WriteFrames(file, interleaved, interleaved.Length / channels);
            _ = Close(file);
            return File.ReadAllBytes(path);
        }
        finally
        {
            File.Delete(path);
        }
    }

    public static void Put(this TemporaryFolder folder, string name, byte[] bytes)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(folder[name])!);
        File.WriteAllBytes(folder[name], bytes);
    }

    public static void Tar(string path, bool compressed, params (string Name, byte[] Bytes)[] members)
    {
        using var file = File.Create(path);
        using Stream stream = compressed ? new GZipStream(file, CompressionLevel.Fastest) : file;
        using var tar = new TarWriter(stream);
        foreach (var (name, bytes) in members)
            tar.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(bytes) });
    }

    public static byte[] Text(string text) => Encoding.UTF8.GetBytes(text);

    [StructLayout(LayoutKind.Sequential)]
    struct Info
    {
        public long Frames;
        public int Rate, Channels, Format, Sections, Seekable;
    }

    [LibraryImport("libsndfile.so.1", EntryPoint = "sf_open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint Open(string path, int mode, ref Info info);

    [LibraryImport("libsndfile.so.1", EntryPoint = "sf_writef_float")]
    private static partial long WriteFrames(nint file, float[] samples, long frames);

    [LibraryImport("libsndfile.so.1", EntryPoint = "sf_close")]
    private static partial int Close(nint file);
}
