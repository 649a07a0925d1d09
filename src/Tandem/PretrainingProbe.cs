using Tandem.Data;
using Tandem.Data.Sources;
using Tandem.Layers;
using Tandem.Probes;
using Tandem.Recipes;
using Tandem.Runs;
using Tandem.Torch;
using Tandem.Training;

namespace Tandem;

/// <summary>What a run looks at while it trains: accuracy of nearest neighbours on held-out labels, a fixed draw of samples, and a few masked ones.</summary>
sealed class PretrainingProbe : IDisposable
{
    const int MaskedShown = 6;

    readonly PretrainingRecipe recipe;
    readonly Source source, shown;
    readonly Source? test, train;
    readonly SampleLook look;
    Batch? masked;

    PretrainingProbe(PretrainingRecipe recipe, Source source, Source? train, Source? test)
    {
        (this.recipe, this.source, this.train, this.test) = (recipe, source, train, test);
        shown = recipe.Modality.Shown(source);
        // Labels belong to the shown samples only where they are of the same data.
        look = new(recipe, shown, shown == source && (recipe.Evaluate.Train is null || DataPaths.AreSame(recipe.Evaluate.Train, recipe.Data.Path!)) ? train : null);
    }

    /// <summary>Opens the labelled data that the recipe names.</summary>
    /// <param name="recipe">The recipe.</param>
    /// <param name="source">What is trained on.</param>
    /// <param name="note">Hears of what is worth knowing.</param>
    /// <param name="stop">Ends the opening.</param>
    /// <exception cref="TandemException">It cannot be read, has no labels, or classes that neighbours do not have.</exception>
    public static PretrainingProbe Open(PretrainingRecipe recipe, Source source, Action<string>? note, CancellationToken stop)
    {
        var evaluate = recipe.Evaluate;
        if (evaluate.Test is null)
            return new(recipe, source, null, null);
        var labels = evaluate.Labels ?? recipe.Data.Labels ?? "auto";
        Source Labelled(string path, string? split) =>
            recipe.Modality.Preprocessing.Open(path, new SourceOptions { Labels = labels, Split = split, Column = evaluate.Column, Stop = stop }, recipe.Data.BadLimit);
        var train = evaluate.Train ?? recipe.Data.Path!;
        // Where one path holds both parts, neighbours are never looked for among what is judged.
        var same = DataPaths.AreSame(evaluate.Test, train);
        Source? judge = null, learn = null;
        try
        {
            judge = Labelled(evaluate.Test, evaluate.TestSplit ?? (same || DataPaths.HoldsTestPart(evaluate.Test) ? "test" : null));
            learn = Labelled(train, evaluate.TrainSplit ?? (evaluate.Train is null ? recipe.Data.Split : null) ?? (same ? "train" : null));
            FeatureExtraction.RequireClasses(learn, judge, evaluate.Limit, new FeatureOptions().Seed);
            if (FeatureExtraction.Overlap(learn, judge, recipe.Modality.Preprocessing.Sample) is { } overlap)
                note?.Invoke(overlap);
            return new(recipe, source, learn, judge);
        }
        catch
        {
            judge?.Dispose();
            learn?.Dispose();
            throw;
        }
    }

    /// <summary>Judges the encoder as it stands, and keeps what reports show of this moment.</summary>
    public IReadOnlyList<(string Name, double Value)> Run(Method method, Precision precision, RunFolder run, long step, CancellationToken stop)
    {
        look.Write(method.Encoder, Options(precision) with { Beginnings = true }, run, step, stop);
        Masked(method, precision, step)?.Write(run);
        if (train is null || test is null)
            return [];
        var options = Options(precision) with { Limit = recipe.Evaluate.Limit, Layer = recipe.Evaluate.Layer };
        var preprocessing = recipe.Modality.Preprocessing;
        var known = FeatureExtraction.Gather(FeatureExtraction.Encode(method.Encoder, preprocessing, train, options, stop), train, "train").At(0);
        var asked = FeatureExtraction.Gather(FeatureExtraction.Encode(method.Encoder, preprocessing, test, options, stop), test, "test").At(0);
        return [("knn", new KnnProbe(Math.Min(recipe.Evaluate.K, known.Count)).Judge(known, asked.NumberedAs(known), cancellation: stop).Accuracy)];
    }

    public void Dispose()
    {
        train?.Dispose();
        test?.Dispose();
        if (shown != source)
            shown.Dispose();
    }

    static FeatureOptions Options(Precision precision) => new() { Precision = precision, Batch = 128, Workers = 1, Skipped = _ => { } };

    // The first batch of the run, with its masks; how far predictions are from targets at each place. Methods without such places show nothing.
    MaskedSamples? Masked(Method method, Precision precision, long step)
    {
        using var scope = TensorScope.Enter("masked samples");
        using var noGrad = Libtorch.NoGrad();
        masked ??= First();
        var states = method.Loss(masked, new Pass(training: false, precision, new SeededDraws(recipe.Run.Seed, 0))).States;
        if (!states.TryGetValue("prediction", out var prediction) || !states.TryGetValue("target", out var target) || !states.TryGetValue("mask", out var mask)
            || prediction.Size(1) != mask.Size(1) || target.Size(1) != mask.Size(1))
        {
            return null;
        }
        var (copies, places) = (mask.Size(0) / target.Size(0), (int)mask.Size(1));
        var grid = method.Encoder.FrontEnd.Grid(places);
        List<MaskedSample> samples = [];
        for (var i = 0; i < Math.Min(MaskedShown, masked.Count); i++)
        {
            var row = i * masked.Count / Math.Min(MaskedShown, masked.Count);
            var apart = prediction.Select(0, row * copies).To(ScalarType.Float).Sub(target.Select(0, row));
            var bits = mask.Select(0, row * copies).ToHost().As<byte>();
            var (png, texts) = recipe.Modality.Places(masked, row);
            samples.Add(new(grid.Rows, grid.Columns, string.Concat(bits.ToArray().Select(bit => bit == 0 ? '0' : '1')), apart.Square().Mean([1]).ToFloats(), png, texts));
        }
        return new(step, samples);
    }

    Batch First()
    {
        using var batches = recipe.Modality.Batches(source, recipe.Objective.Copies, recipe.Run.Seed, 0);
        return batches.Next(CancellationToken.None)!;
    }
}
