using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using Tandem.Data.Images;

namespace Tandem.Data.Sources;

/// <summary>CIFAR-10 and CIFAR-100 in their binary release: records of one or two label bytes and three planes of 32 × 32 bytes, read straight from the files or an archive.</summary>
sealed class CifarSource : PictureSource
{
    const int Side = 32, Plane = Side * Side;
    readonly List<(FileSet Set, int File, int Record)> records = [];
    readonly List<int> labels = [];
    readonly IReadOnlyList<FileSet> sets;
    readonly int labelBytes;
    readonly string[] classNames;
    readonly bool labelled;

    public CifarSource(string description, IReadOnlyList<FileSet> sets, IReadOnlyList<(FileSet Set, int File)> files, bool hundred, LabelRule? rule)
    {
        Description = description;
        this.sets = sets;
        labelBytes = hundred ? 2 : 1;
        labelled = rule is null or { Origin: LabelOrigin.Own or LabelOrigin.Auto };
        if (!labelled && rule!.Origin != LabelOrigin.None)
            throw new TandemException(ErrorKind.Input, "CIFAR's labels stand in its records", description, "labels=own or none");
        var length = labelBytes + (3 * Plane);
        foreach (var (set, file) in files)
        {
            var size = set.Size(file);
            if (size == 0 || size % length != 0)
                throw FileFault.Inconsistent.Error($"a CIFAR-{(hundred ? 100 : 10)} file has {size} bytes", set.Where(file), $"a multiple of {length}");
            var data = set.Read(file);
            for (var record = 0; record < data.Length / length; record++)
            {
                records.Add((set, file, record));
                // CIFAR-100 has the coarse label first, the fine one, which counts, second.
                labels.Add(data[(record * length) + labelBytes - 1]);
            }
        }
        classNames = Names(sets, hundred) ?? [.. Enumerable.Range(0, labels.Max() + 1).Select(number => number.ToString(System.Globalization.CultureInfo.InvariantCulture))];
        if (labels.Max() >= classNames.Length)
            throw FileFault.Inconsistent.Error($"a record has label {labels.Max()}, but there are names for {classNames.Length} classes", description);
    }

    public override string Description { get; }

    public override int Count => records.Count;

    public override bool IsDecoded => true;

    public override IReadOnlyList<string>? ClassNames => labelled ? classNames : null;

    public override int? Label(int index) => labelled ? labels[index] : null;

    public override string Name(int index) => FormattableString.Invariant($"{records[index].Set.Names[records[index].File]}#{records[index].Record}");

    public override string Where(int index) => FormattableString.Invariant($"{records[index].Set.Where(records[index].File)}#{records[index].Record}");

    public override byte[] ReadBytes(int index)
    {
        using var picture = Read(index, PictureReading.Published);
        return picture.Pixels.ToArray();
    }

    public override Picture Read(int index, PictureReading reading)
    {
        var (set, file, record) = records[index];
        Span<byte> planes = stackalloc byte[3 * Plane];
        if (set.Read(file, ((long)record * (labelBytes + planes.Length)) + labelBytes, planes) < planes.Length)
            throw FileFault.Truncated.Error($"record {record} is not there any more", set.Where(file));
        var picture = Picture.Rent(Side, Side, 3);
        var pixels = picture.Pixels;
        for (var i = 0; i < Plane; i++)
        {
            pixels[3 * i] = planes[i];
            pixels[(3 * i) + 1] = planes[Plane + i];
            pixels[(3 * i) + 2] = planes[(2 * Plane) + i];
        }
        return picture;
    }

    protected override void Dispose(bool disposing)
    {
        foreach (var set in sets)
            set.Dispose();
    }

    static string[]? Names(IReadOnlyList<FileSet> sets, bool hundred)
    {
        var wanted = hundred ? "fine_label_names.txt" : "batches.meta.txt";
        foreach (var set in sets)
        {
            for (var file = 0; file < set.Names.Count; file++)
            {
                if (Path.GetFileName(set.Names[file]) == wanted)
                    return Encoding.UTF8.GetString(set.Read(file)).Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
            }
        }
        return null;
    }
}

/// <summary>MNIST's IDX files (big-endian, uint8 pictures N × height × width), plain or gzipped; grey becomes three channels.</summary>
sealed class IdxSource : PictureSource
{
    const int LargestFile = 1 << 30;
    readonly byte[] pictures;
    readonly byte[]? labels;
    readonly int height, width;
    readonly string name, place;

