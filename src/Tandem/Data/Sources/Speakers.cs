using System.Text.RegularExpressions;

namespace Tandem.Data.Sources;

/// <summary>Who speaks in a recording, as lists and the names of corpora say.</summary>
static partial class Speakers
{
    /// <summary>The speaker: a list's; else LibriSpeech's speaker folder (<c>SPEAKER/CHAPTER/SPEAKER-CHAPTER-UTT</c>), VoxCeleb's id (<c>idNNNNN/…</c>), Speech Commands' hash (<c>HASH_nohash_N</c>); else null.</summary>
    public static string? Of(SampleEntry entry)
    {
        if (entry.Listed?.Speaker is { } told)
            return told;
        if (LibriSpeech().Match(entry.Stem) is { Success: true } id && $"/{entry.Name}".Contains($"/{id.Groups["speaker"].Value}/{id.Groups["chapter"].Value}/", StringComparison.Ordinal))
            return id.Groups["speaker"].Value;
        if (VoxCeleb().Match($"/{entry.Name}") is { Success: true } celebrity)
            return celebrity.Groups["speaker"].Value;
        var cut = entry.Stem.IndexOf("_nohash_", StringComparison.Ordinal);
        return cut > 0 ? entry.Stem[..cut] : null;
    }

    [GeneratedRegex("^(?<speaker>[^-]+)-(?<chapter>[^-]+)-[^-]+$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex LibriSpeech();

    [GeneratedRegex("/(?<speaker>id[0-9]{5})/", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex VoxCeleb();
}
