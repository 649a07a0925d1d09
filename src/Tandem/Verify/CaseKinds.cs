namespace Tandem.Verify;

/// <summary>How one kind of golden case is checked.</summary>
public interface ICaseKind
{
    /// <summary>The method as <c>case.json</c> names it.</summary>
    string Method { get; }

    /// <summary>The kinds that this check knows.</summary>
    IReadOnlyList<string> Kinds { get; }

    /// <summary>Whether this check takes the case; method and kind fit already. For kinds whose computation depends on modality or name.</summary>
    bool Takes(GoldenCase golden) => true;

    /// <summary>Computes the case with the classes that training uses and hands every result to <paramref name="comparison"/>.</summary>
    /// <param name="golden">What to compute.</param>
    /// <param name="comparison">Takes the results.</param>
    /// <param name="device">Where to compute: <c>cpu</c>, <c>cuda:0</c>.</param>
    /// <exception cref="SkippedException">The case cannot be checked here.</exception>
    /// <exception cref="CaseFailedException">The case cannot be understood.</exception>
    void Check(GoldenCase golden, Comparison comparison, string device);
}

/// <summary>All checks, in one list, and the kinds that published cases have but that no check knows yet.</summary>
public static class CaseKinds
{
    /// <summary>The checks that are built. Registration is one line here.</summary>
    public static IReadOnlyList<ICaseKind> All { get; } =
    [
        new Data2Vec2Steps(),
        new Data2Vec2Draws(),
        new DistanceBiasKind(),
        new Audio.MaskedCollationKind(),
        new Audio.SoundKinds(),
        new Audio.CorpusKinds(),
        new Audio.CollationKinds(),
        new SafetensorsKinds(),
        new NpyKinds(),
        new EventKinds(),
        new HostileKinds(),
        new TarKinds(),
        new Images.ResizeKind(),
        new Images.ResizeRuleKind(),
        new Images.CropParametersKind(),
        new Images.DecodeKind(),
        new Images.PreprocessKind(),
        new Images.ColourJitterKind(),
        new Images.PipelineKind(),
        new Text.TokenizerKinds(),
        new Text.TokenizerJsonKind(),
        new Text.TrainBpeKind(),
        new Text.TokenRowKinds(),
        new Images.KnnKind(),
        new Images.LogisticRegressionKind(),
    ];

    /// <summary>Kinds of the published cases, by method. One that no check in <see cref="All"/> takes is skipped; a kind that is not here is unknown and fails.</summary>
    static readonly Dictionary<string, string[]> Published = new(StringComparer.Ordinal)
    {
        ["audio"] = ["buckets", "collate", "corpus_layout", "frame_length", "manifest", "normalise", "order_batches", "read", "resample"],
        ["caption_metrics"] = ["caption_metrics", "vqa_accuracy"],
        ["clip"] = ["accumulate_step", "checkpoint_openclip_bin", "checkpoint_openclip_safetensors", "checkpoint_openclip_training", "distributed_loss", "encode", "pretrain_step", "schedule"],
        ["coca"] = ["accumulate_step", "adafactor", "checkpoint_openclip_safetensors", "encode", "frozen_pooler_step", "generate", "pooler", "pretrain_step"],
        ["ctc"] = ["checkpoint_ctc", "ctc_decode", "ctc_loss", "finetune_step", "labels", "lm_score", "lm_train", "schedule", "validate", "wer"],
        ["data2vec1"] = ["encode", "finetune_step", "mask", "mask_statistics", "pretrain_step", "schedule"],
        ["data2vec2"] =
        [
            "alibi", "checkpoint_audio_finetuned", "checkpoint_audio_full", "checkpoint_image_finetuned", "checkpoint_image_full", "checkpoint_text_finetuned", "checkpoint_text_full", "collate",
            "encode", "finetune_config", "finetune_step", "init_statistics", "layer_scale", "mask", "mask_statistics", "pretrain_collapse", "pretrain_run", "pretrain_step", "schedule",
        ],
        ["formats"] =
        [
            "dictionary", "events", "hostile", "npy", "onnx_run", "read_safetensors", "read_sharded", "read_tensors", "tar", "webdataset", "write_events", "write_npy", "write_safetensors",
        ],
        ["glue"] = ["label_order", "metrics_classification", "metrics_regression", "read"],
        ["huggingface"] = ["encode", "preprocess"],
        ["images"] =
        [
            "attentive_probe", "augment", "augment_level", "color_jitter", "crop_params", "decode", "erase", "knn", "logreg", "mixup", "pipeline", "preprocess", "rand_augment", "resize", "resize_rule",
        ],
        ["mae"] = ["encode", "finetune_step", "init_statistics", "linprobe_step", "mask", "optimizer", "pos_interpolate", "positions", "pretrain_step", "schedule"],
        ["perceiver"] = ["autoencode", "checkpoint_hf", "classify_step", "encode", "mask", "positions", "preprocess", "pretrain_step", "tokenize"],
        ["retrieval"] = ["retrieval", "retrieval_video", "zeroshot"],
        ["roberta"] = ["blocks", "checkpoint_roberta", "encode", "finetune_step", "finetune_step_dropout", "indexed_dataset", "mask", "mask_statistics", "pretrain_step", "pretrain_step_dropout", "schedule"],
        ["tokenizers"] = ["detokenize", "tokenize", "tokenize_batch", "tokenize_mojibake", "tokenizer_json", "train_bpe", "word_begins"],
        ["wav2vec2"] = ["checkpoint_pretrain", "encode", "mask_statistics", "pretrain_step", "quantizer", "schedule"],
    };

    /// <summary>The check of a case.</summary>
    /// <param name="golden">The case.</param>
    /// <param name="kinds">The checks to choose from; <see cref="All"/> when null.</param>
    /// <exception cref="SkippedException">Its method, or this kind of it, is not built yet.</exception>
    /// <exception cref="CaseFailedException">The method has no such kind.</exception>
    public static ICaseKind Of(GoldenCase golden, IReadOnlyList<ICaseKind>? kinds = null)
    {
        kinds ??= All;
        if (kinds.FirstOrDefault(kind => kind.Method == golden.Method && kind.Kinds.Contains(golden.Kind, StringComparer.Ordinal) && kind.Takes(golden)) is { } check)
            return check;
        var built = kinds.Where(kind => kind.Method == golden.Method).SelectMany(kind => kind.Kinds).ToList();
        if (!Published.TryGetValue(golden.Method, out var published) && built.Count == 0)
            throw new SkippedException($"method '{golden.Method}' is not built yet");
        if (built.Contains(golden.Kind, StringComparer.Ordinal) || (published ?? []).Contains(golden.Kind, StringComparer.Ordinal))
            throw new SkippedException($"kind '{golden.Kind}' of method '{golden.Method}' is not built yet{(built.Contains(golden.Kind, StringComparer.Ordinal) ? " for this case" : "")}");
        throw new CaseFailedException($"method '{golden.Method}' has no kind '{golden.Kind}'; it has {string.Join(", ", (published ?? []).Union(built, StringComparer.Ordinal).Order(StringComparer.Ordinal))}");
    }
}
