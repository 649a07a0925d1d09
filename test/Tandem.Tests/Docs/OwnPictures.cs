using System.Formats.Tar;
using System.IO.Compression;
using Tandem.Tests.House;

namespace Tandem.Tests.Docs;

/// <summary>A folder of pictures as a reader of the README has one: photos/train/CLASS and photos/test/CLASS, from the demo's pictures.</summary>
static class OwnPictures
{
    static readonly string[] Classes = ["flags", "food-drink", "smileys-emotion"];

    public static void Put(string folder)
    {
        Unpack("train", 25, folder);
        Unpack("test", 10, folder);
    }

    static void Unpack(string part, int each, string folder)
    {
        var counts = new Dictionary<string, int>(StringComparer.Ordinal);
        using var file = new GZipStream(File.OpenRead(Repository.At("demo", "images", part + ".tar.gz")), CompressionMode.Decompress);
        using var tar = new TarReader(file);
        while (tar.GetNextEntry() is { } entry)
        {
            var name = entry.Name.Split('/')[0];
            if (!Classes.Contains(name, StringComparer.Ordinal) || counts.GetValueOrDefault(name) == each)
                continue;
            counts[name] = counts.GetValueOrDefault(name) + 1;
            Directory.CreateDirectory(Path.Combine(folder, part, name));
            entry.ExtractToFile(Path.Combine(folder, part, entry.Name), overwrite: false);
        }
    }
}
