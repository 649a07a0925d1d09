using Tandem.Data;
using Tandem.Data.Masks;
using Tandem.Data.Sources;
using Tandem.Data.Text;
using Tandem.Models;
using Tandem.Networks;
using Tandem.Runs;

namespace Tandem.Recipes.Modalities;

/// <summary>A recipe's section <c>model</c> for texts.</summary>
public sealed record TextModelOptions : ModelOptions
{
    /// <summary>Embeddings, positions, masks, decoder.</summary>
    public TextFrontEndOptions FrontEnd { get; init; } = new();
}

/// <summary>Recipes for texts.</summary>
public sealed class TextModality : Modality
{
    const int ShownLines = 2000, PreviewLength = 160;
    readonly TextDataOptions data;
    readonly TextModelOptions model;
    Tokenizer? tokenizer;
    TextPreprocessing? preprocessing;

    /// <summary>Binds the sections.</summary>
    public TextModality(RecipeDocument document) => (data, model) = (document.Bind<TextDataOptions>("data"), document.Bind<TextModelOptions>("model"));

    /// <inheritdoc/>
    public override DataOptions Data => data;

    /// <inheritdoc/>
    public override ModelOptions Model => model;

    /// <inheritdoc/>
    public override FrontEndOptions FrontEnd => model.FrontEnd;

    /// <inheritdoc/>
    public override Preprocessing Preprocessing => preprocessing ?? throw new InvalidOperationException("the text is not open yet");

    /// <inheritdoc/>
    public override string Samples => "rows of tokens";

    /// <inheritdoc/>
    public override string InputInWords => $"rows of up to {model.FrontEnd.MaxTokens} tokens, vocabulary of {model.FrontEnd.Vocabulary}";

    /// <inheritdoc/>
    public override void Check(Requirement require)
    {
        require(data.Tokens >= 2, "data.tokens", $"samples of {data.Tokens} tokens are too short", "at least 2");
        require(data.Tokens <= model.FrontEnd.MaxTokens || !model.FrontEnd.LearnedPositions, "data.tokens", $"samples of {data.Tokens} tokens are longer than the model's positions reach", $"at most model.front_end.max_tokens ({model.FrontEnd.MaxTokens})");
        require(data.Batch >= 1 && data.Batch % data.MicroBatches == 0, "data.micro_batches", $"{data.Batch} rows cannot be shared by {data.MicroBatches} micro-batches", "a divisor of the batch");
        var mask = model.FrontEnd.Mask;
        require(mask.Probability is > 0 and < 1, "model.front_end.mask.probability", $"a share of {mask.Probability} leaves nothing masked, or nothing visible", "between 0 and 1");
        require(mask.Length > 1 || RandomMask.Kept(data.Tokens, mask.Probability) is var kept && kept > 0 && kept < data.Tokens, "model.front_end.mask", $"no token, or every one, of {data.Tokens} would be masked", "at least one masked and one visible token");
    }

    /// <inheritdoc/>
    public override Source Open(Action<string>? note, string? resumed = null, CancellationToken stop = default)
    {
        var (path, reading) = (DataPath("books.txt"), data.Reading(note));
        var text = TextSource.Open(path, reading);
        var tokenizerFolder = resumed ?? data.Tokenizer ?? (model.Init is { } init ? ModelPath.Resolve(init) : VocabularyCache.Folder(path, reading, model.FrontEnd.Vocabulary, note));
        tokenizer = Tokenizer.Load(tokenizerFolder);
        var special = tokenizer.Special;
        if (special.Begin is not { } begin || special.End is null || special.Pad != TextEmbedding.Pad)
            throw new TandemException(ErrorKind.Input, $"the tokenizer ({tokenizer.Description}) has no tokens that begin, end and pad samples", tokenizerFolder, $"<s>, </s> and <pad>, the last with id {TextEmbedding.Pad}", "Train one with `tandem data vocab train`, or leave data.tokenizer out.");
        if (tokenizer.Size > model.FrontEnd.Vocabulary)
            throw new TandemException(ErrorKind.Usage, $"the vocabulary has {tokenizer.Size} tokens, but the model takes {model.FrontEnd.Vocabulary}", tokenizerFolder, $"at most {model.FrontEnd.Vocabulary}", $"Set model.front_end.vocabulary={tokenizer.Size}, or take another tokenizer.");
        preprocessing = TextPreprocessing.Of(tokenizerFolder, tokenizer, model.FrontEnd.MaxTokens);
        var store = TokenCache.Open(text, tokenizer, new() { Warn = note, KeepEmpty = data.Break != BlockBreak.Line });
        try
        {
            return new BlockSource(store, new(store, begin, data.Tokens, data.Break));
        }
        catch
        {
            store.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public override IBatchStream Batches(Source source, int copies, long seed, long first, Action<string>? warn = null)
    {
        var blocks = ((BlockSource)source).Blocks;
        var masks = MaskPlan.OfText(model.FrontEnd.Mask, copies, seed, blocks.Tokens);
        return new Loader<TextBatch>(new TextBatchMaker(blocks, TextEmbedding.Pad, masks), new TrainingPlan(new Order(seed, blocks.Count), data.Batch, microBatches: data.MicroBatches), data.Workers, firstBatch: first);
    }

    /// <summary>Lines of the text, as they read.</summary>
    public override Source Shown(Source source)
    {
        var lines = ((BlockSource)source).Lines(tokenizer!, ShownLines);
        // A text of headings or of one endless line has none of a middling length.
        return SentenceSource.OfTexts(lines.Count >= 2 ? lines : ((BlockSource)source).Lines(tokenizer!, ShownLines, least: 1, most: int.MaxValue));
    }

    /// <inheritdoc/>
    public override SamplePreview Preview(Source source, int sample)
    {
        var text = ((SentenceSource)source).Text(sample, 0);
        return new(source.Name(sample), LabelOf(source, sample), Text: text.Length <= PreviewLength ? text : text[..PreviewLength] + " …");
    }

    /// <inheritdoc/>
    public override (byte[]? Png, IReadOnlyList<string>? Texts) Places(Batch batch, int row)
    {
        var ids = ((TextBatch)batch).Tokens;
        var places = (int)ids.Shape[1];
        return (null, [.. ids.As<long>().Slice(row * places, places).ToArray().Select(id => id < tokenizer!.Size ? Readable((int)id) : "?")]);
    }

    string Readable(int id) => id == tokenizer!.Special.Begin || id == tokenizer.Special.End || id == tokenizer.Special.Pad ? tokenizer.Token(id) : tokenizer.Decode([id]);
}
