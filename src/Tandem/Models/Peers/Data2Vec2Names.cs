using System.Text.RegularExpressions;

namespace Tandem.Models.Peers;

/// <summary>Names of data2vec 2.0's parameters: ours, and fairseq's (<c>examples/data2vec/models/data2vec2.py</c>).</summary>
/// <param name="modality">As fairseq writes it: IMAGE, AUDIO, TEXT.</param>
/// <param name="patchesProjected">Whether a linear layer follows the patch convolution; both then stand in a sequence.</param>
/// <param name="projectionLayers">Linear layers at the end of the shared decoder.</param>
public sealed class Data2Vec2Names(string modality, bool patchesProjected = false, int projectionLayers = 1)
{
    // In order; the first that fits replaces the beginning of a name.
    readonly (string Ours, string Theirs)[] beginnings =
    [
        ("front.tokens", $"modality_encoders.{modality}.extra_tokens"),
        ("front.patches.projection.", $"modality_encoders.{modality}.local_encoder.1."),
        ("front.patches.", $"modality_encoders.{modality}.local_encoder.{(patchesProjected ? "0." : "")}proj."),
        ("front.positions", $"modality_encoders.{modality}.fixed_positional_encoder.positions"),
        ("front.bias.scale", $"modality_encoders.{modality}.alibi_scale"),
        ("front.prenet.", $"modality_encoders.{modality}.context_encoder."),
        ("decoder.entry.", $"modality_encoders.{modality}.decoder.input_proj."),
        ("decoder.projection.", $"modality_encoders.{modality}.decoder.proj."),
        ("decoder.", $"modality_encoders.{modality}.decoder."),
        ("trunk.", ""),
        ("shared_decoder.projection.", "shared_decoder.proj."),
        ("shared_decoder.", "shared_decoder."),
        ("reconstruction.", "recon_proj."),
    ];

    /// <summary>The publisher's name of one of our parameters.</summary>
    /// <param name="ours">Our name.</param>
    /// <param name="transformerDecoder">Whether the modality's decoder is one of self-attention blocks, which stand a level deeper there.</param>
    public string Theirs(string ours, bool transformerDecoder = false)
    {
        var (from, to) = beginnings.FirstOrDefault(b => ours.StartsWith(b.Ours, StringComparison.Ordinal));
        if (from is null)
            throw new InvalidOperationException($"'{ours}' has no name in fairseq's data2vec 2.0");
        var name = to + ours[from.Length..];
        if (ours.StartsWith("decoder.", StringComparison.Ordinal) && transformerDecoder)
            name = name.Replace(".decoder.blocks.", ".decoder.encoder.blocks.", StringComparison.Ordinal);
        // Convolutions are the first element of a sequence; several linear layers alternate with activations.
        name = Regex.Replace(name, @"\.layers\.(?<i>\d+)\.", ".blocks.${i}.0.", RegexOptions.CultureInvariant);
        if (projectionLayers > 1)
            name = Regex.Replace(name, @"^shared_decoder\.proj\.(?<i>\d+)", m => $"shared_decoder.proj.{2 * int.Parse(m.Groups["i"].Value, System.Globalization.CultureInfo.InvariantCulture)}", RegexOptions.CultureInvariant);
        return name
            .Replace(".attention.qkv.", ".attn.qkv.", StringComparison.Ordinal)
            .Replace(".attention.projection.", ".attn.proj.", StringComparison.Ordinal)
            .Replace(".attention.q.", ".attn.q_proj.", StringComparison.Ordinal)
            .Replace(".attention.kv.", ".attn.kv_proj.", StringComparison.Ordinal)
            .Replace(".mlp.up.", ".mlp.fc1.", StringComparison.Ordinal)
            .Replace(".mlp.down.", ".mlp.fc2.", StringComparison.Ordinal);
    }

    /// <summary>The publisher's name of one of a teacher's parameters; a teacher of blocks alone starts at the block's number.</summary>
    public string TheirsOfTeacher(string ours, bool blocksOnly)
    {
        var name = Theirs(ours);
        return blocksOnly ? name["blocks.".Length..] : name;
    }
}
