using Tandem.Data;
using Tandem.Layers;
using Tandem.Networks;
using Tandem.Torch;
using Tandem.Training;

namespace Tandem.Methods.Data2Vec2;

/// <summary>Builds a front end at a place in a store; with a student's given, a teacher that shares its local encoder.</summary>
public delegate FrontEnd FrontEndFactory(Weights at, FrontEnd? sharingLocalOf);

/// <summary>
/// data2vec 2.0: a student sees the visible places of M masked copies of each sample; a small decoder predicts, at the masked places,
/// averages of the inner layers of a teacher (a moving average of the student) that sees each sample once and whole.
/// </summary>
public sealed class Data2Vec2Method : Method
{
    readonly Data2Vec2Options options;
    readonly FrontEnd frontEnd;
    readonly Trunk trunk;
    readonly List<Filler> decoders = [];
    readonly Linear? reconstruction;
    readonly FrontEnd? teacherFrontEnd;
    readonly Trunk teacherTrunk;
    readonly long seed;
    long update;

    /// <summary>Builds student (<c>front</c>, <c>trunk</c>, <c>decoder</c>, …) and teacher.</summary>
    /// <param name="weights">The student's store.</param>
    /// <param name="createFrontEnd">Builds the modality's front end.</param>
    /// <param name="trunkOptions">The shared blocks.</param>
    /// <param name="options">The objective.</param>
    /// <param name="seed">Seed of what is drawn outside layers (which masked places are kept).</param>
    /// <param name="reconstructionWidth">Values that the reconstruction gives for a place; null: as many as there are. The released code always takes the model's width, and works only where both are equal.</param>
    public Data2Vec2Method(WeightStore weights, FrontEndFactory createFrontEnd, TrunkOptions trunkOptions, Data2Vec2Options options, long seed = 0, int? reconstructionWidth = null)
    {
        this.options = options;
        this.seed = seed;
        Weights = weights;
        var root = weights.Root;
        frontEnd = createFrontEnd(root / "front", null);
        trunk = new(root / "trunk", trunkOptions, frontEnd.Options.PrenetDepth);
        if (options.SharedDecoder is { } shared)
        {
            var convolutions = new ConvolutionDecoder(root / "shared_decoder", shared, frontEnd.Width, twoDimensional: false, (i, o) => (Init.Xavier(i, o), Init.Zeros));
            decoders.Add(new((input, _, masking, pass) => convolutions.Forward(input, (1, (int)masking.Places), pass)));
        }
        decoders.Add(frontEnd.CreateDecoder(root / "decoder"));
        if (options.ReconstructionWeight > 0)
        {
            if (frontEnd.ReconstructedValues == 0)
                throw new TandemException(ErrorKind.Usage, "this kind of data has nothing to reconstruct", "objective.reconstruction_weight", "0");
            var values = reconstructionWidth ?? frontEnd.ReconstructedValues;
            reconstruction = new(root / "reconstruction", frontEnd.Width, values, Init.FanIn(frontEnd.Width), Init.FanIn(frontEnd.Width));
        }

        var followed = WeightStore.Following(weights);
        teacherFrontEnd = options.TeacherParts switch
        {
            TeacherParts.Whole => createFrontEnd(followed.Root / "front", null),
            TeacherParts.WithoutLocal => createFrontEnd(followed.Root / "front", frontEnd),
            _ => null,
        };
        teacherTrunk = new(followed.Root / "trunk", trunkOptions, frontEnd.Options.PrenetDepth, withNorm: options.TeacherParts != TeacherParts.Blocks);
        Teacher = new(followed, options.Teacher);
        Encoder = new(frontEnd, trunk);
    }

    /// <inheritdoc/>
    public override WeightStore Weights { get; }

    /// <inheritdoc/>
    public override Teacher Teacher { get; }

    /// <inheritdoc/>
    public override EncoderNetwork Encoder { get; }

    /// <summary>The teacher as an encoder, where it has a front end of its own.</summary>
    public EncoderNetwork? TeacherEncoder => teacherFrontEnd is null ? null : new(teacherFrontEnd, teacherTrunk);

    /// <inheritdoc/>
    public override double? BeforeMicroBatch(long update)
    {
        this.update = update;
        return base.BeforeMicroBatch(update);
    }

    /// <inheritdoc/>
    public override StepLoss Loss(Batch batch, Pass pass)
    {
        var masks = batch.Masks ?? throw new InvalidOperationException("the batch has no masks");
        return Loss(batch, Masking.From(masks, options.Copies, frontEnd.Options.KeepMasked,
            Randomness.Of(seed, "kept masked places", batch.Ids.Length == 0 ? 0 : batch.Ids[0]), Weights.Device), pass);
    }

