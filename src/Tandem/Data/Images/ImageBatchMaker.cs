using Tandem.Data.Sources;
using Tandem.Torch;

namespace Tandem.Data.Images;

/// <summary>
/// Makes batches of pictures. What a batch holds depends on the source, the plan, the seed and the batch's place alone.
/// </summary>
public sealed class ImageBatchMaker : IBatchMaker<ImageBatch>
{
    readonly PictureSource source;
    readonly PictureTransform transform;
    readonly LoaderOptions options;
    readonly HashSet<int> replaced = [];

    /// <summary>Prepares to make batches.</summary>
    /// <param name="source">Where pictures come from; not disposed of.</param>
    /// <param name="transform">What happens to each.</param>
    /// <param name="options">Seed, reading, masks.</param>
    public ImageBatchMaker(PictureSource source, PictureTransform transform, LoaderOptions options)
    {
        if (options.SecondView is { } second && (second.Height, second.Width) != (transform.Height, transform.Width))
            throw new ArgumentException("both views need the same size", nameof(options));
        (this.source, this.transform, this.options) = (source, transform, options);
    }

    /// <inheritdoc/>
    public int Replaced
    {
        get
        {
            lock (replaced)
                return replaced.Count;
        }
    }

    /// <inheritdoc/>
    public ImageBatch Make(BatchPlan plan, BatchPlace place, CancellationToken stop)
    {
        int floats = transform.Floats, n = place.Count;
        var pixels = Empty(n);
        var second = options.SecondView is null ? null : Empty(n);
        var masks = options.Masks?.Empty(n);
        var ids = new long[n];
        var labels = source.ClassNames is null ? null : new int[n];
        for (var i = 0; i < n; i++)
        {
            stop.ThrowIfCancellationRequested();
            var slot = place.Slot + i;
            using var picture = Read(plan.Sample(place.Step, slot), out var sample);
            ids[i] = sample;
            if (labels is not null)
                labels[i] = source.Label(sample) ?? -1;
            transform.Apply(picture, Draws("crop", place.Step, slot), pixels.As<float>().Slice(i * floats, floats));
            if (second is not null)
                options.SecondView!.Apply(picture, Draws(options.SecondViewSharesCrop ? "crop" : "second crop", place.Step, slot), second.As<float>().Slice(i * floats, floats));
            options.Masks?.Draw(masks!, i, place.Step, slot);
        }
        return new ImageBatch { Step = place.Step, Slot = place.Slot, Pixels = pixels, SecondView = second, Ids = ids, Labels = labels, Masks = masks };
    }

    HostTensor Empty(int n) => new(ScalarType.Float, [n, 3, transform.Height, transform.Width], GC.AllocateUninitializedArray<byte>(checked(n * transform.Floats * sizeof(float))));

    RandomPictureDraws Draws(string purpose, long step, int slot) => new(Randomness.Of(options.Seed, purpose, step, slot));

    // A damaged picture is replaced by the next sound one of the source: the same one whatever thread meets it.
    Picture Read(int wantedSample, out int sample)
    {
        sample = wantedSample;
        while (true)
        {
            try
            {
                return source.Read(sample, options.Reading);
            }
            catch (TandemException error) when (error.Kind == ErrorKind.Input && options.BadLimit > 0)
            {
                Replace(sample, error);
                sample = (sample + 1) % source.Count;
                // Once round without a sound picture: there is none, whatever share may be damaged.
                if (sample == wantedSample)
                    throw;
            }
        }
    }

    void Replace(int sample, TandemException error)
    {
        int count;
        lock (replaced)
        {
            if (!replaced.Add(sample))
                return;
            count = replaced.Count;
        }
        if (count > Math.Max(1, options.BadLimit * source.Count))
            throw new TandemException(ErrorKind.Input, $"{count} pictures so far cannot be read, the last: {error.Message}", error.Where, $"at most {options.BadLimit:P1} of {source.Count}", "repair or remove them", error);
        options.Warn?.Invoke($"{error.Where}: {error.Message}; replaced by the next picture");
    }
}
