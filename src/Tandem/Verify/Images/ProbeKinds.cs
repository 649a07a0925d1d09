using Tandem.Probes;
using Tandem.Torch;

namespace Tandem.Verify.Images;

/// <summary>Kind <c>knn</c> of method <c>images</c>: neighbours, DINO's weighted vote and the plain vote.</summary>
sealed class KnnKind : ICaseKind
{
    public string Method => "images";

    public IReadOnlyList<string> Kinds => ["knn"];

    public void Check(GoldenCase golden, Comparison comparison, string device)
    {
        var inputs = ProbeCase.Read(golden);
        var temperature = golden.Config.GetDouble("temperature");
        var ks = golden.Config.GetInts("k");
        if (ks.Length == 0)
            throw new CaseFailedException("the configuration's 'k' is empty");
        var neighbours = Neighbours.Find(inputs.Train, inputs.Test, inputs.Width, ks.Max());
        foreach (var k in ks)
        {
            int count = inputs.TestLabels.Length, classes = inputs.Classes;
            var nearest = new long[count * k];
            var votes = new float[count * classes];
            var plain = new long[count];
            int right = 0, five = 0, plainRight = 0;
            for (var i = 0; i < count; i++)
            {
                var samples = neighbours.Of(i)[..k];
                var similarities = neighbours.Similarities(i)[..k];
                var labels = new int[k];
                for (var j = 0; j < k; j++)
                    (nearest[(i * k) + j], labels[j]) = (samples[j], inputs.TrainLabels[samples[j]]);
                var weights = Vote.Weights(labels, similarities, classes, temperature);
                for (var c = 0; c < classes; c++)
                    votes[(i * classes) + c] = (float)weights[c];
                var ranked = Vote.Ranked(weights);
                right += ranked[0] == inputs.TestLabels[i] ? 1 : 0;
                five += ranked.Take(Math.Min(5, k)).Contains(inputs.TestLabels[i]) ? 1 : 0;
                plain[i] = Vote.Plain(labels, similarities, classes)[0];
                plainRight += plain[i] == inputs.TestLabels[i] ? 1 : 0;
            }
            comparison.Tensor($"neighbours.{k}", HostTensor.From<long>(nearest, count, k));
            comparison.Tensor($"votes.{k}", HostTensor.From<float>(votes, count, classes));
            comparison.Tensor($"plain_prediction.{k}", HostTensor.From<long>(plain, count));
            comparison.Value($"k{k}", new Dictionary<string, object?>(StringComparer.Ordinal)
            {
                ["top1"] = 100.0 * right / count,
                ["top5"] = 100.0 * five / count,
                ["plain_top1"] = 100.0 * plainRight / count,
            });
        }
    }
}

/// <summary>Kind <c>logreg</c> of method <c>images</c>: multinomial logistic regression.</summary>
sealed class LogisticRegressionKind : ICaseKind
{
    public string Method => "images";

    public IReadOnlyList<string> Kinds => ["logreg"];

    public void Check(GoldenCase golden, Comparison comparison, string device)
    {
        golden.Config.Only("penalty", "l2 on coef only").WithoutEffect("solver");
        var inputs = ProbeCase.Read(golden);
        int count = inputs.TestLabels.Length, classes = inputs.Classes, width = inputs.Width;
        var standardise = golden.Config.GetBool("standardise");
        var by = standardise ? Standardisation.Of(inputs.Train, width) : Standardisation.None(width);
        var fitted = LogisticRegression.Fit(inputs.Train, width, inputs.TrainLabels, classes, golden.Config.GetDouble("C"), by);
        comparison.Require(fitted.Minimum.Converged, "the minimum was not reached");
        var probabilities = fitted.Probabilities(inputs.Test);
        comparison.Tensor("coef", Floats(fitted.Weights, classes, width));
        comparison.Tensor("intercept", Floats(fitted.Intercepts, classes));
        comparison.Tensor("probabilities", Floats(probabilities, count, classes));
        if (standardise)
        {
            comparison.Tensor("mean", Floats(by.Mean, width));
            comparison.Tensor("std", Floats(by.Std, width));
        }
        // Compared here by the page's 1e-6 relative; the rule for values asks for 1e-4 only.
        if (golden.Values is { } values && values.TryGetProperty("objective", out var objective))
            comparison.Near("values.objective", fitted.Objective, objective.GetDouble(), 1e-6, 0);
        comparison.Value("objective", fitted.Objective);
        var right = Enumerable.Range(0, count).Count(i => Vote.Ranked(probabilities.AsSpan(i * classes, classes).ToArray())[0] == inputs.TestLabels[i]);
        comparison.Value("top1", 100.0 * right / count);
    }

    static HostTensor Floats(double[] values, params long[] shape) => HostTensor.From<float>(Array.ConvertAll(values, value => (float)value), shape);
}

/// <summary>The inputs that both kinds have.</summary>
sealed record ProbeCase(float[] Train, int[] TrainLabels, float[] Test, int[] TestLabels, int Width, int Classes)
{
    public static ProbeCase Read(GoldenCase golden)
    {
        HostTensor train = golden.Inputs["train"], test = golden.Inputs["test"];
        if (train.Shape.Length != 2 || test.Shape.Length != 2 || train.Shape[1] != test.Shape[1])
            throw new CaseFailedException("'train' and 'test' are not two tables of one width");
        int[] trainLabels = Labels(golden.Inputs["train_labels"], train.Shape[0]), testLabels = Labels(golden.Inputs["test_labels"], test.Shape[0]);
        var classes = golden.Config.GetInt("num_classes");
        if (trainLabels.Concat(testLabels).Any(label => label < 0 || label >= classes))
            throw new CaseFailedException($"a label is not among the {classes} classes");
        return new(Values(train), trainLabels, Values(test), testLabels, (int)train.Shape[1], classes);
    }

    static int[] Labels(HostTensor labels, long count) => labels.Type == ScalarType.Long && labels.Count == count
        ? Array.ConvertAll(labels.As<long>().ToArray(), label => checked((int)label))
        : throw new CaseFailedException("labels are not one int64 a sample");

    static float[] Values(HostTensor table) => table.Type switch
    {
        ScalarType.Float => table.As<float>().ToArray(),
        ScalarType.Double => Array.ConvertAll(table.As<double>().ToArray(), value => (float)value),
        _ => throw new CaseFailedException($"features of type {table.Type}"),
    };
}