    /// <summary>The loss with masks whose places are ordered already.</summary>
    public StepLoss Loss(Batch batch, Masking masking, Pass pass)
    {
        var local = frontEnd.Local(batch, pass);
        var embedded = frontEnd.Embed(local, masking, remove: true, pass);
        var features = trunk.Forward(embedded.Tokens, embedded.Context, pass);
        var (predictions, inputs, dropped) = Decode(features, masking, pass);
        var layers = TeacherLayers(batch, local, pass);
        var targets = Targets.Of(layers, options);

        var parts = Parts(batch, masking, predictions, dropped, targets, pass);
        var sum = parts.Select(p => p.Sum).Aggregate((a, b) => a.Add(b));
        var states = new Dictionary<string, Tensor>(StringComparer.Ordinal)
        {
            ["local"] = local.Features,
            ["prenet"] = embedded.Tokens,
            ["student"] = features,
            ["decoder input"] = inputs[^1],
            ["prediction"] = predictions[^1],
            ["target"] = targets,
            ["mask"] = masking.Mask,
            ["keep"] = masking.Keep,
        };
        if (embedded.Bias is not null)
            states["bias"] = embedded.Bias;
        if (embedded.Padding is not null)
            states["padding"] = embedded.Padding;
        if (local.Padding is not null)
            states["local padding"] = local.Padding;
        if (predictions.Count == 2)
        {
            states["shared decoder input"] = inputs[0];
            states["shared prediction"] = predictions[0];
        }
        for (var i = 0; i < layers.Count; i++)
            states[$"teacher layer {i}"] = layers[i];
        return new(sum, masking.Masked, parts, states);
    }

    // Decoder inputs share one tensor of features, whose dropout acts again for a second decoder: in the original it is in place.
    (List<Tensor> Predictions, List<Tensor> Inputs, Tensor Features) Decode(Tensor features, Masking masking, Pass pass)
    {
        var decoder = frontEnd.Options.Decoder;
        List<Tensor> predictions = [], inputs = [];
        foreach (var (filler, index) in decoders.Select((d, i) => (d, i)))
        {
            features = pass.Dropout(features, decoder.InputDropout, $"decoder.{index}/input");
            var low = pass.Low(features);
            if (filler.MaskedOnly)
            {
                inputs.Add(filler.Queries(masking));
                predictions.Add(filler.Forward(inputs[^1], low.Narrow(1, frontEnd.ExtraTokens, masking.Kept), masking, pass));
                continue;
            }
            var noise = pass.Draws.Noise([low.Size(0), masking.Places - masking.Kept, frontEnd.Width], frontEnd.Options.MaskNoise, $"decoder.{index}/noise", low.Type, low.Device);
            inputs.Add(WithPositions(Ops.Restore(low, noise, masking.Restore, frontEnd.ExtraTokens), masking, decoder));
            predictions.Add(filler.Forward(inputs[^1], low, masking, pass));
        }
        return (predictions, inputs, features);
    }

    Tensor WithPositions(Tensor x, Masking masking, DecoderOptions decoder)
    {
        if (!decoder.PositionsMasked && !decoder.PositionsAll)
            return x;
        var positions = frontEnd.Positions(masking.Places)
            ?? throw new TandemException(ErrorKind.Usage, "the decoder is to add positions, but this front end has no fixed ones", "model.decoder");
        if (decoder.PositionsMasked)
            x = x.Add(positions.Mul(masking.Mask.Unsqueeze(2).To(positions.Type)).To(x.Type));
        return decoder.PositionsAll ? x.Add(positions.To(x.Type)) : x;
    }

    // [n, places, width] of every block of the teacher, without extra tokens.
    List<Tensor> TeacherLayers(Batch batch, LocalFeatures local, Pass pass)
    {
        using var noGrad = Libtorch.NoGrad();
        var evaluation = Pass.Evaluation(pass.Precision);
        var still = local with { Features = local.Features.Detach() };
        var embedded = options.TeacherParts switch
        {
            TeacherParts.Blocks => frontEnd.Embed(still, null, remove: false, pass),
            TeacherParts.WithoutLocal => teacherFrontEnd!.Embed(still, null, remove: false, evaluation),
            _ => teacherFrontEnd!.Embed(teacherFrontEnd.Local(batch.TeacherView, evaluation), null, remove: false, evaluation),
        };
        var layers = new List<(Tensor FeedForward, Tensor Output)>();
        teacherTrunk.Forward(embedded.Tokens, embedded.Context, evaluation, layers, finalNorm: false);
        var extra = frontEnd.ExtraTokens;
        return [.. layers.Select(l => options.EndOfBlockTargets ? l.Output : l.FeedForward).Select(l => l.Narrow(1, extra, l.Size(1) - extra))];
    }

