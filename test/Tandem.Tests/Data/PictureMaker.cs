using System.Formats.Tar;
using System.IO.Compression;
using System.Text;

namespace Tandem.Tests.Data;

/// <summary>Small files that tests read: Netpbm pictures (no library needed), tars.</summary>
static class PictureMaker
{
    public static string Jpeg { get; } = System.IO.Path.Combine(GoldenFolder.Case("images"), "decode_jpeg", "s420.jpg");

    public static string Png { get; } = System.IO.Path.Combine(GoldenFolder.Case("images"), "decode_png", "rgb.png");

    /// <summary>A PPM whose pixels depend on <paramref name="number"/>.</summary>
    public static byte[] Ppm(int number, int width = 12, int height = 10)
    {
        var pixels = new byte[width * height * 3];
        new Random(number).NextBytes(pixels);
        return [.. Encoding.ASCII.GetBytes($"P6\n{width} {height}\n255\n"), .. pixels];
    }

    /// <summary>Class folders a, b, … with pictures 0.ppm, 1.ppm, …</summary>
    public static void Tree(string root, int classes, int each)
    {
        for (var c = 0; c < classes; c++)
        {
            var folder = System.IO.Path.Combine(root, ((char)('a' + c)).ToString());
            Directory.CreateDirectory(folder);
            for (var i = 0; i < each; i++)
                File.WriteAllBytes(System.IO.Path.Combine(folder, $"{i}.ppm"), Ppm((c * 1000) + i));
        }
    }

    public static void Tar(string path, bool compressed, params (string Name, byte[] Data)[] members)
    {
        using var file = File.Create(path);
        using Stream stream = compressed ? new GZipStream(file, CompressionLevel.Fastest) : file;
        using var tar = new TarWriter(stream);
        foreach (var (name, data) in members)
            tar.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(data) });
    }

    public static byte[] Text(string text) => Encoding.UTF8.GetBytes(text);
}
