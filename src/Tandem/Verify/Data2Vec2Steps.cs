using Tandem.Data.Masks;
using Tandem.Layers;
using Tandem.Methods.Data2Vec2;
using Tandem.Networks;
using Tandem.Torch;
using Tandem.Training;

namespace Tandem.Verify;

/// <summary>Kinds <c>pretrain_step</c>, <c>pretrain_run</c>, <c>pretrain_collapse</c> and <c>encode</c> of method <c>data2vec2</c>.</summary>
sealed class Data2Vec2Steps : ICaseKind
{
    public string Method => "data2vec2";

    public IReadOnlyList<string> Kinds => ["pretrain_step", "pretrain_run", "pretrain_collapse", "encode"];

    public void Check(GoldenCase golden, Comparison comparison, string device)
    {
        using var scope = TensorScope.Enter("case");
        using var built = new Data2Vec2Case(golden, Device.Parse(device));
        switch (golden.Kind)
        {
            case "pretrain_step":
                Step(golden, comparison, built);
                break;
            case "pretrain_run":
                Run(golden, comparison, built);
                break;
            case "pretrain_collapse":
                Collapse(comparison, built);
                break;
            default:
                Encode(golden, comparison, built);
                break;
        }
    }

    static void Step(GoldenCase golden, Comparison comparison, Data2Vec2Case built)
    {
        var method = built.Method;
        if (golden.Inputs.TryGet("draw.mask_noise.000") is { } noise)
            RandomMasking(golden, comparison, built, noise);
        var masking = built.Masking();
        comparison.Tensor("ids_keep", masking.Keep.ToHost());
        comparison.Tensor("ids_restore", masking.Restore.ToHost());
        var step = method.Loss(built.Batch(), masking, built.Pass(training: true));
        States(comparison, step);
        Losses(comparison, built, step);
        // Names of the modules that used each draw, for people.
        foreach (var words in new[] { "order_of_dropout", "order_of_drop_path" }.Where(comparison.ExpectsValue))
            comparison.Given(words);
        step.Sum.Backward();
        foreach (var parameter in method.Weights.Trained)
        {
            if (parameter.Value.Grad is { } gradient)
                comparison.Tensor("grad." + built.Theirs(parameter.Name), gradient.ToHost());
        }
        var update = golden.Config.GetLong("num_updates");
        if (golden.Config.ObjectOrNull("optimization") is not { } optimization)
            return;
        var options = FairseqTraining.Optimizer(optimization);
        var (schedule, updates) = FairseqTraining.Schedule(optimization, optimization.GetString("lr_scheduler", "cosine"));
        using var optimizer = new Optimizer(method.Weights, options);
        double Rate(Parameter p) => schedule.At(update, options.RateOf(p), updates);
        comparison.Value("grad_norm", optimizer.Step(step.Weight, Rate));
        comparison.Value("lr", options.DecoderLearningRate is null
            ? schedule.At(update, options.LearningRate, updates)
            : method.Weights.Trained.ToDictionary(p => built.Theirs(p.Name), p => (object?)Rate(p), StringComparer.Ordinal));
        Weights(comparison, built, "after.", method.Weights, built.Theirs);
        var decay = built.Options.Teacher.DecayAt(update + 1);
        comparison.Value("ema_decay", decay);
        method.Teacher.Move(decay);
        Weights(comparison, built, "teacher_after.", method.Teacher.Weights, built.TheirsOfTeacher);
    }

    // The mask is an input as well; drawn from the recorded noise it must be the same.
    static void RandomMasking(GoldenCase golden, Comparison comparison, Data2Vec2Case built, HostTensor noise)
    {
        var (rows, places) = ((int)noise.Shape[0], (int)noise.Shape[1]);
        var kept = RandomMask.Kept(places, built.Method.Encoder.FrontEnd.Options.Mask.Probability);
        for (var row = 0; row < rows; row++)
        {
            var drawn = RandomMask.Of(noise.As<float>().Slice(row * places, places), kept);
            comparison.Require(golden.Inputs["mask"].Bytes.AsSpan(row * places, places).SequenceEqual(drawn), $"row {row} of the mask does not follow from its noise");
        }
    }

    static void States(Comparison comparison, StepLoss step)
    {
        void Compare(string name, string state)
        {
            if (step.States.TryGetValue(state, out var tensor))
                comparison.Tensor(name, tensor.ToHost());
        }
        Compare("local_features", "local");
        Compare("prenet_output", "prenet");
        Compare("features", "student");
        Compare("alibi_bias", "bias");
        Compare("encoder_padding_mask", "padding");
        Compare("targets", "target");
        var two = step.States.ContainsKey("shared prediction");
        Compare("decoder_input.0", "shared decoder input");
        Compare(two ? "decoder_input.1" : "decoder_input", "decoder input");
        Compare("decoder_output.0", "shared prediction");
        Compare(two ? "decoder_output.1" : "decoder_output", "prediction");
        List<Tensor> layers = [];
        for (var i = 0; step.States.TryGetValue($"teacher layer {i}", out var layer); i++)
            layers.Add(layer);
        comparison.Tensor("teacher_layers", Ops.Stack([.. layers]).ToHost());
    }

    static void Losses(Comparison comparison, Data2Vec2Case built, StepLoss step)
    {
        foreach (var (name, sum) in step.Parts)
        {
            var theirs = name switch { "class" => "cls", "reconstruction" => "recon", _ => built.Modality.ToUpperInvariant() + "_" + name };
            comparison.Tensor("loss." + theirs, sum.ToHost());
        }
        comparison.Tensor("loss", step.Sum.ToHost());
        comparison.Value("sample_size", (long)step.Weight);
        foreach (var (name, value) in built.Method.Gauges(step))
        {
            comparison.Value(name.Replace("prediction_deviation", "pred_var", StringComparison.Ordinal)
                .Replace("target_deviation", "target_var", StringComparison.Ordinal).Replace("masked_share", "masked_pct", StringComparison.Ordinal), value);
        }
    }

