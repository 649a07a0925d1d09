using Tandem.Layers;
using Tandem.Torch;

namespace Tandem.Networks;

/// <summary>Shape and regularisation of a trunk: the blocks that all modalities share.</summary>
public sealed record TrunkOptions
{
    /// <summary>What all blocks have in common; a front end's own blocks too.</summary>
    public BlockOptions Block { get; init; } = new();

    /// <summary>Number of blocks.</summary>
    [Range(1)]
    public int Depth { get; init; } = 12;

    /// <summary>Dropout before the first block.</summary>
    [Range(0, 0.99)]
    public double InputDropout { get; init; }

    /// <summary>Chance that a block is skipped in a training step.</summary>
    [Range(0, 1)]
    public double LayerDrop { get; init; }

    /// <summary>Drop path of the first block.</summary>
    [Range(0, 0.99)]
    public double DropPathStart { get; init; }

    /// <summary>Drop path of the last block; in between it rises linearly.</summary>
    [Range(0, 0.99)]
    public double DropPathEnd { get; init; }
}

/// <summary>A stack of transformer blocks, with a final norm if the norms stand before the branches.</summary>
public sealed class Trunk
{
    readonly TrunkOptions options;
    readonly Block[] blocks;
    readonly LayerNorm? norm;
    readonly string site;

    /// <summary>Builds the blocks at <c>blocks.0</c>, …, and <c>norm</c>.</summary>
    /// <param name="at">Place in the store.</param>
    /// <param name="options">Shape.</param>
    /// <param name="firstDepth">Number of the first block within the whole encoder (a front end's own blocks come before).</param>
    /// <param name="withNorm">Whether a final norm is built where the options ask for one; a teacher of blocks alone has none.</param>
    public Trunk(Weights at, TrunkOptions options, int firstDepth = 0, bool withNorm = true)
    {
        this.options = options;
        blocks = Stack(at / "blocks", options.Block, options.Depth, options.DropPathStart, options.DropPathEnd, firstDepth);
        if (withNorm && options.Block.Norm != NormPlacement.Post)
            norm = new(at / "norm", options.Block.Width, options.Block.NormEps, options.Block.NormAffine);
        site = at.Path;
    }

    /// <summary>Number of blocks.</summary>
    public int Depth => blocks.Length;

    /// <summary>Runs the blocks: [rows, n, width] → [rows, n, width].</summary>
    /// <param name="x">Tokens.</param>
    /// <param name="context">Gives bias and padding of a block by its number within the whole encoder.</param>
    /// <param name="pass">Mode, precision, draws.</param>
    /// <param name="layers">If given, takes each block's feed-forward result and output, of those that ran.</param>
    /// <param name="finalNorm">Whether the final norm, if there is one, is applied.</param>
    public Tensor Forward(Tensor x, Func<int, AttentionContext> context, Pass pass, List<(Tensor FeedForward, Tensor Output)>? layers = null, bool finalNorm = true)
    {
        x = pass.Dropout(x, options.InputDropout, site + "/input");
        x = Run(blocks, x, context, options.LayerDrop, site + "/blocks", pass, layers);
        return norm is null || !finalNorm ? x : norm.Forward(x, pass);
    }

    internal static Block[] Stack(Weights at, BlockOptions options, int depth, double dropPathStart, double dropPathEnd, int firstDepth) =>
        [.. Enumerable.Range(0, depth).Select(i => new Block(
            (at / i).AtDepth(firstDepth + i), options, depth == 1 ? dropPathStart : dropPathStart + ((dropPathEnd - dropPathStart) * i / (depth - 1))))];

    internal static Tensor Run(Block[] blocks, Tensor x, Func<int, AttentionContext> context, double layerDrop, string site, Pass pass, List<(Tensor, Tensor)>? layers)
    {
        for (var i = 0; i < blocks.Length; i++)
        {
            if (!pass.Runs(layerDrop, $"{site}.{i}"))
                continue;
            (x, var feedForward) = blocks[i].Forward(x, context(i), pass);
            if (layers is not null)
                layers.Add((feedForward, x));
            else
                feedForward.Dispose();
        }
        return x;
    }
}