    List<(string Name, Tensor Sum)> Parts(Batch batch, Masking masking, List<Tensor> predictions, Tensor features, Tensor targets, Pass pass)
    {
        var scale = options.LossScale ?? 1 / Math.Sqrt(frontEnd.Width);
        List<(string, Tensor)> parts = [];
        for (var i = 0; i < predictions.Count; i++)
        {
            var error = decoders[i].MaskedOnly
                ? MaskedRegression(predictions[i], targets, masking, scale)
                : Ops.Regression(predictions[i], targets, masking.Mask, options.LossBeta, scale);
            parts.Add((predictions.Count == 1 ? "regression" : $"regression_{i}", error.Mul(options.RegressionWeight)));
        }
        if (options.ClassWeight > 0)
        {
            var token = features.Narrow(1, frontEnd.ExtraTokens - 1, 1);
            var ones = Ops.Ones([token.Size(0), 1], ScalarType.Byte, token.Device);
            parts.Add(("class", Ops.Regression(token, targets.Mean([1], keepdim: true), ones, options.LossBeta, scale).Mul(options.ClassWeight * masking.Masked)));
        }
        var share = options.ReconstructionWeight * (options.ReconstructionEnd is { } end ? Math.Max(0, 1 - ((double)update / end)) : 1);
        if (reconstruction is not null && share > 0)
        {
            var original = frontEnd.Reconstruction(batch, Weights.Device)!;
            parts.Add(("reconstruction", Ops.Regression(reconstruction.Forward(predictions[0], pass), original, masking.Mask, options.LossBeta, scale).Mul(share)));
        }
        return parts;
    }

    // Predictions come for masked places only, in row-major order, so the targets are gathered likewise.
    Tensor MaskedRegression(Tensor predictions, Tensor targets, Masking masking, double scale)
    {
        var chosen = MaskedRows(targets, masking).Reshape([.. predictions.Shape]);
        return Ops.Regression(predictions, chosen, Ops.Ones([predictions.Size(0), predictions.Size(1)], ScalarType.Byte, predictions.Device), options.LossBeta, scale);
    }

    static Tensor MaskedRows(Tensor x, Masking masking) =>
        (masking.Mask.Size(0) == x.Size(0) ? x : x.RepeatInterleave(masking.Mask.Size(0) / x.Size(0), 0)).Index([masking.Mask.Ne(0)]);

    /// <summary>Deviations of predictions and targets over masked places (√(unbiased variance + 1e-6), mean over channels), and the masked share.</summary>
    public override IReadOnlyList<(string Name, double Value)> Gauges(StepLoss step)
    {
        using var scope = TensorScope.Enter("gauges");
        using var noGrad = Libtorch.NoGrad();
        var mask = step.States["mask"];
        var masking = new Masking(mask, mask, mask, options.Copies);
        List<(string, double)> gauges = [];
        for (var i = 0; i < decoders.Count; i++)
        {
            var prediction = step.States[i < decoders.Count - 1 ? "shared prediction" : "prediction"].Detach();
            var rows = decoders[i].MaskedOnly ? prediction.Reshape([-1, frontEnd.Width]) : MaskedRows(prediction, masking);
            gauges.Add((decoders.Count == 1 ? "prediction_deviation" : $"prediction_deviation_{i}", Deviation(rows)));
        }
        gauges.Add(("target_deviation", Deviation(MaskedRows(step.States["target"], masking))));
        gauges.Add(("masked_share", 1 - ((double)(step.States["student"].Size(1) - frontEnd.ExtraTokens) / mask.Size(1))));
        return gauges;
    }

    static double Deviation(Tensor rows) => rows.To(ScalarType.Float).Var([0]).Add(1e-6).Sqrt().Mean().Item();

    /// <summary>The publisher's check for collapse: after update 5000, stop when targets or predictions hardly vary.</summary>
    public static bool Collapsed(Data2Vec2Options options, long update, double targetDeviation, double predictionDeviation) =>
        update > 5000 && (targetDeviation < options.MinTargetVariance || predictionDeviation < options.MinPredictionVariance);

    /// <inheritdoc/>
    public override void Dispose()
    {
        Teacher.Weights.Dispose();
        Weights.Dispose();
    }
}
