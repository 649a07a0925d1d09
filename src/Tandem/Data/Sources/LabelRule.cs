using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Tandem.Data.Sources;

/// <summary>Where a sample's class comes from.</summary>
public enum LabelOrigin
{
    /// <summary>Nowhere.</summary>
    None,
    /// <summary>The best that the source has: its own, a list's column, cls files, class folders; none if it has none of these.</summary>
    Auto,
    /// <summary>What the format itself carries: CIFAR, IDX.</summary>
    Own,
    /// <summary>The first folder below the root.</summary>
    Folder,
    /// <summary>A field of the json beside the sample, or of its line in a list of JSON objects.</summary>
    Json,
    /// <summary>The cls file beside the sample: a whole number.</summary>
    Cls,
    /// <summary>The second column of a list, or the one named so.</summary>
    Column,
    /// <summary>A part of the file's name.</summary>
    Name,
    /// <summary>Who speaks: what a list says, or the place that a corpus has for speakers in its names.</summary>
    Speaker,
}

/// <summary>
/// The one place where labels are chosen: <c>labels=folder</c>, <c>name:1</c>, <c>speaker</c>, <c>json:group</c>, <c>cls</c>, <c>column</c>, <c>own</c>,
/// <c>none</c>, <c>auto</c>.
/// </summary>
/// <param name="Origin">Where the class comes from.</param>
/// <param name="Field">For <see cref="LabelOrigin.Json"/>: the field; dots lead into objects.</param>
/// <param name="Part">For <see cref="LabelOrigin.Name"/>: which part of the file's name without its extension, split at <c>_</c> and <c>-</c>; counted from 1.</param>
public sealed record LabelRule(LabelOrigin Origin, string? Field = null, int Part = 0)
{
    const string Choices = "folder, name:N, speaker, json:FIELD, cls, column, own, none or auto";

    /// <summary>Reads a rule; null and the empty text give null: what the format itself carries.</summary>
    /// <exception cref="TandemException"><see cref="ErrorKind.Usage"/>: no such rule.</exception>
    public static LabelRule? Parse(string? text) => text switch
    {
        null or "" => null,
        "none" => new(LabelOrigin.None),
        "auto" => new(LabelOrigin.Auto),
        "own" => new(LabelOrigin.Own),
        "folder" => new(LabelOrigin.Folder),
        "cls" => new(LabelOrigin.Cls),
        "column" => new(LabelOrigin.Column),
        "speaker" => new(LabelOrigin.Speaker),
        _ when text.StartsWith("name:", StringComparison.Ordinal) && int.TryParse(text.AsSpan(5), NumberStyles.None, CultureInfo.InvariantCulture, out var part) && part > 0 => new(LabelOrigin.Name, Part: part),
        _ when text.StartsWith("json:", StringComparison.Ordinal) && text.Length > 5 => new(LabelOrigin.Json, text[5..]),
        _ => throw new TandemException(ErrorKind.Usage, $"labels '{text}' are not understood", "data.labels", Choices),
    };

    /// <summary>Classes of texts: sorted by code point, or by number when all are whole numbers.</summary>
    public static (int[] Labels, string[] Names) Classes(IReadOnlyList<string> texts)
    {
        var names = texts.Distinct(StringComparer.Ordinal).ToArray();
        if (names.All(name => long.TryParse(name, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _)))
            Array.Sort(names, (a, b) => long.Parse(a, CultureInfo.InvariantCulture).CompareTo(long.Parse(b, CultureInfo.InvariantCulture)));
        else
            Array.Sort(names, StringComparer.Ordinal);
        var numbers = names.Select((name, number) => (name, number)).ToDictionary(pair => pair.name, pair => pair.number, StringComparer.Ordinal);
        return ([.. texts.Select(text => numbers[text])], names);
    }

    /// <summary>Labels of samples that are files, or none.</summary>
    /// <exception cref="TandemException"><see cref="ErrorKind.Input"/>: a sample has no label of this origin.</exception>
    internal (int[]? Labels, IReadOnlyList<string>? Names) Apply(SampleFiles source)
    {
        switch (Origin)
        {
            case LabelOrigin.None:
                return (null, null);
            case LabelOrigin.Auto:
                return Best(source) is { } origin ? (this with { Origin = origin }).Apply(source) : (null, null);
            case LabelOrigin.Folder:
                return Folders(source);
            case LabelOrigin.Cls:
                return Numbers(source);
            case LabelOrigin.Json:
                return Of(source, i => FieldOf(source, i));
            case LabelOrigin.Column:
                return Of(source, i => source.Entry(i).Listed?.Label ?? throw Lacks(source, i, "has no label in its line", "path,label"));
            case LabelOrigin.Name:
                return Of(source, i => PartOfName(source, i));
            case LabelOrigin.Speaker:
                return Of(source, i => Speakers.Of(source.Entry(i)) ?? throw Lacks(source, i, "does not tell its speaker", "LibriSpeech's, VoxCeleb's or Speech Commands' names, or a list with a column client_id or speaker"));
            default:
                throw new TandemException(ErrorKind.Input, $"these {source.Kind.Samples} carry no labels of their own", source.Description, Choices);
        }
    }