    public IdxSource(string description, FileSet set, int pictureFile, int? labelFile, LabelRule? rule)
    {
        Description = description;
        (name, place) = (set.Names[pictureFile], set.Where(pictureFile));
        pictures = Inflated(set.Read(pictureFile), set.Where(pictureFile));
        var sizes = Header(pictures, 3, set.Where(pictureFile));
        (Count, height, width) = (sizes[0], sizes[1], sizes[2]);
        var wanted = rule is null or { Origin: LabelOrigin.Own or LabelOrigin.Auto };
        if (!wanted && rule!.Origin != LabelOrigin.None)
            throw new TandemException(ErrorKind.Input, "the labels of IDX pictures stand in their own IDX file", description, "labels=own or none");
        if (wanted && labelFile is { } file)
        {
            labels = Inflated(set.Read(file), set.Where(file));
            var count = Header(labels, 1, set.Where(file))[0];
            if (count != Count)
                throw FileFault.Inconsistent.Error($"there are {Count} pictures, but {count} labels", set.Where(file));
        }
        else if (rule?.Origin == LabelOrigin.Own)
        {
            throw new TandemException(ErrorKind.Input, "the file with the labels is not there", description, "a …-labels-idx1-ubyte beside the …-images-idx3-ubyte");
        }
        var top = labels is null ? -1 : labels.AsSpan(8).ToArray().Max();
        ClassNames = labels is null ? null : [.. Enumerable.Range(0, top + 1).Select(number => number.ToString(System.Globalization.CultureInfo.InvariantCulture))];
    }

    public override string Description { get; }

    public override int Count { get; }

    public override bool IsDecoded => true;

    public override IReadOnlyList<string>? ClassNames { get; }

    public override int? Label(int index) => labels is null ? null : labels[8 + index];

    public override string Name(int index) => FormattableString.Invariant($"{name}#{index}");

    public override string Where(int index) => FormattableString.Invariant($"{place}#{index}");

    public override byte[] ReadBytes(int index) => pictures.AsSpan(16 + (index * height * width), height * width).ToArray();

    public override Picture Read(int index, PictureReading reading)
    {
        var grey = pictures.AsSpan(16 + (index * height * width), height * width);
        var picture = Picture.Rent(width, height, 3);
        var pixels = picture.Pixels;
        for (var i = 0; i < grey.Length; i++)
            pixels[3 * i] = pixels[(3 * i) + 1] = pixels[(3 * i) + 2] = grey[i];
        return picture;
    }

    static int[] Header(byte[] data, int dimensions, string where)
    {
        if (data.Length < 4 + (4 * dimensions) || data[0] != 0 || data[1] != 0 || data[2] != 8 || data[3] != dimensions)
            throw FileFault.Inconsistent.Error("this is no IDX file of bytes", where, dimensions == 3 ? "00 00 08 03 and three sizes" : "00 00 08 01 and one size");
        var sizes = new int[dimensions];
        long total = 1;
        for (var i = 0; i < dimensions; i++)
        {
            sizes[i] = BinaryPrimitives.ReadInt32BigEndian(data.AsSpan(4 + (4 * i)));
            if (sizes[i] <= 0 || (total *= sizes[i]) > LargestFile)
                throw FileFault.TooLarge.Error($"size {i} of the IDX file is {sizes[i]}", where);
        }
        if (total != data.Length - 4 - (4 * dimensions))
            throw (total > data.Length ? FileFault.Truncated : FileFault.Inconsistent).Error($"the IDX file announces {total} bytes and holds {data.Length - 4 - (4 * dimensions)}", where);
        return sizes;
    }

    static byte[] Inflated(byte[] data, string where)
    {
        if (data is not [0x1F, 0x8B, ..])
            return data;
        try
        {
            using var stream = new GZipStream(new MemoryStream(data), CompressionMode.Decompress);
            using var result = new MemoryStream();
            var buffer = new byte[1 << 16];
            while (stream.Read(buffer) is > 0 and var read)
            {
                if (result.Length + read > LargestFile)
                    throw FileFault.TooLarge.Error($"the file inflates to more than {LargestFile} bytes", where);
                result.Write(buffer, 0, read);
            }
            return result.ToArray();
        }
        catch (InvalidDataException cause)
        {
            throw FileFault.Inconsistent.Error("the compressed file is damaged", where, inner: cause);
        }
    }
}
