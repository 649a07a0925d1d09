namespace Tandem.Tests.House;

/// <summary>The repository that the tests were built from.</summary>
static class Repository
{
    /// <summary>Its root: the folder with Tandem.slnx, upwards from the test program.</summary>
    public static string Root { get; } = Find();

    public static string At(params string[] parts) => Path.Combine([Root, .. parts]);

    /// <summary>A path as people write it, from the root.</summary>
    public static string Relative(string path) => Path.GetRelativePath(Root, path).Replace('\\', '/');

    /// <summary>Files that are written by people (or committed generators), without what is built.</summary>
    public static IEnumerable<string> Files(string folder, string pattern) =>
        !Directory.Exists(At(folder)) ? [] :
            Directory.EnumerateFiles(At(folder), pattern, SearchOption.AllDirectories)
                .Where(file => !Relative(file).Split('/').Any(part => part is "bin" or "obj" or "artifacts" or ".git" or "node_modules" or "runs"))
                .Order(StringComparer.Ordinal);

    static string Find()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Tandem.slnx")))
                return folder.FullName;
        }
        throw new DirectoryNotFoundException("Tandem.slnx was not found above " + AppContext.BaseDirectory);
    }
}