    static (int[]?, IReadOnlyList<string>?) Of(SampleFiles source, Func<int, string> text) => Classes([.. Enumerable.Range(0, source.Count).Select(text)]);

    string PartOfName(SampleFiles source, int index)
    {
        var parts = source.Entry(index).Stem.Split('_', '-');
        return Part <= parts.Length && parts[Part - 1].Length > 0 ? parts[Part - 1]
            : throw Lacks(source, index, $"has a name of {parts.Length} parts, and no part {Part.ToString(CultureInfo.InvariantCulture)}", "parts between _ and -");
    }

    static LabelOrigin? Best(SampleFiles source)
    {
        var listed = source.Entry(0).Listed;
        if (listed?.Label is not null)
            return LabelOrigin.Column;
        if (source.ReadBeside(0, "cls") is not null)
            return LabelOrigin.Cls;
        // Where a list has texts, folders are speakers or parts, not classes.
        if (listed?.Text is not null)
            return null;
        return Enumerable.Range(0, source.Count).All(i => source.ClassFolder(i) is not null) && source.Count > 1 ? LabelOrigin.Folder : null;
    }

    static (int[]?, IReadOnlyList<string>?) Folders(SampleFiles source)
    {
        var texts = new string[source.Count];
        for (var i = 0; i < texts.Length; i++)
            texts[i] = source.ClassFolder(i) ?? throw Lacks(source, i, "is in no class folder", $"ROOT/CLASS/{source.Kind.Sample}");
        var names = texts.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).ToArray();
        var splits = names.Where(name => name is "train" or "val" or "valid" or "validation" or "dev" or "test").ToArray();
        if (splits.Length == names.Length && names.Length > 1)
        {
            throw new TandemException(ErrorKind.Input, $"the folders {string.Join(", ", names)} are parts of a data set, not classes", source.Description,
                "a folder whose subfolders are the classes", $"give the part, for example split={names[0]}");
        }
        // Classes without samples would shift no numbers here, but they tell of a half-copied set.
        var empty = source.EmptyClassFolders;
        if (empty.Count > 0)
            throw new TandemException(ErrorKind.Input, $"{empty.Count} class folders hold no {source.Kind.Sample}: {string.Join(", ", empty.Take(5))}{(empty.Count > 5 ? ", …" : "")}", source.Description, $"at least one {source.Kind.Sample} in each class folder", "complete or remove them");
        var numbers = names.Select((name, number) => (name, number)).ToDictionary(pair => pair.name, pair => pair.number, StringComparer.Ordinal);
        return ([.. texts.Select(text => numbers[text])], names);
    }

    static (int[]?, IReadOnlyList<string>?) Numbers(SampleFiles source)
    {
        var labels = new int[source.Count];
        for (var i = 0; i < labels.Length; i++)
        {
            var bytes = source.ReadBeside(i, "cls") ?? throw Lacks(source, i, "has no cls file beside it", "KEY.cls");
            if (!int.TryParse(Encoding.UTF8.GetString(bytes).Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out labels[i]))
                throw Lacks(source, i, "has a cls file that is no whole number", "0, 1, 2, …");
        }
        return (labels, [.. Enumerable.Range(0, labels.Max() + 1).Select(number => number.ToString(CultureInfo.InvariantCulture))]);
    }

    string FieldOf(SampleFiles source, int index)
    {
        var bytes = source.Entry(index).Listed?.Json is { } line ? Encoding.UTF8.GetBytes(line) : source.ReadBeside(index, "json") ?? throw Lacks(source, index, "has no json beside it", "KEY.json");
        try
        {
            using var document = JsonDocument.Parse(bytes);
            var at = document.RootElement;
            foreach (var part in Field!.Split('.'))
            {
                if (at.ValueKind != JsonValueKind.Object || !at.TryGetProperty(part, out var inner))
                {
                    var fields = at.ValueKind == JsonValueKind.Object ? string.Join(", ", at.EnumerateObject().Select(field => field.Name)) : "no fields";
                    throw Lacks(source, index, $"has a json without field '{part}'", $"one of: {fields}");
                }
                at = inner;
            }
            return at.ValueKind switch
            {
                JsonValueKind.String => at.GetString()!,
                JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False => at.GetRawText(),
                _ => throw Lacks(source, index, $"has a json whose '{Field}' is {at.ValueKind}", "a text or a number"),
            };
        }
        catch (JsonException cause)
        {
            throw new TandemException(ErrorKind.Input, $"the json beside a {source.Kind.Sample} cannot be read: {cause.Message}", source.Where(index), inner: cause);
        }
    }

    static TandemException Lacks(SampleFiles source, int index, string what, string expected) =>
        new(ErrorKind.Input, $"the sample {what}", source.Where(index), expected, $"labels= takes {Choices}");
}
