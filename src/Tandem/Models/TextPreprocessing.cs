using System.Text.Json.Serialization;
using Tandem.Data;
using Tandem.Data.Sources;
using Tandem.Data.Text;

namespace Tandem.Models;

/// <summary>How texts are prepared for an encoder; the tokenizer's files stand beside the description.</summary>
public sealed record TextPreprocessing : Preprocessing
{
    /// <summary>Tokens of a row, at most, special ones included; longer texts are encoded in rows of this length, and the mean is taken over all of them.</summary>
    public int MaxTokens { get; init; } = 512;

    /// <summary>The tokenizer's files, by name: what is copied beside the description.</summary>
    public IReadOnlyList<string> TokenizerFiles { get; init; } = [];

    /// <summary>The tokenizer.</summary>
    [JsonIgnore]
    public Tokenizer? Tokenizer { get; init; }

    /// <summary>The folder that the tokenizer's files were read from.</summary>
    [JsonIgnore]
    public string? TokenizerFolder { get; init; }

    /// <summary>The preprocessing of a tokenizer.</summary>
    public static TextPreprocessing Of(string folder, Tokenizer tokenizer, int maxTokens) => new() { Tokenizer = tokenizer, TokenizerFolder = folder, MaxTokens = maxTokens };

    /// <inheritdoc/>
    [JsonIgnore]
    public override string Samples => "texts";

    /// <inheritdoc/>
    [JsonIgnore]
    public override string Baseline => "tokens";

    /// <inheritdoc/>
    [JsonIgnore]
    public override int BaselineWidth => throw new NotSupportedException();

    /// <summary>The same with its tokenizer, read from a model folder.</summary>
    internal TextPreprocessing LoadedFrom(string folder) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override Source Open(string path, SourceOptions options, double badLimit = 0.01, bool cached = true) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override bool IsSample(string file) => false;

    /// <inheritdoc/>
    public override Source Files(IReadOnlyList<string> paths) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override ISampleStream Load(Source source, IReadOnlyList<int>? samples, LoadOptions options) => throw new NotSupportedException();

    /// <summary>How often each token stands in a row, as a share.</summary>
    public override float[] Plain(Batch batch) => throw new NotSupportedException();
}
