using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Tandem.Data.Images;

namespace Tandem.Data.Sources;

/// <summary>How pictures are cached.</summary>
public sealed record CacheOptions
{
    /// <summary>Where cache files lie; <see cref="PictureCache.DefaultFolder"/> when null.</summary>
    public string? Folder { get; init; }

    /// <summary>Decoded bytes above which nothing is decoded ahead: 2 GiB.</summary>
    public long Limit { get; init; } = 2L << 30;

    /// <summary>Decoded bytes that may stay in memory where no cache file can be written: 1 GiB.</summary>
    public long MemoryLimit { get; init; } = 1L << 30;

    /// <summary>Share of damaged pictures above which the set is refused: 0.01.</summary>
    public double BadLimit { get; init; } = 0.01;

    /// <summary>Threads that decode; the machine's processors when 0.</summary>
    public int Threads { get; init; }

    /// <summary>Hears of pictures done and pictures in all.</summary>
    public Action<int, int>? Progress { get; init; }
}

/// <summary>
/// Opens pictures so that each is decoded once: small sets as a memory-mapped file of pixels (with names and labels), compressed archives too
/// large for that as a file of their members, everything else straight from its place. A cache is found again by content: paths, sizes, times of
/// change, format, labels, reading.
/// </summary>
public static class PictureCache
{
    // Raised whenever decoding or the cache's form changes.
    const string Version = "2";
    const int NamesTold = 20;

