using System.Globalization;
using System.Text.RegularExpressions;
using Tandem.Data.Masks;
using Tandem.Layers;
using Tandem.Networks;

namespace Tandem.Models.Peers;

/// <summary>fairseq's configuration of a data2vec 2.0 network (<c>data2vec_multi</c>) as ours.</summary>
/// <param name="Modality">image, audio or text.</param>
/// <param name="Trunk">The shared blocks.</param>
/// <param name="FrontEnd">The modality's options.</param>
/// <param name="SharedDecoder">A decoder beside the modality's own; null for none.</param>
public sealed record Data2Vec2Network(string Modality, TrunkOptions Trunk, FrontEndOptions FrontEnd, DecoderOptions? SharedDecoder)
{
    /// <summary>Translates the model's section.</summary>
    public static Data2Vec2Network Read(ConfigReader model)
    {
        model.WithoutEffect("_name", "supported_modality", "seed", "max_update", "log_norms", "ema_same_dtype", "skip_ema");
        var xavier = model.GetBool("mae_init", false);
        var block = new BlockOptions
        {
            Width = model.GetInt("embed_dim"),
            Heads = model.GetInt("num_heads"),
            MlpRatio = model.GetDouble("mlp_ratio"),
            Norm = model.GetBool("layer_norm_first") ? NormPlacement.PreAsReleased : NormPlacement.Post,
            NormEps = model.GetDouble("norm_eps"),
            NormAffine = model.GetBool("norm_affine"),
            Dropout = model.GetDouble("encoder_dropout"),
            AttentionDropout = model.GetDouble("attention_dropout"),
            ActivationDropout = model.GetDouble("activation_dropout"),
            PostMlpDropout = model.GetDouble("post_mlp_drop"),
            XavierInit = xavier,
        };
        var trunk = new TrunkOptions
        {
            Block = block,
            Depth = model.GetInt("depth"),
            InputDropout = model.GetDouble("dropout_input"),
            LayerDrop = model.GetDouble("layerdrop"),
            DropPathStart = model.GetDouble("start_drop_path_rate"),
            DropPathEnd = model.GetDouble("end_drop_path_rate"),
        };
        var shared = model.ObjectOrNull("shared_decoder");
        var modalities = model.Object("modalities");
        var name = modalities.Names.Single();
        var modality = modalities.Object(name);
        FrontEndOptions frontEnd = name switch
        {
            "image" => Common(modality, Image(modality), block.Heads),
            "audio" => Common(modality, Audio(modality), block.Heads),
            "text" => Common(modality, Text(modality, model), block.Heads),
            _ => throw new TandemException(ErrorKind.Input, $"there is no modality '{name}'", "modalities", "image, audio or text"),
        };
        return new(name, trunk, frontEnd, shared is null ? null : Decoder(shared));
    }

    // What every modality has.
    static FrontEndOptions Common(ConfigReader c, FrontEndOptions options, int heads)
    {
        // Read by no code, or only where other masks are drawn.
        c.WithoutEffect("type", "alibi_max_pos", "remove_masks", "add_masks", "model_depth", "alibi_dims", "mask_channel_prob", "mask_channel_length");
        c.Only("learned_alibi", false);
        return options with
        {
            PrenetDepth = c.GetInt("prenet_depth"),
            PrenetLayerDrop = c.GetDouble("prenet_layerdrop"),
            PrenetDropout = c.GetDouble("prenet_dropout"),
            PrenetDropPathStart = c.GetDouble("start_drop_path_rate"),
            PrenetDropPathEnd = c.GetDouble("end_drop_path_rate"),
            ExtraTokens = c.GetInt("num_extra_tokens"),
            FirstTokenZero = c.GetBool("init_extra_token_zero"),
            LocalGradient = c.GetDouble("local_grad_mult"),
            DistanceBias = Bias(c, heads),
            KeepMasked = c.GetDouble("keep_masked_pct"),
            MaskNoise = c.GetDouble("mask_noise_std"),
            ZeroMasked = c.GetBool("encoder_zero_mask"),
            Mask = new MaskOptions
            {
                Probability = c.GetDouble("mask_prob"),
                ProbabilityMin = c.GetDoubleOrNull("mask_prob_min"),
                Adjust = c.GetDouble("mask_prob_adjust"),
                Length = c.GetInt("mask_length"),
                Inverse = c.GetBool("inverse_mask"),
                Dropout = c.GetDouble("mask_dropout"),
            },
            Decoder = Decoder(c.Object("decoder")) with { Kind = options.Decoder.Kind },
        };
    }

