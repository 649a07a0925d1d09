using System.Globalization;
using Tandem.Recipes;
using Tandem.Torch;

namespace Tandem.Cli;

/// <summary>Settings of a call as values, with one error for what is no value.</summary>
static class SettingValues
{
    /// <summary>A whole number, or null where the setting was not given.</summary>
    /// <exception cref="TandemException">It is none, or too small (<see cref="ErrorKind.Usage"/>).</exception>
    public static int? Whole(this Call call, string key, int least = 1)
    {
        if (call[key] is not { } text)
            return null;
        return int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) && value >= least
            ? value
            : throw new TandemException(ErrorKind.Usage, $"{key} cannot be '{text}'", expected: $"a whole number from {least} on");
    }

    /// <summary>A number above zero, or null where the setting was not given.</summary>
    /// <exception cref="TandemException">It is none (<see cref="ErrorKind.Usage"/>).</exception>
    public static double? Positive(this Call call, string key)
    {
        if (call[key] is not { } text)
            return null;
        return double.TryParse(text, NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent, CultureInfo.InvariantCulture, out var value) && value > 0 && double.IsFinite(value)
            ? value
            : throw new TandemException(ErrorKind.Usage, $"{key} cannot be '{text}'", expected: "a number above 0");
    }

    /// <summary>One of some words.</summary>
    /// <exception cref="TandemException">It is another (<see cref="ErrorKind.Usage"/>).</exception>
    public static string OneOf(this Call call, string key, params string[] words)
    {
        var given = call[key] ?? words[0];
        return words.Contains(given, StringComparer.Ordinal)
            ? given
            : throw new TandemException(ErrorKind.Usage, $"{key} cannot be '{given}'", expected: string.Join(" or ", words), remedy: Nearest.Question(given, words).TrimEnd() is { Length: > 0 } question ? question : null);
    }

    /// <summary>Words separated by commas, each known and none twice.</summary>
    /// <exception cref="TandemException">One is unknown (<see cref="ErrorKind.Usage"/>).</exception>
    public static IReadOnlyList<string> Words(string text, string what, IReadOnlyList<string> known)
    {
        var words = text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Distinct(StringComparer.Ordinal).ToList();
        if (words.FirstOrDefault(word => !known.Contains(word, StringComparer.Ordinal)) is { } unknown)
            throw new TandemException(ErrorKind.Usage, $"there is no {what} '{unknown}'", expected: string.Join(", ", known), remedy: Nearest.Question(unknown, known).TrimEnd() is { Length: > 0 } question ? question : null);
        return words.Count > 0 ? words : throw new TandemException(ErrorKind.Usage, $"no {what} was named", expected: string.Join(", ", known));
    }

    /// <summary>The seed: of <c>seed=</c>, else of <c>--seed</c>, else 0.</summary>
    public static long Seed(this Call call)
    {
        if (call["seed"] is not { } text)
            return call.Options.Seed ?? 0;
        return long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var seed) ? seed : throw new TandemException(ErrorKind.Usage, $"seed cannot be '{text}'", expected: "a whole number");
    }

    /// <summary>Uses as many threads as <c>--threads</c> says.</summary>
    public static void ApplyThreads(this Call call)
    {
        if (call.Options.Threads is { } threads)
            ComputeThread.Run(() => Libtorch.Threads = threads);
    }
}
