using System.Reflection;

namespace Tandem.Recipes;

/// <summary>The recipes that come with Tandem, by name: <c>data2vec2/images</c>.</summary>
public static class RecipeLibrary
{
    const string Folder = "recipes/", Ending = ".json";

    /// <summary>All names, sorted.</summary>
    public static IReadOnlyList<string> Names { get; } =
        [.. typeof(RecipeLibrary).Assembly.GetManifestResourceNames()
            .Select(name => name.Replace('\\', '/'))
            .Where(name => name.StartsWith(Folder, StringComparison.Ordinal) && name.EndsWith(Ending, StringComparison.Ordinal))
            .Select(name => name[Folder.Length..^Ending.Length])
            .Order(StringComparer.Ordinal)];

    /// <summary>A recipe's text, comments included.</summary>
    /// <param name="nameOrPath">A name from <see cref="Names"/> or a file.</param>
    /// <exception cref="TandemException">There is none (<see cref="ErrorKind.Usage"/>).</exception>
    public static string Text(string nameOrPath)
    {
        var resource = typeof(RecipeLibrary).Assembly.GetManifestResourceNames().FirstOrDefault(name => name.Replace('\\', '/') == Folder + nameOrPath + Ending);
        if (resource is not null)
        {
            using var reader = new StreamReader(typeof(RecipeLibrary).Assembly.GetManifestResourceStream(resource)!);
            return reader.ReadToEnd();
        }
        try
        {
            if (File.Exists(nameOrPath))
                return File.ReadAllText(nameOrPath);
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            throw new TandemException(ErrorKind.Usage, $"the recipe cannot be read: {cause.Message}", nameOrPath, inner: cause);
        }
        var near = Nearest.To(nameOrPath, Names);
        throw new TandemException(ErrorKind.Usage, $"there is no recipe '{nameOrPath}'",
            expected: near is null ? "a file, or a recipe's name" : $"a file or a name, perhaps '{near}'", remedy: "`tandem recipes ls` lists all.");
    }

    /// <summary>Whether this is the name of a recipe that comes with Tandem.</summary>
    public static bool Has(string name) => Names.Contains(name, StringComparer.Ordinal);
}
