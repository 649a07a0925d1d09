using Tandem.Data.Images;
using Tandem.Data.Sources;
using Tandem.Models;
using Tandem.Layers;
using Tandem.Networks;
using Tandem.Probes;
using Tandem.Recipes;
using Tandem.Runs;
using Tandem.Torch;
using Tandem.Training;

namespace Tandem;

/// <summary>What a run looks at while it trains: accuracy of nearest neighbours on held-out labels, and the neighbours of ten fixed pictures.</summary>
sealed class PretrainingProbe : IDisposable
{
    const int Queries = 10, Neighbours = 5, Pictures = 500, Thumbnail = 64;

    readonly PretrainingRecipe recipe;
    readonly Source source;
    readonly PictureSource? test;
    readonly Source? train;
    readonly EvaluationTransform transform;
    readonly Dictionary<int, SamplePreview> previews = [];

    PretrainingProbe(PretrainingRecipe recipe, Source source, Source? train, Source? test)
    {
        (this.recipe, this.source, this.train, this.test) = (recipe, source, train, test);
        transform = recipe.Preprocessing.Transform();
    }

    /// <summary>Opens the labelled data that the recipe names.</summary>
    /// <exception cref="TandemException">It cannot be read, or has no labels.</exception>
    public static PretrainingProbe Open(PretrainingRecipe recipe, Source source)
    {
        var evaluate = recipe.Evaluate;
        if (evaluate.Test is null)
            return new(recipe, source, null, null);
        var labels = evaluate.Labels ?? recipe.Data.Labels ?? "auto";
        Source Labelled(string path, string? split) =>
            PictureCache.Open(path, new SourceOptions { Format = recipe.Data.Format, Labels = labels, Split = split }, recipe.Data.Images, new CacheOptions { BadLimit = recipe.Data.BadLimit });
        var test = Labelled(evaluate.Test, evaluate.Test == recipe.Data.Path ? "test" : null);
        var train = Labelled(evaluate.Train ?? recipe.Data.Path!, recipe.Data.Split);
        FeatureExtraction.RequireLabels(test, "test");
        FeatureExtraction.RequireLabels(train, "train");
        return new(recipe, source, train, test);
    }

    /// <summary>Judges the encoder as it stands and keeps the neighbours of the fixed pictures.</summary>
    public IReadOnlyList<(string Name, double Value)> Run(EncoderNetwork encoder, Precision precision, RunFolder run, long step)
    {
        Look(encoder, precision, step).Write(run);
        if (train is null || test is null)
            return [];
        var options = Options(precision) with { Limit = recipe.Evaluate.Limit };
        var known = FeatureExtraction.Labelled(FeatureExtraction.Encode(encoder, train, transform, options), train, "train");
        var asked = FeatureExtraction.Labelled(FeatureExtraction.Encode(encoder, test, transform, options), test, "test");
        var k = Math.Min(recipe.Evaluate.K, known.Count);
        return [("knn", new KnnProbe(k).Judge(known, asked.NumberedAs(known)).Accuracy)];
    }

    public void Dispose()
    {
        train?.Dispose();
        test?.Dispose();
    }

    FeatureOptions Options(Precision precision) => new()
    {
        Reading = recipe.Data.Images,
        Precision = precision,
        Batch = 128,
        Workers = 1,
        Seed = recipe.Run.Seed,
        Skipped = _ => { },
    };

    // The same pictures at every step: a fixed draw of the source, the first ten of it asked about.
    NeighbourSamples Look(EncoderNetwork encoder, Precision precision, long step)
    {
        List<int> ids = [];
        List<float> values = [];
        foreach (var block in FeatureExtraction.Encode(encoder, source, transform, Options(precision) with { Limit = Pictures }))
        {
            ids.AddRange(block.Samples);
            values.AddRange(block.Values);
        }
        var width = values.Count / ids.Count;
        float[] all = [.. values];
        var order = Enumerable.Range(0, ids.Count).ToArray();
        Randomness.Of(recipe.Run.Seed, "fixed pictures").Shuffle(order.AsSpan());
        var asked = order.Take(Queries).ToArray();
        var queries = asked.SelectMany(i => all.AsSpan(i * width, width).ToArray()).ToArray();
        var found = Probes.Neighbours.Find(all, queries, width, Math.Min(Neighbours + 1, ids.Count));
        return new(step, [.. asked.Select((query, row) => new NeighbourQuery(Preview(ids[query]),
            [.. found.Of(row).ToArray().Zip(found.Similarities(row).ToArray()).Where(n => n.First != query).Take(Neighbours).Select(n => new Neighbour(Preview(ids[n.First]), n.Second))]))]);
    }

    SamplePreview Preview(int id)
    {
        if (previews.TryGetValue(id, out var known))
            return known;
        using var picture = source.Read(id, recipe.Data.Images);
        using var small = new EvaluationTransform(Thumbnail).Fitted(picture);
        var label = source.Label(id) is { } c && source.ClassNames is { } names ? names[c] : null;
        return previews[id] = new(source.Name(id), label, Png.Encode(small.Pixels, small.Width, small.Height, small.Channels));
    }
}
