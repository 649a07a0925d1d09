using System.Globalization;

namespace Tandem.Data.Text;

/// <summary>Where the classes or scores of texts come from.</summary>
enum SentenceOrigin
{
    None,
    Auto,
    Folder,
    Column,
    Json,
    Cls,
}

/// <summary>The rule for labels of texts: <c>none</c>, <c>auto</c>, <c>folder</c>, <c>column</c>, <c>column:NAME</c>, <c>json:FIELD</c>, <c>cls</c>.</summary>
/// <param name="Origin">Where they come from.</param>
/// <param name="Field">The column or field, where it is named.</param>
sealed record SentenceLabels(SentenceOrigin Origin, string? Field = null)
{
    public const string Choices = "column, column:NAME, folder, json:FIELD, cls, none or auto";

    public static SentenceLabels Parse(string? text) => text switch
    {
        null or "" or "auto" => new(SentenceOrigin.Auto),
        "none" => new(SentenceOrigin.None),
        "folder" => new(SentenceOrigin.Folder),
        "column" => new(SentenceOrigin.Column),
        "cls" => new(SentenceOrigin.Cls),
        _ when text.StartsWith("column:", StringComparison.Ordinal) && text.Length > 7 => new(SentenceOrigin.Column, text[7..]),
        _ when text.StartsWith("json:", StringComparison.Ordinal) && text.Length > 5 => new(SentenceOrigin.Json, text[5..]),
        _ => throw new TandemException(ErrorKind.Usage, $"labels '{text}' are not understood for texts", "data.labels", Choices),
    };
}

/// <summary>
/// Which columns of a table, or fields of JSON lines, hold texts and labels: as asked for, or by the names that published sets use, GLUE's among them.
/// </summary>
/// <param name="Texts">One column, or two.</param>
/// <param name="Label">The label's, or null.</param>
/// <param name="HasHeader">Whether the first row holds names.</param>
/// <param name="Exactly">Fields that a row must have: QQP's rows are cut where a question held a line break.</param>
/// <param name="NoMajority">Whether the label «-» means that there is none (SNLI).</param>
sealed record SentenceColumns(int[] Texts, int? Label, bool HasHeader, int? Exactly = null, bool NoMajority = false)
{
    static readonly (string First, string Second)[] pairs =
    [
        ("sentence1", "sentence2"), ("#1 string", "#2 string"), ("question1", "question2"), ("premise", "hypothesis"), ("question", "sentence"),
        ("sentence_a", "sentence_b"), ("text1", "text2"), ("text_a", "text_b"),
    ];

    static readonly string[] singles = ["text", "sentence", "content", "document", "review"];

    /// <summary>What a column or field of texts is usually called, the most usual first.</summary>
    public static IReadOnlyList<string> TextNames => singles;

    static readonly string[] labels = ["label", "gold_label", "class", "category", "target", "is_duplicate", "quality", "score"];
    static readonly string[] indices = ["index", "id", "idx"];

    /// <summary>Whether a line looks like the header of a published table: names of texts among several columns.</summary>
    public static bool IsKnownHeader(IReadOnlyList<string> row) => row.Count > 1 && Usual(Lower(row)) is not null;

    /// <summary>Columns of a table, told by its first row.</summary>
    /// <param name="first">The first row.</param>
    /// <param name="column">What was asked for: names or numbers, or null.</param>
    /// <param name="rule">Where labels come from.</param>
    /// <param name="where">The table, for errors.</param>
    /// <exception cref="TandemException"><see cref="ErrorKind.Input"/>: no such columns, or it is not told which.</exception>
    public static SentenceColumns OfTable(List<string> first, string? column, SentenceLabels rule, string where)
    {
        var names = Lower(first);
        // CoLA's train and dev have no header: code, label, the author's mark, sentence.
        if (column is null && rule.Field is null && names is [_, "0" or "1", "" or "*", _])
            return new([3], rule.Origin is SentenceOrigin.Auto or SentenceOrigin.Column ? 1 : null, HasHeader: false);
        var wanted = Wanted(column);
        if (wanted is not null && wanted.All(name => Number(name, first) is not null) && !names.Exists(IsKnown))
            return new([.. wanted.Select(name => Number(name, first)!.Value)], rule.Field is null ? Unnamed(rule, where) : Find(rule.Field, first, names, where), HasHeader: false);
        var label = LabelIn(first, names, rule, where);
        var texts = wanted?.Select(name => Find(name, first, names, where)).ToArray() ?? Usual(names) ?? OnlyOther(names, label) ?? throw NotTold(first, where);
        return new(texts, label, HasHeader: true, names.Contains("is_duplicate") && names.Contains("question1") ? first.Count : null, label is { } at && names[at] == "gold_label");
    }

