using Tandem.Models.Peers;
using Tandem.Networks;
using Tandem.Training;

namespace Tandem.Methods.Data2Vec2;

/// <summary>The publisher's objective fields (fairseq's <c>data2vec_multi</c>) as ours.</summary>
public static class Peer
{
    /// <summary>Translates the objective in the model's section.</summary>
    /// <param name="model">The section <c>model</c>.</param>
    /// <param name="modality">The modality's section within it.</param>
    /// <param name="sharedDecoder">The shared decoder, translated already.</param>
    public static Data2Vec2Options Objective(ConfigReader model, ConfigReader modality, DecoderOptions? sharedDecoder)
    {
        // A group of its own for the decoder says only that its learning rate may differ.
        model.WithoutEffect("decoder_group");
        var wholeTeacher = modality.GetBool("ema_local_encoder");
        return new Data2Vec2Options
        {
            LossBeta = model.GetDouble("loss_beta"),
            LossScale = model.GetDoubleOrNull("loss_scale"),
            TopLayers = model.GetInt("average_top_k_layers"),
            EndOfBlockTargets = model.GetBool("end_of_block_targets"),
            Copies = model.GetInt("clone_batch"),
            BatchNormLayer = model.GetBool("batch_norm_target_layer"),
            InstanceNormLayer = model.GetBool("instance_norm_target_layer"),
            LayerNormLayer = model.GetBool("layer_norm_target_layer"),
            LayerNormTargets = model.GetBool("layer_norm_targets"),
            InstanceNormTargets = model.GetBool("instance_norm_targets"),
            RegressionWeight = model.GetDouble("d2v_loss"),
            ClassWeight = model.GetDouble("cls_loss"),
            ReconstructionWeight = model.GetDouble("recon_loss"),
            SharedDecoder = sharedDecoder,
            TeacherParts = model.GetBool("ema_encoder_only") ? TeacherParts.Blocks : wholeTeacher ? TeacherParts.Whole : TeacherParts.WithoutLocal,
            Teacher = TeacherOf(model),
            MinTargetVariance = model.GetDouble("min_target_var"),
            MinPredictionVariance = model.GetDouble("min_pred_var"),
        };
    }

    /// <summary>The teacher's decay.</summary>
    public static TeacherOptions TeacherOf(ConfigReader model) => new()
    {
        DecayStart = model.GetDouble("ema_decay"),
        DecayEnd = model.GetDouble("ema_end_decay"),
        AnnealEnd = model.GetLong("ema_anneal_end_step"),
    };
}
