using System.Globalization;
using System.Text.RegularExpressions;
using Tandem.Networks;

namespace Tandem.Models.Peers;

/// <summary>Names of data2vec 2.0's parameters: ours, and fairseq's (<c>examples/data2vec/models/data2vec2.py</c>).</summary>
public sealed class Data2Vec2Names
{
    // In order; the first whose beginning fits is taken. A number in the name is {i}, and {2i} stands for its double.
    readonly (string Ours, string Theirs)[] table;

    /// <summary>The names of a network's parameters.</summary>
    public Data2Vec2Names(Data2Vec2Network network)
    {
        var modality = $"modality_encoders.{network.Modality.ToUpperInvariant()}.";
        var image = network.FrontEnd as ImageFrontEndOptions;
        var audio = network.FrontEnd as AudioFrontEndOptions;
        // Where a linear layer follows the patches, both stand in a sequence; so do convolutions behind a norm.
        var patches = image?.PatchWidth is { } width && width != network.Trunk.Block.Width ? "0." : "";
        var positions = audio?.PositionNorm == true ? "relative_positional_encoder.1." : "relative_positional_encoder.";
        var extractorNorm = audio?.ExtractorNorm == ExtractorNorm.Group ? "2." : "2.1.";
        var decoderBlocks = network.FrontEnd.Decoder.Kind == DecoderKind.Transformer ? "decoder.encoder.blocks." : "decoder.blocks.";
        table =
        [
            ("front.tokens", modality + "extra_tokens"),
            ("front.patches.projection.", modality + "local_encoder.1."),
            ("front.patches.", modality + $"local_encoder.{patches}proj."),
            ("front.extractor.{i}.norm.", modality + "local_encoder.conv_layers.{i}." + extractorNorm),
            ("front.extractor.{i}.", modality + "local_encoder.conv_layers.{i}.0."),
            ("front.projection.norm.", modality + "project_features.1."),
            ("front.projection.linear.", modality + "project_features.2."),
            ("front.positions.norm.", modality + "relative_positional_encoder.0."),
            ("front.positions.{i}.", modality + positions + "{i+1}.0."),
            ("front.positions", modality + "fixed_positional_encoder.positions"),
            ("front.embedding.tokens", modality + "local_encoder.embed_tokens.weight"),
            ("front.embedding.positions", modality + "local_encoder.embed_positions.weight"),
            ("front.embedding.norm.", modality + "local_encoder.layernorm_embedding."),
            ("front.bias.scale", modality + "alibi_scale"),
            ("front.prenet.", modality + "context_encoder."),
            ("decoder.entry.", modality + "decoder.input_proj."),
            ("decoder.layers.{i}.", modality + "decoder.blocks.{i}.0."),
            ("decoder.projection.{i}.", modality + "decoder.proj.{2i}."),
            ("decoder.projection.", modality + "decoder.proj."),
            ("decoder.blocks.", modality + decoderBlocks),
            ("trunk.", ""),
            ("shared_decoder.layers.{i}.", "shared_decoder.blocks.{i}.0."),
            ("shared_decoder.projection.{i}.", "shared_decoder.proj.{2i}."),
            ("shared_decoder.projection.", "shared_decoder.proj."),
            ("reconstruction.", "recon_proj."),
        ];
    }

    /// <summary>The publisher's name of one of our parameters.</summary>
    public string Theirs(string ours)
    {
        foreach (var (from, to) in table)
        {
            var match = Regex.Match(ours, "^" + Regex.Escape(from).Replace("\\{i}", "(?<i>[0-9]+)", StringComparison.Ordinal), RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture);
            if (!match.Success)
                continue;
            var number = match.Groups["i"].Success ? int.Parse(match.Groups["i"].Value, CultureInfo.InvariantCulture) : 0;
            string Text(int value) => value.ToString(CultureInfo.InvariantCulture);
            return to.Replace("{i}", Text(number), StringComparison.Ordinal).Replace("{i+1}", Text(number + 1), StringComparison.Ordinal).Replace("{2i}", Text(2 * number), StringComparison.Ordinal)
                + WithinBlock(ours[match.Length..]);
        }
        throw new InvalidOperationException($"'{ours}' has no name in fairseq's data2vec 2.0");
    }

    /// <summary>The publisher's name of one of a teacher's parameters; a teacher of blocks alone starts at the block's number.</summary>
    public string TheirsOfTeacher(string ours, bool blocksOnly)
    {
        var name = Theirs(ours);
        return blocksOnly ? name["blocks.".Length..] : name;
    }

    static string WithinBlock(string rest) => rest
        .Replace("attention.qkv.", "attn.qkv.", StringComparison.Ordinal)
        .Replace("attention.projection.", "attn.proj.", StringComparison.Ordinal)
        .Replace("attention.q.", "attn.q_proj.", StringComparison.Ordinal)
        .Replace("attention.kv.", "attn.kv_proj.", StringComparison.Ordinal)
        .Replace("mlp.up.", "mlp.fc1.", StringComparison.Ordinal)
        .Replace("mlp.down.", "mlp.fc2.", StringComparison.Ordinal);
}
