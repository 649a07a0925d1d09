namespace Tandem.Tests;

/// <summary>The golden cases that lie in this repository: test/golden, found upwards from the test program.</summary>
static class GoldenFolder
{
    public static string Path { get; } = Find();

    public static string Case(string name) => System.IO.Path.Combine(Path, name);

    static string Find()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            var here = System.IO.Path.Combine(folder.FullName, "test", "golden");
            if (Directory.Exists(here))
                return here;
        }
        throw new DirectoryNotFoundException("test/golden was not found above " + AppContext.BaseDirectory);
    }
}