    /// <summary><c>$TANDEM_CACHE/data</c>, else <c>$XDG_CACHE_HOME/tandem/data</c>, else <c>~/.cache/tandem/data</c>.</summary>
    public static string DefaultFolder
    {
        get
        {
            if (Environment.GetEnvironmentVariable("TANDEM_CACHE") is { Length: > 0 } own)
                return Path.Combine(own, "data");
            var xdg = Environment.GetEnvironmentVariable("XDG_CACHE_HOME");
            var root = string.IsNullOrEmpty(xdg) ? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile, Environment.SpecialFolderOption.DoNotVerify), ".cache") : xdg;
            return Path.Combine(root, "tandem", "data");
        }
    }

    /// <summary>Opens what a path stands for, through the cache.</summary>
    /// <param name="path">As for <see cref="PictureSource.Open(string, SourceOptions?)"/>.</param>
    /// <param name="options">Format, labels, split, and who hears of warnings.</param>
    /// <param name="reading">How files become RGB; part of the cache's identity.</param>
    /// <param name="cache">Folder and limits.</param>
    /// <exception cref="TandemException">As for opening a source; and <see cref="ErrorKind.Input"/> when more than <see cref="CacheOptions.BadLimit"/> of the pictures are damaged.</exception>
    public static PictureSource Open(string path, SourceOptions options, PictureReading reading, CacheOptions? cache = null)
    {
        cache ??= new();
        var folder = cache.Folder ?? DefaultFolder;
        // Archives are recognised without opening them, which for compressed ones means inflating everything.
        var quick = QuickKey(path, options, reading);
        if (quick is not null && CacheFile.Open(Path.Combine(folder, quick + ".pictures")) is { } early)
            return Told(early, options, cache);
        var source = PictureSource.Open(path, options);
        if (source.IsDecoded)
            return source;
        var place = Path.Combine(folder, (quick ?? Key(path, source, options, reading)) + ".pictures");
        if (CacheFile.Open(place) is { } found)
        {
            source.Dispose();
            return Told(found, options, cache);
        }
        var (keepPixels, estimate) = Plan(source, cache);
        if (!keepPixels && source.IsCheapToReopen)
            return source;
        return Build(source, place, keepPixels, estimate, options, reading, cache);
    }

    // A cache built under a wider limit is no way around a narrower one.
    static PictureSource Told(MappedPictures cached, SourceOptions options, CacheOptions cache)
    {
        try
        {
            Report(cached.Index, options, cache);
            return cached;
        }
        catch (TandemException)
        {
            cached.Dispose();
            throw;
        }
    }

    static PictureSource Build(PictureSource source, string place, bool keepPixels, long estimate, SourceOptions options, PictureReading reading, CacheOptions cache)
    {
        CacheFile.Writer? writer = null;
        try
        {
            writer = new CacheFile.Writer(place);
            var build = new CacheBuild(source, reading, keepPixels, cache, options.Stop);
            var index = build.Run(writer.Write, () => writer.Position);
            Report(index, options, cache);
            writer.Commit(index);
            var cached = CacheFile.Open(place) ?? throw new IOException("the cache file just written cannot be read");
            source.Dispose();
            return cached;
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            // A full disk or a folder without permission must not stop anyone from training.
            options.Warn?.Invoke($"pictures cannot be cached in {Path.GetDirectoryName(place)} ({cause.Message}); {(estimate <= cache.MemoryLimit && keepPixels ? "they stay in memory" : "they are decoded anew each time")}");
            return keepPixels && estimate <= cache.MemoryLimit ? InMemory(source, options, reading, cache) : source;
        }
        catch (Exception cause) when (cause is TandemException or OperationCanceledException)
        {
            source.Dispose();
            throw;
        }
        finally
        {
            writer?.Dispose();
        }
    }

    static PicturesInMemory InMemory(PictureSource source, SourceOptions options, PictureReading reading, CacheOptions cache)
    {
        var samples = new List<byte[]>();
        var build = new CacheBuild(source, reading, keepPixels: true, cache, options.Stop);
        long position = 0;
        var index = build.Run(
            bytes =>
            {
                samples.Add(bytes.ToArray());
                position += bytes.Length;
            },
            () => position);
        Report(index, options, cache);
        source.Dispose();
        return new(index, [.. samples]);
    }

    static void Report(CacheFile.Index index, SourceOptions options, CacheOptions cache)
    {
        if (index.SkippedCount == 0)
            return;
        var total = index.Names.Length + index.SkippedCount;
        if (index.Names.Length == 0 || index.SkippedCount > cache.BadLimit * total)
        {
            throw new TandemException(ErrorKind.Input, SkippedText(index.SkippedCount, total, index.Skipped), index.Description,
                string.Create(CultureInfo.InvariantCulture, $"at most {cache.BadLimit:P0} damaged"), "repair or remove them");
        }
        options.Warn?.Invoke(SkippedText(index.SkippedCount, total, index.Skipped));
    }

    static string SkippedText(int skipped, int total, string[] names) =>
        $"{skipped} of {total} pictures cannot be read and are left out: {string.Join("; ", names.Take(NamesTold))}{(skipped > NamesTold ? "; …" : "")}";

    // Headers of a few pictures, spread over the set, tell what decoding all of them would take.
    static (bool KeepPixels, long Estimate) Plan(PictureSource source, CacheOptions cache)
    {
        const int probes = 64;
        var (bytes, measured) = (0L, 0);
        for (var i = 0; i < Math.Min(probes, source.Count); i++)
        {
            var sample = (int)((long)i * source.Count / Math.Min(probes, source.Count));
            try
            {
                var (width, height) = PictureDecoder.Measure(source.ReadBytes(sample), source.Where(sample));
                bytes += 3L * width * height;
                measured++;
            }
            catch (TandemException error) when (error.Kind == ErrorKind.Input)
            {
                // A damaged one: counted when the set is built.
            }
        }
        var estimate = measured == 0 ? 0 : (long)((double)bytes / measured * source.Count);
        return (estimate <= cache.Limit, estimate);
    }

    static string? QuickKey(string path, SourceOptions options, PictureReading reading)
    {
        if (options.Format is not (null or "tar" or "webdataset" or "folder"))
            return null;
        var paths = DataPaths.Expand(path);
        if (!paths.All(File.Exists) || !paths.All(file => file.EndsWith(".tar", StringComparison.Ordinal) || file.EndsWith(".tar.gz", StringComparison.Ordinal) || file.EndsWith(".tgz", StringComparison.Ordinal)))
            return null;
        return Hash(options, reading, paths.Select(file => $"{Path.GetFullPath(file)} {FileSet.StampOf(file)}"));
    }

    // Places are told as the path was given, so the same path means something else in another folder.
    static string Key(string path, PictureSource source, SourceOptions options, PictureReading reading) =>
        Hash(options, reading, Enumerable.Range(0, source.Count).Select(i => $"{source.Where(i)} {source.Stamp(i)} {source.Label(i)?.ToString(CultureInfo.InvariantCulture)}")
            .Concat(source.ClassNames ?? []).Prepend(source.Description).Prepend(Path.GetFullPath(path)));

    static string Hash(SourceOptions options, PictureReading reading, IEnumerable<string> lines)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var line in lines.Prepend($"{Version} {options.Format} {options.Labels} {options.Split} {reading}"))
            hash.AppendData(Encoding.UTF8.GetBytes(line + "\n"));
        return Convert.ToHexStringLower(hash.GetHashAndReset().AsSpan(0, 16));
    }
}