    static AudioFrontEndOptions Audio(ConfigReader c) => new()
    {
        Extractor = Layers(c.GetString("feature_encoder_spec")),
        ExtractorNorm = c.GetString("extractor_mode") switch
        {
            "layer_norm" => ExtractorNorm.Layer,
            "default" => ExtractorNorm.Group,
            var other => throw new TandemException(ErrorKind.Input, $"there is no extractor mode '{other}'", "extractor_mode", "layer_norm or default"),
        },
        PositionWidth = c.GetInt("conv_pos_width"),
        PositionGroups = c.GetInt("conv_pos_groups"),
        PositionDepth = c.GetInt("conv_pos_depth"),
        PositionNorm = c.GetBool("conv_pos_pre_ln"),
    };

    static TextFrontEndOptions Text(ConfigReader c, ConfigReader model) => new()
    {
        Vocabulary = model.GetInt("vocab_size"),
        MaxTokens = c.GetInt("max_source_positions"),
        LearnedPositions = c.GetBool("learned_pos"),
        EmbeddingDropout = c.GetDouble("dropout"),
        ScaleEmbedding = !c.GetBool("no_scale_embedding"),
        EmbeddingNorm = c.GetBool("layernorm_embedding"),
        EmbeddingPositions = !c.GetBool("no_token_positional_embeddings"),
    };

    /// <summary>A list expression of (channels, kernel, stride): <c>[(512,10,5)] + [(512,3,2)] * 4</c>. Nothing is executed.</summary>
    /// <exception cref="TandemException">The text is no such expression.</exception>
    public static IReadOnlyList<ExtractorLayer> Layers(string expression)
    {
        List<ExtractorLayer> layers = [];
        foreach (var term in expression.Split('+', StringSplitOptions.TrimEntries))
        {
            var match = Regex.Match(term, @"^\[(?<layers>(\s*\(\s*\d+\s*,\s*\d+\s*,\s*\d+\s*\)\s*,?)+)\](\s*\*\s*(?<times>\d+))?$", RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant);
            if (!match.Success)
                throw new TandemException(ErrorKind.Input, $"the extractor is '{expression}'", "feature_encoder_spec", "a sum of lists such as [(512,10,5)] + [(512,3,2)] * 4");
            var numbers = Regex.Matches(match.Groups["layers"].Value, @"\d+", RegexOptions.CultureInvariant).Select(m => int.Parse(m.Value, CultureInfo.InvariantCulture)).ToList();
            var times = match.Groups["times"].Success ? int.Parse(match.Groups["times"].Value, CultureInfo.InvariantCulture) : 1;
            for (var i = 0; i < times; i++)
                layers.AddRange(numbers.Chunk(3).Select(n => new ExtractorLayer(n[0], n[1], n[2])));
        }
        return layers;
    }

    static ImageFrontEndOptions Image(ConfigReader c) => new()
    {
        InputSize = c.GetInt("input_size"),
        Channels = c.GetInt("in_chans"),
        PatchSize = c.GetInt("patch_size"),
        PatchWidth = c.GetInt("embed_dim"),
        FixedPositions = c.GetBool("fixed_positions"),
        Decoder = new()
        {
            Kind = (c.GetBool("transformer_decoder", false), c.GetBool("enc_dec_transformer", false)) switch
            {
                (true, true) => DecoderKind.Queries,
                (true, false) => DecoderKind.Transformer,
                _ => DecoderKind.Convolutions,
            },
        },
    };

    static DistanceBiasOptions? Bias(ConfigReader modality, int heads)
    {
        var options = new DistanceBiasOptions
        {
            Heads = modality.GetIntOrNull("num_alibi_heads") ?? heads,
            Scale = modality.GetDouble("alibi_scale"),
            Learned = modality.GetBool("learned_alibi_scale"),
            PerBlock = modality.GetBool("learned_alibi_scale_per_layer"),
            PerHead = modality.GetBool("learned_alibi_scale_per_head"),
            Distance = modality.GetString("alibi_distance", "manhattan") == "euclidean" ? GridDistance.Euclidean : GridDistance.Manhattan,
        };
        return modality.GetBool("use_alibi_encoder") ? options : null;
    }

    static DecoderOptions Decoder(ConfigReader decoder) => new()
    {
        Width = decoder.GetInt("decoder_dim"),
        Groups = decoder.GetInt("decoder_groups"),
        Kernel = decoder.GetInt("decoder_kernel"),
        Layers = decoder.GetInt("decoder_layers"),
        InputDropout = decoder.GetDouble("input_dropout"),
        PositionsMasked = decoder.GetBool("add_positions_masked"),
        PositionsAll = decoder.GetBool("add_positions_all"),
        Residual = decoder.GetBool("decoder_residual"),
        ProjectionLayers = decoder.GetInt("projection_layers", 1),
        ProjectionRatio = decoder.GetDouble("projection_ratio", 2.0),
    };
}