    static void Weights(Comparison comparison, Data2Vec2Case built, string prefix, WeightStore store, Func<string, string> theirs)
    {
        foreach (var parameter in store.Parameters)
            comparison.Tensor(prefix + theirs(parameter.Name), parameter.Value.ToHost());
    }

    static void Run(GoldenCase golden, Comparison comparison, Data2Vec2Case built)
    {
        var optimization = golden.Config.Object("optimization");
        var options = FairseqTraining.Optimizer(optimization);
        var (schedule, updates) = FairseqTraining.Schedule(optimization, optimization.GetString("lr_scheduler", "cosine"));
        using var optimizer = new Optimizer(built.Method.Weights, options);
        var (start, count, micro) = (golden.Config.GetLong("start_update"), golden.Config.GetLong("updates"), golden.Config.GetInt("update_freq", 1));
        List<object?> steps = [];
        for (var update = start; update < start + count; update++)
        {
            double weight = 0;
            List<object?> losses = [], decays = [];
            for (var m = 0; m < micro; m++)
            {
                using var scope = TensorScope.Enter("micro-batch");
                decays.Add(built.Method.BeforeMicroBatch(update));
                var prefix = $"update{update}.{m}.";
                var step = built.Method.Loss(built.Batch(prefix), built.Masking(prefix), built.Pass(training: true, prefix));
                step.Sum.Backward();
                losses.Add(step.Sum.Item());
                weight += step.Weight;
            }
            var rate = schedule.At(update, options.LearningRate, updates);
            var norm = optimizer.Step(weight, p => schedule.At(update, options.RateOf(p), updates));
            steps.Add(new Dictionary<string, object?>(StringComparer.Ordinal)
            {
                ["update"] = update,
                ["losses"] = losses,
                ["sample_size"] = (long)weight,
                ["grad_norm"] = norm,
                ["lr"] = rate,
                ["teacher_decay_at_start"] = decays,
            });
        }
        comparison.Value("steps", steps);
        Weights(comparison, built, "after.", built.Method.Weights, built.Theirs);
        Weights(comparison, built, "teacher_after.", built.Method.Teacher.Weights, built.TheirsOfTeacher);
    }

    static void Collapse(Comparison comparison, Data2Vec2Case built)
    {
        var step = built.Method.Loss(built.Batch(), built.Masking(), built.Pass(training: true));
        var gauges = built.Method.Gauges(step).ToDictionary(g => g.Name, g => g.Value, StringComparer.Ordinal);
        comparison.Value("pred_var", gauges["prediction_deviation"]);
        comparison.Value("target_var", gauges["target_deviation"]);
        var columns = comparison.Given("columns").EnumerateArray().Select(c => c.GetString()).ToList();
        foreach (var row in comparison.Given("rows").EnumerateArray())
        {
            double At(string column) => row[columns.IndexOf(column)].GetDouble();
            var options = built.Options with { MinTargetVariance = At("min_target_var"), MinPredictionVariance = At("min_pred_var") };
            var stops = Data2Vec2Method.Collapsed(options, (long)At("num_updates"), gauges["target_deviation"], gauges["prediction_deviation"]);
            comparison.Require(stops == row[columns.IndexOf("stops")].GetBoolean(), $"at {row} training {(stops ? "stops" : "goes on")}");
        }
    }

    static void Encode(GoldenCase golden, Comparison comparison, Data2Vec2Case built)
    {
        var call = golden.Config.Object("call");
        call.Only("features_only", true).Only("training", false);
        var masked = call.GetBool("mask");
        using var noGrad = Libtorch.NoGrad();
        var layers = new List<(Tensor FeedForward, Tensor Output)>();
        var (network, pass, batch) = (built.Method.Encoder, built.Pass(training: false), built.Batch());
        var local = network.FrontEnd.Local(batch, pass);
        comparison.Tensor("local_features", local.Features.ToHost());
        Raw(comparison, network.FrontEnd, batch, pass);
        var embedded = network.FrontEnd.Embed(local, masked ? built.Masking() : null, call.GetBool("force_remove_masked"), pass);
        comparison.Tensor("prenet_output", embedded.Tokens.ToHost());
        // No padding and a mask without padding are one thing here, two in the original.
        comparison.Tensor("padding_mask", (embedded.Padding ?? Ops.Zeros(embedded.Tokens.Shape[..2], ScalarType.Bool)).ToHost());
        var x = network.Trunk.Forward(embedded.Tokens, embedded.Context, pass, layers);
        var extra = call.GetBool("remove_extra_tokens") ? network.FrontEnd.ExtraTokens : 0;
        comparison.Tensor("x", x.Narrow(1, extra, x.Size(1) - extra).Contiguous().ToHost());
        for (var i = 0; i < layers.Count; i++)
            comparison.Tensor($"layer_results.{i}", (built.Options.EndOfBlockTargets ? layers[i].Output : layers[i].FeedForward).ToHost());
    }

    // What the local encoder gives before the projection; sound as [n, channels, frames], as the publisher has it.
    static void Raw(Comparison comparison, FrontEnd frontEnd, Data.Batch batch, Pass pass)
    {
        if (!comparison.Expects("local_encoder"))
            return;
        comparison.Tensor("local_encoder", frontEnd switch
        {
            AudioFrontEnd audio => audio.Extractor.Extract(Tensor.From(((Data.Audio.AudioBatch)batch).Samples), pass).Transpose(1, 2).Contiguous().ToHost(),
            _ => frontEnd.Local(batch, pass).Features.ToHost(),
        });
    }
}
