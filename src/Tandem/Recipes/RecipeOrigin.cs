using System.Globalization;

namespace Tandem.Recipes;

/// <summary>Who set a value.</summary>
public enum OriginKind
{
    /// <summary>Nobody: the program's default.</summary>
    Default,
    /// <summary>The recipe, or the one it is based on.</summary>
    Recipe,
    /// <summary>A file merged with <c>@file.json</c>.</summary>
    File,
    /// <summary><c>key=value</c> on the command line.</summary>
    CommandLine,
    /// <summary>Tandem itself, from another value: the steps that fit a time budget.</summary>
    Computed,
}

/// <summary>Where a recipe's value comes from.</summary>
/// <param name="Kind">Who set it.</param>
/// <param name="Place">The recipe's name, the file, or what it was computed from; null otherwise.</param>
/// <param name="Line">The line in that place, from 1, if known.</param>
public sealed record RecipeOrigin(OriginKind Kind, string? Place = null, int? Line = null)
{
    /// <summary>The program's default.</summary>
    public static RecipeOrigin Default { get; } = new(OriginKind.Default);

    /// <summary>The command line.</summary>
    public static RecipeOrigin CommandLine { get; } = new(OriginKind.CommandLine);

    /// <summary>The origin in words: <c>recipe data2vec2/images:12</c>, <c>command line</c>.</summary>
    public override string ToString()
    {
        var kind = Kind switch { OriginKind.CommandLine => "command line", _ => Kind.ToString().ToLowerInvariant() };
        return kind + (Place is null ? "" : " " + Place) + (Line is { } line ? string.Create(CultureInfo.InvariantCulture, $":{line}") : "");
    }

    /// <summary>Reads what <see cref="ToString"/> wrote; an unknown text counts as a file's.</summary>
    public static RecipeOrigin Parse(string text)
    {
        if (text == "default")
            return Default;
        if (text == "command line")
            return CommandLine;
        var (word, rest) = text.IndexOf(' ', StringComparison.Ordinal) is var space and > 0 ? (text[..space], text[(space + 1)..]) : (text, null);
        if (word is not ("recipe" or "file" or "computed"))
            return new RecipeOrigin(OriginKind.File, text);
        var kind = Enum.Parse<OriginKind>(word, ignoreCase: true);
        var colon = rest?.LastIndexOf(':') ?? -1;
        return colon > 0 && int.TryParse(rest.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var line)
            ? new RecipeOrigin(kind, rest![..colon], line)
            : new RecipeOrigin(kind, rest);
    }
}
