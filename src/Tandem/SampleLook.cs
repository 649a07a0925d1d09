using Tandem.Data.Sources;
using Tandem.Layers;
using Tandem.Networks;
using Tandem.Probes;
using Tandem.Recipes;
using Tandem.Runs;
using Tandem.Torch;
using Probed = Tandem.Probes.Neighbours;

namespace Tandem;

/// <summary>
/// The same few hundred samples looked at again and again while a run trains: the neighbours of ten of them, a map of all, near-duplicates,
/// and samples that stand alone.
/// </summary>
/// <param name="recipe">The run's recipe.</param>
/// <param name="shown">The samples that reports show.</param>
/// <param name="labelled">The same data opened with labels, where a run is judged by them; else null.</param>
sealed class SampleLook(PretrainingRecipe recipe, Source shown, Source? labelled)
{
    const int Queries = 10, Nearest = 5, Looked = 500, PlaceOfUsual = 10, MostPairs = 12, MostLone = 12;

    // Every tenth sample at most is said to stand alone.
    const int LoneShare = 10;

    SamplePreview[] previews = [];
    Thumbnail[] thumbnails = [];
    int[] samples = [];
    double? usualApart;

    /// <summary>Embeds the samples and writes what reports show of this moment.</summary>
    /// <param name="encoder">The encoder as it stands.</param>
    /// <param name="options">How it is asked.</param>
    /// <param name="run">Where files go.</param>
    /// <param name="step">The moment.</param>
    /// <param name="stop">Ends the work.</param>
    public void Write(EncoderNetwork encoder, FeatureOptions options, RunFolder run, long step, CancellationToken stop)
    {
        List<int> ids = [];
        List<float> values = [];
        foreach (var block in FeatureExtraction.Encode(encoder, recipe.Modality.Preprocessing, shown, options with { Limit = Looked, Seed = recipe.Run.Seed }, stop))
        {
            ids.AddRange(block.Samples);
            values.AddRange(block.Values);
        }
        if (ids.Count < 2)
            return;
        if (!ids.SequenceEqual(samples))
            Show([.. ids], run);
        var width = values.Count / ids.Count;
        var all = Finite([.. values], width);
        var found = Probed.Find(all, all, width, Math.Min(PlaceOfUsual, ids.Count - 1) + 1);
        Neighbours(found, step).Write(run);
        if (ids.Count > 3)
            Map(found, Tsne.Map(all, width, seed: recipe.Run.Seed), step).Write(run);
    }

    // An encoder that has gone wrong gives numbers that are not finite; as zero they are nobody's neighbour.
    static float[] Finite(float[] values, int width)
    {
        for (var at = 0; at + width <= values.Length; at += width)
        {
            var row = values.AsSpan(at, width);
            foreach (var value in row)
            {
                if (float.IsFinite(value))
                    continue;
                row.Clear();
                break;
            }
        }
        return values;
    }

    void Show(int[] ids, RunFolder run)
    {
        samples = ids;
        previews = [.. ids.Select(id => recipe.Modality.Preview(shown, id) is var preview && preview.Label is null ? preview with { Label = Label(id) } : preview)];
        var pictures = ids.Select(id => recipe.Modality.Picture(shown, id)).OfType<Thumbnail>().ToArray();
        thumbnails = pictures.Length == ids.Length ? pictures : [];
        // Each sample is compared with one half way through the draw: sources are often in the order of their classes.
        usualApart = thumbnails.Length == 0 ? null : thumbnails.Select((one, i) => Thumbnail.Apart(one, thumbnails[(i + (thumbnails.Length / 2)) % thumbnails.Length])).Order().ElementAt(thumbnails.Length / 2);
        new LookedSamples(previews, ThumbnailSheet.Of(thumbnails)).Write(run);
    }

    // Data is as a rule trained on without labels; where it is opened with labels to judge by, they are shown here, and only here. Another split of it has other samples.
    string? Label(int id) => labelled?.ClassNames is { } names && labelled.Count == shown.Count && labelled.Name(id) == shown.Name(id) && labelled.Label(id) is { } label ? names[label] : null;

    // The same samples at every step: a fixed draw of the source, the first ten of it asked about.
    NeighbourSamples Neighbours(Probed found, long step)
    {
        var order = Enumerable.Range(0, samples.Length).ToArray();
        Randomness.Of(recipe.Run.Seed, "fixed samples").Shuffle(order.AsSpan());
        return new(step, [.. order.Take(Queries).Select(query => new NeighbourQuery(previews[query],
            [.. found.Of(query).ToArray().Zip(found.Similarities(query).ToArray()).Where(n => n.First != query).Take(Nearest).Select(n => new Neighbour(previews[n.First], n.Second))]))]);
    }

    MapSamples Map(Probed found, float[] places, long step)
    {
        var survey = NeighbourSurvey.Of(found);
        return new(step, [.. places.Select(place => MathF.Round(place, 4))], survey.K, survey.Usual, survey.TellsApart ? survey.Factor : null, usualApart, survey.Pairs.Count,
            [.. survey.Pairs.Take(MostPairs).Select(pair => new NearPair(pair.First, pair.Second, pair.Cosine, thumbnails.Length == 0 ? null : Thumbnail.Apart(thumbnails[pair.First], thumbnails[pair.Second])))],
            [.. survey.Lone.Take(Math.Min(MostLone, samples.Length / LoneShare)).Select(lone => new LoneSample(lone.Sample, lone.Cosine))]);
    }
}
