using Tandem.Models.Peers;
using Tandem.Training;

namespace Tandem.Verify;

/// <summary>fairseq's optimizer and schedule fields as ours.</summary>
static class FairseqTraining
{
    /// <summary>A schedule; <paramref name="kind"/> is the publisher's name of it.</summary>
    public static (ScheduleOptions Schedule, long Updates) Schedule(ConfigReader c, string kind)
    {
        var updates = c.Has("max_update") ? c.GetLong("max_update") : 0;
        var warmup = c.Has("warmup_updates") ? c.GetLong("warmup_updates") : 0;
        return kind switch
        {
            "cosine" => (new ScheduleOptions
            {
                Kind = ScheduleKind.Cosine,
                Warmup = warmup,
                WarmupStart = c.GetDouble("warmup_init_lr", -1),
                MinRate = c.GetDouble("min_lr", 0),
                Period = (long)c.GetDouble("lr_period_updates", -1),
                PeriodFactor = c.GetDouble("t_mult", 1),
                RestartFactor = c.GetDouble("lr_shrink", 0.1),
            }, updates),
            "polynomial_decay" => (new ScheduleOptions
            {
                Kind = ScheduleKind.PolynomialDecay,
                Warmup = warmup,
                MinRate = c.GetDouble("end_learning_rate", 0),
                Power = c.GetDouble("power", 1),
            }, c.Has("total_num_update") ? c.GetLong("total_num_update") : updates),
            "tri_stage" => (new ScheduleOptions
            {
                Kind = ScheduleKind.TriStage,
                Warmup = c.Has("warmup_steps") ? c.GetLong("warmup_steps") : 0,
                Hold = c.Has("hold_steps") ? c.GetLong("hold_steps") : 0,
                Decay = c.Has("decay_steps") ? c.GetLong("decay_steps") : 0,
                StartScale = c.GetDouble("init_lr_scale", 0.01),
                EndScale = c.GetDouble("final_lr_scale", 0.01),
                Phases = c.HasValue("phase_ratio") ? c.GetDoubles("phase_ratio") : null,
            }, updates),
            _ => throw new CaseFailedException($"there is no schedule '{kind}'"),
        };
    }

    /// <summary>Adam as fairseq has it.</summary>
    public static OptimizerOptions Optimizer(ConfigReader c)
    {
        var betas = c.GetDoubles("betas");
        return new OptimizerOptions
        {
            Style = AdamStyle.Fairseq,
            LearningRate = c.GetDouble("lr"),
            DecoderLearningRate = c.GetDoubleOrNull("decoder_lr"),
            Beta1 = betas[0],
            Beta2 = betas[1],
            Epsilon = c.GetDouble("eps"),
            WeightDecay = c.GetDouble("weight_decay"),
            ClipNorm = c.GetDouble("clip_norm", 0),
        };
    }
}
