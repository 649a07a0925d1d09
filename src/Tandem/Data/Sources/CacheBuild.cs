using System.Runtime.ExceptionServices;
using Tandem.Data.Images;

namespace Tandem.Data.Sources;

/// <summary>Decodes a source once, in parallel, and hands the samples over in order; damaged ones are left out and told.</summary>
sealed class CacheBuild(PictureSource source, PictureReading reading, bool keepPixels, CacheOptions options, CancellationToken stop)
{
    const int NamesKept = 100;

    // Samples decoded ahead of the writer: enough to keep threads busy, few enough not to fill memory.
    const int Window = 64;

    /// <summary>What a sample became: bytes, or why not.</summary>
    sealed record Result(byte[]? Bytes, int Width, int Height, string? Fault);

    public CacheFile.Index Run(Action<ReadOnlySpan<byte>> write, Func<long> position)
    {
        List<string> names = [], places = [], skipped = [];
        List<int> labels = [], widths = [], heights = [];
        List<long> offsets = [];
        var skippedCount = 0;
        var threads = options.Threads > 0 ? options.Threads : Environment.ProcessorCount;
        var results = new Result?[Window];
        for (var first = 0; first < source.Count; first += Window)
        {
            var count = Math.Min(Window, source.Count - first);
            var start = first;
            stop.ThrowIfCancellationRequested();
            try
            {
                Parallel.For(0, count, new ParallelOptions { MaxDegreeOfParallelism = threads }, i => results[i] = One(start + i));
            }
            catch (AggregateException several) when (several.InnerExceptions[0] is var only)
            {
                // One sentence is enough: the machine's fault with one sample is its fault with all.
                ExceptionDispatchInfo.Throw(only);
            }
            for (var i = 0; i < count; i++)
            {
                var result = results[i]!;
                results[i] = null;
                if (result.Bytes is null)
                {
                    if (skippedCount++ < NamesKept)
                        skipped.Add(result.Fault!);
                    continue;
                }
                names.Add(source.Name(first + i));
                places.Add(source.Where(first + i));
                if (source.Label(first + i) is { } label)
                    labels.Add(label);
                widths.Add(result.Width);
                heights.Add(result.Height);
                offsets.Add(position());
                write(result.Bytes);
            }
            options.Progress?.Invoke(first + count, source.Count);
        }
        offsets.Add(position());
        return new(source.Description, keepPixels, [.. names], [.. places], source.ClassNames is null ? null : [.. labels], source.ClassNames is null ? null : [.. source.ClassNames], [.. offsets], [.. widths], [.. heights], [.. skipped], skippedCount);
    }

    Result One(int sample)
    {
        try
        {
            if (!keepPixels)
            {
                var file = source.ReadBytes(sample);
                var (width, height) = PictureDecoder.Measure(file, source.Where(sample));
                return new(file, width, height, null);
            }
            using var picture = source.Read(sample, reading);
            return new(picture.Pixels.ToArray(), picture.Width, picture.Height, null);
        }
        catch (TandemException error) when (error.Kind == ErrorKind.Input)
        {
            return new(null, 0, 0, $"{error.Where ?? source.Where(sample)}: {error.Message}");
        }
    }
}
