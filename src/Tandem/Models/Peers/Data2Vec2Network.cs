using Tandem.Data.Masks;
using Tandem.Layers;
using Tandem.Networks;

namespace Tandem.Models.Peers;

/// <summary>fairseq's configuration of a data2vec 2.0 network (<c>data2vec_multi</c>) as ours.</summary>
/// <param name="Trunk">The shared blocks.</param>
/// <param name="FrontEnd">The modality's options.</param>
/// <param name="SharedDecoder">A decoder beside the modality's own; null for none.</param>
public sealed record Data2Vec2Network(TrunkOptions Trunk, FrontEndOptions FrontEnd, DecoderOptions? SharedDecoder)
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
        return new(trunk, Image(model.Object("modalities").Object("image"), block.Heads), shared is null ? null : Decoder(shared));
    }

    static ImageFrontEndOptions Image(ConfigReader image, int heads)
    {
        var width = image.GetInt("embed_dim");
        // Read by no code, or only where other masks are drawn.
        image.WithoutEffect("type", "alibi_max_pos", "remove_masks", "add_masks", "model_depth", "alibi_dims", "mask_channel_prob", "mask_channel_length");
        image.Only("learned_alibi", false);
        return new ImageFrontEndOptions
        {
            InputSize = image.GetInt("input_size"),
            Channels = image.GetInt("in_chans"),
            PatchSize = image.GetInt("patch_size"),
            PatchWidth = width,
            FixedPositions = image.GetBool("fixed_positions"),
            PrenetDepth = image.GetInt("prenet_depth"),
            PrenetLayerDrop = image.GetDouble("prenet_layerdrop"),
            PrenetDropout = image.GetDouble("prenet_dropout"),
            PrenetDropPathStart = image.GetDouble("start_drop_path_rate"),
            PrenetDropPathEnd = image.GetDouble("end_drop_path_rate"),
            ExtraTokens = image.GetInt("num_extra_tokens"),
            FirstTokenZero = image.GetBool("init_extra_token_zero"),
            LocalGradient = image.GetDouble("local_grad_mult"),
            DistanceBias = Bias(image, heads),
            KeepMasked = image.GetDouble("keep_masked_pct"),
            MaskNoise = image.GetDouble("mask_noise_std"),
            ZeroMasked = image.GetBool("encoder_zero_mask"),
            Mask = new MaskOptions
            {
                Probability = image.GetDouble("mask_prob"),
                ProbabilityMin = image.GetDoubleOrNull("mask_prob_min"),
                Adjust = image.GetDouble("mask_prob_adjust"),
                Length = image.GetInt("mask_length"),
                Inverse = image.GetBool("inverse_mask"),
                Dropout = image.GetDouble("mask_dropout"),
            },
            Decoder = Decoder(image.Object("decoder")) with
            {
                Kind = (image.GetBool("transformer_decoder", false), image.GetBool("enc_dec_transformer", false)) switch
                {
                    (true, true) => DecoderKind.Queries,
                    (true, false) => DecoderKind.Transformer,
                    _ => DecoderKind.Convolutions,
                },
            },
        };
    }

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
