using System.Globalization;
using System.Text.RegularExpressions;

namespace Tandem.Data.Sources;

/// <summary>Resolves what people write for data: a file, a folder, a glob (<c>*.tar</c>), a brace range (<c>train-{000..120}.tar</c>), several joined by <c>::</c>.</summary>
public static partial class DataPaths
{
    const int MostPaths = 1_000_000;

    /// <summary>The files and folders that a text stands for, in order: ranges count up, globs are sorted by code point.</summary>
    /// <exception cref="TandemException"><see cref="ErrorKind.Input"/>: something is not there, or a glob matches nothing.</exception>
    public static IReadOnlyList<string> Expand(string text)
    {
        var found = new List<string>();
        foreach (var part in text.Split("::", StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            var path = Home(part);
            if (Path.Exists(path))
            {
                found.Add(path);
                continue;
            }
            foreach (var one in Braces(path))
                found.AddRange(Path.Exists(one) ? [one] : Glob(one));
        }
        return found.Count > 0 ? found : throw new TandemException(ErrorKind.Input, "no data was given", expected: "a file, a folder, a glob or a range such as train-{000..120}.tar");
    }

    /// <summary>Whether two texts stand for the same place, however they are written: <c>photos</c> and <c>./photos/</c>.</summary>
    public static bool AreSame(string one, string other) => Whole(one) == Whole(other);

    /// <summary>Whether a folder holds the test part of a packed set (CIFAR, MNIST), which is then what a path to judge on means.</summary>
    public static bool HoldsTestPart(string path) => Directory.Exists(Home(path)) && Directory.EnumerateFiles(Home(path)).Select(Path.GetFileName).Any(name =>
        name!.StartsWith("test_batch", StringComparison.Ordinal) || name is "test.bin" || name.StartsWith("t10k-images", StringComparison.Ordinal));

    static string Whole(string text) => string.Join("::", text.Split("::", StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(part => Path.TrimEndingDirectorySeparator(Path.GetFullPath(Home(part)))));

    static string Home(string path) => path == "~" || path.StartsWith("~/", StringComparison.Ordinal)
        ? Environment.GetFolderPath(Environment.SpecialFolder.UserProfile) + path[1..]
        : path;

    /// <summary>Expands <c>{000..120}</c> (digits keep their width) and <c>{a,b}</c>; the leftmost brace varies slowest.</summary>
    public static IEnumerable<string> Braces(string text)
    {
        var match = Brace().Match(text);
        if (!match.Success)
            return [text];
        var (before, after) = (text[..match.Index], text[(match.Index + match.Length)..]);
        IEnumerable<string> choices;
        if (match.Groups["from"].Success)
        {
            var (from, to) = (match.Groups["from"].Value, match.Groups["to"].Value);
            if (!long.TryParse(from, NumberStyles.None, CultureInfo.InvariantCulture, out var first) || !long.TryParse(to, NumberStyles.None, CultureInfo.InvariantCulture, out var last)
                || last < first || last - first >= MostPaths)
            {
                throw new TandemException(ErrorKind.Input, $"the range {match.Value} does not count up, or has more than {MostPaths} items", text);
            }
            choices = Enumerable.Range(0, (int)(last - first + 1)).Select(i => (first + i).ToString(CultureInfo.InvariantCulture).PadLeft(from.Length, '0'));
        }
        else
        {
            choices = match.Groups["list"].Value.Split(',');
        }
        return choices.SelectMany(choice => Braces(before + choice + after));
    }

    static IReadOnlyList<string> Glob(string path)
    {
        if (path.AsSpan().IndexOfAny('*', '?') < 0)
            throw Missing(path);
        var parts = path.Split('/');
        IEnumerable<string> at = [path.StartsWith('/') ? "/" : "."];
        foreach (var part in parts.Where(part => part.Length > 0))
        {
            at = part.AsSpan().IndexOfAny('*', '?') < 0
                ? at.Select(folder => Path.Combine(folder, part)).Where(Path.Exists)
                : at.Where(Directory.Exists).SelectMany(folder => Directory.EnumerateFileSystemEntries(folder, part, new EnumerationOptions { AttributesToSkip = FileAttributes.Hidden, MatchCasing = MatchCasing.CaseSensitive }));
        }
        var found = at.Select(one => one.StartsWith("./", StringComparison.Ordinal) ? one[2..] : one).Order(StringComparer.Ordinal).ToList();
        return found.Count > 0 ? found : throw new TandemException(ErrorKind.Input, "nothing matches this pattern", path, "at least one file or folder");
    }

    static TandemException Missing(string path)
    {
        var folder = Path.GetDirectoryName(Path.GetFullPath(path));
        if (folder is null || !Directory.Exists(folder))
            return new(ErrorKind.Input, "there is no such file or folder", path, remedy: folder is null ? null : $"its folder {folder} is not there either: check the path");
        var near = Directory.EnumerateFileSystemEntries(folder).Select(entry => Path.GetFileName(entry)!).Order(StringComparer.Ordinal).Take(5).ToList();
        return new(ErrorKind.Input, "there is no such file or folder", path, remedy: near.Count == 0 ? $"{folder} is empty" : $"{folder} holds {string.Join(", ", near)}{(near.Count == 5 ? ", …" : "")}");
    }

    [GeneratedRegex(@"\{(?:(?<from>[0-9]+)\.\.(?<to>[0-9]+)|(?<list>[^{}]*,[^{}]*))\}", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Brace();
}
