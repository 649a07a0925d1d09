using Tandem.Layers;
using Tandem.Networks;
using Tandem.Training;

namespace Tandem.Methods.Data2Vec2;

/// <summary>What the teacher consists of; the rest it takes from the student.</summary>
public enum TeacherParts
{
    /// <summary>The trunk's blocks alone; the student's front end makes their input, in its training mode.</summary>
    Blocks,
    /// <summary>Everything but the local encoder.</summary>
    WithoutLocal,
    /// <summary>Everything but decoders.</summary>
    Whole,
}

/// <summary>The objective of data2vec 2.0 (Baevski et al. 2022, arXiv 2212.07525; fairseq's <c>data2vec_multi</c>).</summary>
public sealed record Data2Vec2Options
{
    /// <summary>0: squared error; above: smooth L1 with this beta.</summary>
    [Range(0)]
    public double LossBeta { get; init; }

    /// <summary>Factor on every element of every loss; null: 1/√width.</summary>
    public double? LossScale { get; init; }

    /// <summary>K: targets are averages of the teacher's last K blocks.</summary>
    [Range(1)]
    public int TopLayers { get; init; } = 8;

    /// <summary>Targets from blocks' outputs instead of their feed-forward results.</summary>
    public bool EndOfBlockTargets { get; init; }

    /// <summary>M: masked copies of a sample.</summary>
    [Range(1)]
    public int Copies { get; init; } = 1;

    /// <summary>Each layer: batch norm over samples and places.</summary>
    public bool BatchNormLayer { get; init; }

    /// <summary>Each layer: instance norm over places.</summary>
    public bool InstanceNormLayer { get; init; }

    /// <summary>Each layer: layer norm over channels.</summary>
    public bool LayerNormLayer { get; init; }

    /// <summary>The average: layer norm over channels.</summary>
    public bool LayerNormTargets { get; init; }

    /// <summary>The average: instance norm over places.</summary>
    public bool InstanceNormTargets { get; init; }

    /// <summary>Weight of the regression at masked places.</summary>
    [Range(0)]
    public double RegressionWeight { get; init; } = 1;

    /// <summary>Weight of the regression of the last extra token to the mean target; it acts on the sum over copies, not on their mean.</summary>
    [Range(0)]
    public double ClassWeight { get; init; }

    /// <summary>Weight of the reconstruction of the input at masked places: what that is, the front end says.</summary>
    [Range(0)]
    public double ReconstructionWeight { get; init; }

    /// <summary>Update at which this weight, falling in a line from the first one on, has become 0; null: it stays.</summary>
    [Range(1)]
    public long? ReconstructionEnd { get; init; }

    /// <summary>A convolutional decoder along the sequence beside the modality's own; null for none.</summary>
    public DecoderOptions? SharedDecoder { get; init; }

    /// <summary>What the teacher consists of.</summary>
    public TeacherParts TeacherParts { get; init; } = TeacherParts.Blocks;

    /// <summary>The teacher's decay.</summary>
    public TeacherOptions Teacher { get; init; } = new();

    /// <summary>After update 5000 training stops when targets vary less than this (mean deviation of a channel); 0: never.</summary>
    public double MinTargetVariance { get; init; } = 0.1;

    /// <summary>After update 5000 training stops when predictions vary less than this; 0: never.</summary>
    public double MinPredictionVariance { get; init; } = 0.01;
}
