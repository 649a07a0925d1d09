using System.IO.Compression;

namespace Tandem.Data.Sources;

/// <summary>Opens pictures: files, and the packed formats of CIFAR and MNIST.</summary>
sealed class SourceOpener(string path, SourceOptions options) : FileOpener<PictureSource>(path, options, FileKind.Pictures)
{
    protected override PictureSource Wrap(SampleFiles files) => new PictureFiles(files);

    protected override bool IsPacked(string file, ReadOnlySpan<byte> head, bool compressed) =>
        head is [0, 0, 8, 1 or 3, ..]
        || (!compressed && file.EndsWith(".bin", StringComparison.Ordinal) && !Kind.IsOne(head.ToArray()) && new FileInfo(file).Length is var size && (size % 3073 == 0 || size % 3074 == 0));

    protected override PictureSource? Packed(IReadOnlyList<FileSet> sets, string description, HashSet<string>? named = null)
    {
        var files = sets.SelectMany(set => Enumerable.Range(0, set.Names.Count).Select(file => (Set: set, File: file, Name: Path.GetFileName(set.Names[file])!))).ToList();
        if (Options.Format is null or "cifar10" or "cifar100")
        {
            var bins = files.Where(file => file.Name.EndsWith(".bin", StringComparison.Ordinal) && (named is null || named.Contains(file.Name))).ToList();
            var wanted = named is null ? Part(bins, file => file.Name.StartsWith("test", StringComparison.Ordinal)) : bins;
            wanted.Sort((a, b) => string.CompareOrdinal(a.Name, b.Name));
            if (wanted.Count > 0)
            {
                var hundred = Options.Format is null ? IsHundred(wanted.ConvertAll(file => file.Set.Size(file.File)), files.Exists(file => file.Name == "fine_label_names.txt"), description) : Options.Format == "cifar100";
                return new CifarSource($"CIFAR-{(hundred ? 100 : 10)} {description}", sets, wanted.ConvertAll(file => (file.Set, file.File)), hundred, Rule);
            }
        }
        if (Options.Format is null or "idx")
        {
            var pictures = files.Where(file => file.Name.Contains("images", StringComparison.Ordinal) && file.Name.Contains("idx3", StringComparison.Ordinal) && (named is null || named.Contains(file.Name))).ToList();
            var wanted = named is null ? Part(pictures, file => file.Name.StartsWith("t10k", StringComparison.Ordinal) || file.Name.Contains("test", StringComparison.Ordinal)) : pictures;
            if (wanted.Count == 0 && named?.Count == 1)
                wanted = files.Where(file => named.Contains(file.Name)).ToList();
            if (wanted.Count > 1)
                throw new TandemException(ErrorKind.Input, $"{wanted.Count} IDX files with pictures: {string.Join(", ", wanted.Select(file => file.Name))}", description, "one", "name the file");
            if (wanted.Count == 1)
            {
                var labels = wanted[0].Name.Replace("images", "labels", StringComparison.Ordinal).Replace("idx3", "idx1", StringComparison.Ordinal);
                var beside = files.Where(file => file.Set == wanted[0].Set && Stem(file.Name) == Stem(labels) && file.Name != wanted[0].Name).Select(file => (int?)file.File).FirstOrDefault();
                return new IdxSource($"IDX {description}", wanted[0].Set, wanted[0].File, beside, Rule);
            }
        }
        return null;
    }

    static string Stem(string name) => name.EndsWith(".gz", StringComparison.Ordinal) ? name[..^3] : name;

    // Where training and test part lie together: the training part, unless the test part is asked for.
    List<T> Part<T>(List<T> files, Predicate<T> isTest)
    {
        var test = Options.Split is "test" or "val" or "validation";
        var part = files.Where(file => isTest(file) == test).ToList();
        return part.Count > 0 || Options.Split is not null ? part : files;
    }

    static bool IsHundred(List<long> sizes, bool hasFineNames, string description)
    {
        bool ten = sizes.TrueForAll(size => size % 3073 == 0), hundred = sizes.TrueForAll(size => size % 3074 == 0);
        if (!ten && !hundred)
            throw FileFault.Inconsistent.Error("the .bin files are not CIFAR's: their sizes are no multiples of 3073 (CIFAR-10) or 3074 (CIFAR-100)", description);
        return hundred && (!ten || hasFineNames);
    }

    internal static byte[] Head(string file, bool inflate)
    {
        try
        {
            using var stream = File.OpenRead(file);
            using Stream from = inflate ? new GZipStream(stream, CompressionMode.Decompress) : stream;
            var head = new byte[512];
            return head[..from.ReadAtLeast(head, head.Length, throwOnEndOfStream: false)];
        }
        catch (InvalidDataException cause)
        {
            throw FileFault.Inconsistent.Error("the compressed file is damaged", file, inner: cause);
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            throw FileSet.Unreadable(file, cause);
        }
    }
}
