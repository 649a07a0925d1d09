using System.Text.Json.Serialization;
using Tandem.Data;
using Tandem.Data.Sources;
using Tandem.Data.Text;
using Tandem.Models.Formats;

namespace Tandem.Models;

/// <summary>
/// How texts are prepared for an encoder. The tokenizer's own files stand beside the description, as they are, and must have the fingerprint that it
/// tells.
/// </summary>
public sealed record TextPreprocessing : Preprocessing
{
    Lazy<Tokenizer>? loaded;
    Lazy<TokenBag>? bag;
    // Files are held as they were: a run may outlive the folder that they came from.
    IReadOnlyList<(string Name, byte[] Bytes)> held = [];
    string? folder;

    /// <summary>Tokens of a row, at most, special ones included; longer texts are encoded in rows of this length, and the mean is taken over all of them.</summary>
    public int MaxTokens { get; init; } = 512;

    /// <summary>The tokenizer's files, by name: what is copied beside the description.</summary>
    public IReadOnlyList<string> TokenizerFiles { get; init; } = [];

    /// <summary>The tokenizer's fingerprint.</summary>
    public string TokenizerFingerprint { get; init; } = "";

    /// <summary>The tokenizer; of a model folder it is read when it is first asked for.</summary>
    /// <exception cref="TandemException"><see cref="ErrorKind.Input"/>: its files are damaged, or are another vocabulary's.</exception>
    [JsonIgnore]
    public Tokenizer Tokenizer => loaded?.Value ?? throw new InvalidOperationException("this preprocessing has no tokenizer");

    /// <summary>The preprocessing of a tokenizer.</summary>
    /// <param name="path">What it was loaded from: a folder, or one of the files in it.</param>
    /// <param name="tokenizer">The tokenizer.</param>
    /// <param name="maxTokens">Tokens of a row, at most.</param>
    /// <exception cref="TandemException"><see cref="ErrorKind.Input"/>: the files cannot be read.</exception>
    public static TextPreprocessing Of(string path, Tokenizer tokenizer, int maxTokens)
    {
        List<(string Name, byte[] Bytes)> files = [.. Data.Text.TokenizerFiles.FilesOf(path).Select(file => (Path.GetFileName(file), Read(file)))];
        return new TextPreprocessing
        {
            MaxTokens = maxTokens,
            TokenizerFiles = [.. files.Select(file => file.Name)],
            TokenizerFingerprint = tokenizer.Fingerprint,
            loaded = new(() => tokenizer),
            bag = new(() => new(tokenizer)),
            held = files,
        };
    }

    /// <inheritdoc/>
    [JsonIgnore]
    public override string Samples => "texts";

    /// <inheritdoc/>
    [JsonIgnore]
    public override string Baseline => "tokens";

    /// <inheritdoc/>
    [JsonIgnore]
    public override int BaselineWidth => TokenBag.WidthOf(Tokenizer.Size);

    /// <summary>The same with its tokenizer, read from a model folder.</summary>
    /// <exception cref="TandemException"><see cref="ErrorKind.Input"/>: a file of the tokenizer is missing, or its name leads elsewhere.</exception>
    internal TextPreprocessing LoadedFrom(string folder)
    {
        if (TokenizerFiles.Count == 0 || TokenizerFingerprint.Length == 0)
            throw FileFault.Inconsistent.Error("the model's description names no tokenizer", Path.Combine(folder, "preprocessing.json"), "tokenizer_files and tokenizer_fingerprint");
        foreach (var name in TokenizerFiles)
        {
            if (name.Length == 0 || name != Path.GetFileName(name) || name is "." or "..")
                throw FileFault.Forbidden.Error($"the tokenizer's file '{name}' lies outside the model's folder", Path.Combine(folder, "preprocessing.json"));
            if (!File.Exists(Path.Combine(folder, name)))
                throw new TandemException(ErrorKind.Input, "a file of the model's tokenizer is missing", Path.Combine(folder, name), string.Join(", ", TokenizerFiles), "Copy the whole model folder.");
        }
        Lazy<Tokenizer> tokenizer = new(() => Fitting(folder));
        return this with { folder = folder, loaded = tokenizer, bag = new(() => new(tokenizer.Value)) };
    }

    Tokenizer Fitting(string folder)
    {
        var tokenizer = Tokenizer.Load(folder);
        return tokenizer.Fingerprint == TokenizerFingerprint ? tokenizer : throw new TandemException(ErrorKind.Input,
            $"a vocabulary that does not fit: the tokenizer here ({tokenizer.Description}) is not the one that the model was trained with", Path.Combine(folder, TokenizerFiles[0]),
            $"the files {string.Join(", ", TokenizerFiles)} as they were saved with the model (fingerprint {TokenizerFingerprint})", "Copy the model folder anew, tokenizer's files included.");
    }

    /// <inheritdoc/>
    internal override void SaveFiles(string folder)
    {
        if (this.folder is { } from && Path.GetFullPath(from) == Path.GetFullPath(folder))
            return;
        var files = this.folder is { } own ? [.. TokenizerFiles.Select(name => (Name: name, Bytes: Read(Path.Combine(own, name))))] : held;
        foreach (var (name, bytes) in files)
            AtomicFile.Write(Path.Combine(folder, name), stream => stream.Write(bytes));
    }

    static byte[] Read(string file)
    {
        try
        {
            return File.ReadAllBytes(file);
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            throw new TandemException(ErrorKind.Input, $"a file of the tokenizer cannot be read: {cause.Message}", file, inner: cause);
        }
    }

    /// <inheritdoc/>
    public override Source Open(string path, SourceOptions options, double badLimit = 0.01, bool cached = true) => SentenceSource.Open(path, options);

    /// <inheritdoc/>
    public override bool IsSample(string file) => false;

    /// <summary>Files with a text a line, a row or an object.</summary>
    public override Source Files(IReadOnlyList<string> paths) => SentenceSource.Open(paths);

    /// <inheritdoc/>
    public override ISampleStream Load(Source source, IReadOnlyList<int>? samples, LoadOptions options) => new TextStream(Own<SentenceSource>(source), samples, Tokenizer, MaxTokens, options);

    /// <summary>How often each token stands in a row, as a share.</summary>
    public override float[] Plain(Batch batch) => bag!.Value.Of((TextBatch)batch);

    /// <summary>Whether texts become the same rows.</summary>
    public bool Equals(TextPreprocessing? other) => other is not null && MaxTokens == other.MaxTokens && TokenizerFingerprint == other.TokenizerFingerprint;

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(MaxTokens, TokenizerFingerprint);
}
