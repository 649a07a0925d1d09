using System.Globalization;
using System.Text;
using Tandem.Data.Sources;

namespace Tandem.Data.Text;

/// <summary>
/// Short texts, single or in pairs, perhaps with classes or scores, read at random: lines of plain text, rows of tables, JSON lines, files of one text
/// each. Texts are checked UTF-8, without white space at their ends. They are held in memory up to 256 MiB, in a temporary file beyond that.
/// </summary>
public sealed class SentenceSource : Source
{
    readonly SentenceStore texts;
    readonly IReadOnlyList<(string Name, string Where)> files;
    readonly (int File, int Line)[] places;
    readonly int[]? labels;
    readonly double[]? scores;
    readonly string[]? classNames;
    readonly bool lines;

    internal SentenceSource(string description, SentenceBuilder built, bool lines)
    {
        Description = description;
        this.lines = lines;
        (texts, files, Parts) = (built.Texts, built.Files, built.Parts);
        places = [.. built.Places];
        if (built.Labels is not { } given)
            return;
        if (AreScores(given))
            scores = [.. given.Select(Numeric)];
        else
            (labels, classNames) = LabelRule.Classes(given);
    }

    /// <summary>Opens what a path stands for.</summary>
    /// <param name="path">
    /// A file (plain text, JSON lines, CSV, TSV, each perhaps gzipped), a folder, a tar or gzipped tar, a glob or brace range; several joined by
    /// <c>::</c>. A path may go on inside an archive: <c>glue_data.tar.gz/glue_data/SST-2/train.tsv</c>.
    /// </param>
    /// <param name="options">Format (text, jsonl, csv, tsv, folder, webdataset), columns, labels, split.</param>
    /// <exception cref="TandemException"><see cref="ErrorKind.Input"/>: nothing is there, no text, not UTF-8, no such column (the message names file and line).</exception>
    public static SentenceSource Open(string path, SourceOptions? options = null) => Open(SentenceOpener.Split(path), path, options ?? new());

    /// <summary>Opens files one after another, each as <see cref="Open(string, SourceOptions?)"/> does.</summary>
    /// <param name="paths">At least one path.</param>
    /// <param name="options">As for <see cref="Open(string, SourceOptions?)"/>.</param>
    /// <exception cref="TandemException">As for <see cref="Open(string, SourceOptions?)"/>.</exception>
    public static SentenceSource Open(IReadOnlyList<string> paths, SourceOptions? options = null) => Open(paths, paths.Count == 1 ? paths[0] : $"{paths.Count} files", options ?? new());

    static SentenceSource Open(IReadOnlyList<string> paths, string description, SourceOptions options)
    {
        var built = new SentenceBuilder();
        try
        {
            var opener = new SentenceOpener(options, built);
            opener.Read(paths, description);
            return built.Finish($"texts {description}", opener.Lines);
        }
        catch
        {
            built.Dispose();
            throw;
        }
    }

    /// <summary>Texts that are given directly.</summary>
    /// <param name="texts">At least one; unpaired surrogates become U+FFFD.</param>
    /// <param name="names">A name each; their numbers from 1 when null.</param>
    public static SentenceSource OfTexts(IReadOnlyList<string> texts, IReadOnlyList<string>? names = null)
    {
        if (names is not null && names.Count != texts.Count)
            throw new ArgumentException($"{names.Count} names for {texts.Count} texts", nameof(names));
        var built = new SentenceBuilder();
        for (var i = 0; i < texts.Count; i++)
            built.Add(built.File(names?[i] ?? (i + 1).ToString(CultureInfo.InvariantCulture)), 0, [texts[i]], null);
        return built.Finish($"{texts.Count} texts", lines: false, maybeEmpty: true);
    }

    /// <inheritdoc/>
    public override int Count => places.Length;

    /// <inheritdoc/>
    public override string Description { get; }

    /// <inheritdoc/>
    public override int Parts { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<string>? ClassNames => classNames;

    /// <inheritdoc/>
    public override bool IsScored => scores is not null;

    /// <inheritdoc/>
    public override int? Label(int index) => labels?[index];

    /// <inheritdoc/>
    public override double? Score(int index) => scores?[index];

    /// <inheritdoc/>
    public override string Name(int index)
    {
        var (file, line) = places[index];
        return line == 0 ? files[file].Name : string.Create(CultureInfo.InvariantCulture, $"{files[file].Name}:{line}");
    }

    /// <inheritdoc/>
    public override string Where(int index)
    {
        var (file, line) = places[index];
        return line == 0 ? files[file].Where : string.Create(CultureInfo.InvariantCulture, $"{files[file].Where}, line {line}");
    }

    /// <inheritdoc/>
    public override bool IsDecoded => lines;

    /// <summary>A text.</summary>
    /// <param name="index">The sample.</param>
    /// <param name="part">0, or 1 for the second text of a pair.</param>
    public string Text(int index, int part = 0) => Encoding.UTF8.GetString(Utf8(index, part));

    /// <summary>A text's bytes; valid UTF-8.</summary>
    internal ReadOnlySpan<byte> Utf8(int index, int part) => texts[checked((index * Parts) + part)];

    /// <summary>Bytes of a text.</summary>
    internal int Length(int index, int part) => texts.Length((index * Parts) + part);

    /// <inheritdoc/>
    protected override void Dispose(bool disposing) => texts.Dispose();

    // Numbers are scores when they are no class numbers: some are written with decimals other than «.0».
    internal static bool AreScores(IEnumerable<string> given)
    {
        var fractions = false;
        foreach (var text in given)
        {
            if (!double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) || !double.IsFinite(number))
                return false;
            fractions |= !long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _) && !text.EndsWith(".0", StringComparison.Ordinal);
        }
        return fractions;
    }

    internal static double Numeric(string text) => double.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture);
}
