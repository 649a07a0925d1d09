using System.Formats.Tar;
using System.IO.Compression;
using Tandem.Tests.House;

namespace Tandem.Tests.Docs;

/// <summary>What people who follow the documents would have: folders of recordings, a text, tables of labelled texts. Taken from the demos.</summary>
static class OwnSpeechAndText
{
    const int Recordings = 60, Characters = 200_000, Rows = 200;

    public static void Put(TemporaryFolder folder)
    {
        foreach (var part in new[] { "train", "test" })
        {
            Unpack(Repository.At("demo", "speech", $"{part}.tar.gz"), folder["recordings"]);
            File.WriteAllLines(folder[$"sentences-{part}.tsv"], Lines($"passages-{part}.tsv.gz").Take(Rows + 1));
        }
        File.WriteAllText(folder["books.txt"], string.Join('\n', Lines("train.txt.gz"))[..Characters] + "\n");
        File.WriteAllLines(folder["lines.txt"], Lines("train.txt.gz").Where(line => line.Length > 0).Take(40));
    }

    // Every so many of them, so that all classes are there.
    static void Unpack(string tar, string to)
    {
        using var reader = new TarReader(new GZipStream(File.OpenRead(tar), CompressionMode.Decompress));
        List<(string Name, byte[] Bytes)> all = [];
        while (reader.GetNextEntry(copyData: true) is { } entry)
        {
            using var bytes = new MemoryStream();
            entry.DataStream?.CopyTo(bytes);
            all.Add((entry.Name, bytes.ToArray()));
        }
        foreach (var (name, bytes) in all.Where((_, i) => i % (all.Count / Recordings) == 0))
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(to, name))!);
            File.WriteAllBytes(Path.Combine(to, name), bytes);
        }
    }

    static IEnumerable<string> Lines(string name)
    {
        using var reader = new StreamReader(new GZipStream(File.OpenRead(Repository.At("demo", "text", name)), CompressionMode.Decompress));
        while (reader.ReadLine() is { } line)
            yield return line;
    }
}
