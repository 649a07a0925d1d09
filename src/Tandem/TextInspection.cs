using System.Globalization;
using System.Text.Json.Nodes;
using Tandem.Data.Sources;
using Tandem.Data.Text;
using Tandem.Runs;

namespace Tandem;

/// <summary>What texts lie under a path: lines of plain text, rows of tables, JSON objects, or files of one text each. All are read, none is kept.</summary>
public sealed record TextInspection : DataInspection
{
    /// <summary>Texts of a sample: 1, or 2 for pairs.</summary>
    public int Parts { get; init; }

    /// <summary>Number of files.</summary>
    public int Files { get; init; }

    /// <summary>Lines of all files, empty ones included.</summary>
    public long Lines { get; init; }

    /// <summary>Documents of plain text, of which an empty line ends one; 0 where samples are rows or files.</summary>
    public long Documents { get; init; }

    /// <summary>Bytes of all texts as UTF-8, without white space at their ends.</summary>
    public long Bytes { get; init; }

    /// <summary>Characters (code points) of a text.</summary>
    public required Spread Characters { get; init; }

    /// <summary>Name of the longest text: file and line.</summary>
    public required string Longest { get; init; }

    /// <summary>Scores, where samples have some: numbers that are no classes.</summary>
    public Spread? Scores { get; init; }

    /// <summary>The tokenizer in words; null where none was given.</summary>
    public string? Tokenizer { get; init; }

    /// <summary>Tokens of all texts, without special ones; 0 without a tokenizer.</summary>
    public long TotalTokens { get; init; }

    /// <summary>Tokens of a text; null without a tokenizer.</summary>
    public Spread? Tokens { get; init; }

    /// <inheritdoc/>
    public override string Modality => "text";

    /// <inheritdoc/>
    public override string SampleName => Parts == 2 ? "pairs of texts" : "texts";

    internal static new TextInspection Of(string path, InspectionOptions options, CancellationToken cancellation)
    {
        if (options.Limit is not null)
            throw new TandemException(ErrorKind.Usage, "texts are all read, so a limit has no effect on them", "limit", remedy: "Leave it out.");
        var tokenizer = options.Tokenizer is { } folder ? Data.Text.Tokenizer.Load(folder) : null;
        using var tally = new SentenceTally(tokenizer, options.Progress is { } progress ? texts => progress(texts, 0) : null, cancellation);
        new SentenceOpener(options.Source, tally).Read(SentenceOpener.Split(path), path);
        if (tally.Count == 0)
            throw tally.Found.Count > 0 ? tally.Found[0] : new TandemException(ErrorKind.Input, "there is no text", path, "at least one line that is not empty");
        var scored = tally.Labels is { } given && SentenceSource.AreScores(given.Keys);
        return new()
        {
            Path = path,
            Description = $"texts {path}",
            Samples = tally.Count,
            Classes = tally.Labels is { } labels && !scored ? [.. LabelRule.Classes([.. labels.Keys]).Names.Select(name => (name, labels[name]))] : null,
            Looked = tally.Count,
            Bad = [.. tally.Found.Select((fault, i) => new BadSample(i, fault.Where ?? path, $"{fault.Where ?? path}: {fault.Message}"))],
            Parts = tally.Parts,
            Files = tally.Files.Count,
            Lines = tally.Lines,
            Documents = tally.Documents,
            Bytes = tally.Bytes,
            Characters = SpreadOf(tally.Characters)!,
            Longest = tally.Longest is { Line: 0 } whole ? tally.Files[whole.File].Name : string.Create(CultureInfo.InvariantCulture, $"{tally.Files[tally.Longest.File].Name}:{tally.Longest.Line}"),
            Scores = scored ? Spread.Of(tally.Labels!.Select(one => (SentenceSource.Numeric(one.Key), one.Value))) : null,
            Tokenizer = tokenizer?.Description,
            TotalTokens = tally.Tokens.Sum(one => one.Key * one.Value),
            Tokens = SpreadOf(tally.Tokens),
        };
    }

    static Spread? SpreadOf(IReadOnlyDictionary<long, long> counts) => Spread.Of(counts.Select(one => ((double)one.Key, one.Value)));

    /// <inheritdoc/>
    protected override string Damage => Bad.Count == 0 ? "nothing" : $"{Units.Count(Bad.Count)} lines or files";

    /// <inheritdoc/>
    protected override IEnumerable<(string What, string Value)> Own()
    {
        if (Scores is { } scores)
            yield return ("scores", scores.InWords());
        if (Documents > 0)
            yield return ("documents", $"{Units.Count(Documents)}, ended by empty lines");
        yield return ("lines", $"{Units.Count(Lines)} in {Units.Count(Files)} {(Files == 1 ? "file" : "files")}");
        yield return ("size", Units.Bytes(Bytes));
        yield return ("length", Characters.InWords(" characters"));
        yield return ("longest", Longest);
        if (Tokens is { } tokens)
        {
            yield return ("tokens", $"{Units.Count(TotalTokens)} ({Tokenizer}), {Units.Number((double)Bytes / Math.Max(1, TotalTokens))} bytes each");
            yield return ("a text has", tokens.InWords(" tokens"));
        }
    }

    /// <inheritdoc/>
    protected override void Add(JsonObject document)
    {
        document["parts"] = Parts;
        document["files"] = Files;
        document["lines"] = Lines;
        document["documents"] = Documents;
        document["bytes"] = Bytes;
        document["characters"] = Characters.ToJson();
        document["longest"] = Longest;
        document["scores"] = Scores?.ToJson();
        document["tokenizer"] = Tokenizer;
        document["total_tokens"] = Tokens is null ? null : TotalTokens;
        document["tokens"] = Tokens?.ToJson();
    }
}