    /// <summary>Fields of JSON lines, told by the first object's.</summary>
    /// <inheritdoc cref="OfTable"/>
    public static (string[] Texts, string? Label) OfFields(List<string> first, string? column, SentenceLabels rule, string where)
    {
        var names = Lower(first);
        var label = rule.Origin switch
        {
            SentenceOrigin.Json or SentenceOrigin.Column when rule.Field is { } field => field,
            SentenceOrigin.Auto or SentenceOrigin.Column => LabelIn(first, names, rule, where) is { } at ? first[at] : null,
            _ => null,
        };
        if (Wanted(column) is { } wanted)
            return (wanted, label);
        var found = Usual(names) ?? OnlyOther(names, label is null ? null : first.IndexOf(label)) ?? throw NotTold(first, where);
        return ([.. found.Select(at => first[at])], label);
    }

    /// <summary>The name among a json's fields that labels usually have, or null.</summary>
    public static string? UsualLabel(List<string> fields) => labels.FirstOrDefault(name => fields.Contains(name, StringComparer.Ordinal));

    static List<string> Lower(IEnumerable<string> row) => [.. row.Select(name => name.Trim().ToLowerInvariant())];

    static bool IsKnown(string name) => singles.Contains(name) || labels.Contains(name) || indices.Contains(name) || Array.Exists(pairs, pair => name == pair.First || name == pair.Second);

    static string[]? Wanted(string? column)
    {
        if (column is null)
            return null;
        var names = column.Split(',', StringSplitOptions.TrimEntries);
        return names.Length is 1 or 2 && names.All(name => name.Length > 0) ? names
            : throw new TandemException(ErrorKind.Usage, $"column={column} is not understood", "data.column", "a name or number, or two with a comma for pairs");
    }

    static int? Number(string name, List<string> first) =>
        int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= 1 && number <= first.Count && !first.Contains(name, StringComparer.Ordinal) ? number - 1 : null;

    static int Find(string name, List<string> first, List<string> names, string where)
    {
        var at = first.FindIndex(other => other.Trim() == name);
        if (at < 0)
            at = names.IndexOf(name.ToLowerInvariant());
        if (at >= 0)
            return at;
        return Number(name, first) ?? throw new TandemException(ErrorKind.Input, $"there is no column '{name}'", where, $"one of {Some(first)}; or a number from 1 to {first.Count}");
    }

    static int? LabelIn(List<string> first, List<string> names, SentenceLabels rule, string where)
    {
        if (rule.Origin is not (SentenceOrigin.Auto or SentenceOrigin.Column))
            return null;
        if (rule.Field is { } field)
            return Find(field, first, names, where);
        var found = labels.Select(name => names.IndexOf(name)).FirstOrDefault(at => at >= 0, -1);
        if (found < 0 && rule.Origin == SentenceOrigin.Column)
            throw new TandemException(ErrorKind.Input, "no column has a label's usual name", where, $"one of {string.Join(", ", labels)}", $"there are {Some(first)}: say which, labels=column:NAME");
        return found < 0 ? null : found;
    }

    static int? Unnamed(SentenceLabels rule, string where) => rule.Origin == SentenceOrigin.Column
        ? throw new TandemException(ErrorKind.Input, "the table has no header, so which column is the label is not told", where, "labels=column:NUMBER")
        : null;

    static int[]? Usual(List<string> names)
    {
        foreach (var (first, second) in pairs)
        {
            if (names.IndexOf(first) is >= 0 and var one && names.IndexOf(second) is >= 0 and var two)
                return [one, two];
        }
        var single = singles.Select(name => names.IndexOf(name)).FirstOrDefault(at => at >= 0, -1);
        return single < 0 ? null : [single];
    }

    // What is left when label and number are taken away, if that is one column.
    static int[]? OnlyOther(List<string> names, int? label)
    {
        var others = Enumerable.Range(0, names.Count).Where(at => at != label && !indices.Contains(names[at])).ToArray();
        return others.Length == 1 && (label is not null || names.Count == 1) ? others : null;
    }

    static TandemException NotTold(List<string> first, string where) =>
        new(ErrorKind.Input, "which column is the text is not told", where, $"one of {Some(first)}", "set column= to a name, or to a number from 1 (two with a comma for pairs of texts)");

    static string Some(List<string> names) => string.Join(", ", names.Take(8).Select(name => name.Length > 30 ? name[..30] + "…" : name)) + (names.Count > 8 ? ", …" : "");
}
