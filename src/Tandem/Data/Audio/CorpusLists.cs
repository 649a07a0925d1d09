using System.Globalization;
using System.Numerics;
using System.Security.Cryptography;
using System.Text;

namespace Tandem.Data.Audio;

/// <summary>A recording as a corpus lists it.</summary>
/// <param name="Audio">Path below the corpus's root.</param>
/// <param name="Text">What is said, or null.</param>
/// <param name="Speaker">Who says it, or null.</param>
/// <param name="Label">Its class, or null.</param>
/// <param name="Samples">Samples at the file's own rate, where the list says so.</param>
public sealed record AudioEntry(string Audio, string? Text = null, string? Speaker = null, string? Label = null, long? Samples = null);

/// <summary>A line of Common Voice's lists.</summary>
/// <param name="Entry">The recording.</param>
/// <param name="UpVotes">Listeners who agreed, or null where the list does not say.</param>
/// <param name="DownVotes">Listeners who did not.</param>
public sealed record CommonVoiceLine(AudioEntry Entry, int? UpVotes, int? DownVotes);

/// <summary>A fairseq manifest without the recordings that are too short.</summary>
/// <param name="Root">The folder that paths are relative to.</param>
/// <param name="Entries">What is left.</param>
/// <param name="Skipped">Lines of the others, counted from 0 behind the root: label files skip the same.</param>
public sealed record Manifest(string Root, IReadOnlyList<AudioEntry> Entries, IReadOnlyList<int> Skipped);

/// <summary>The lists that speech corpora come with. None of them quotes: a <c>"</c> is a letter.</summary>
public static class CorpusLists
{
    /// <summary>LibriSpeech's transcripts: id, blank, text; the recording lies beside its list.</summary>
    /// <param name="text">A <c>SPEAKER-CHAPTER.trans.txt</c>.</param>
    /// <param name="where">Its place, for errors.</param>
    public static IEnumerable<(string Id, string Speaker, string Chapter, string Text)> LibriSpeech(string text, string where)
    {
        foreach (var (number, line) in Lines(text))
        {
            var blank = line.AsSpan().IndexOfAny(' ', '\t');
            var id = blank < 0 ? line : line[..blank];
            var parts = id.Split('-');
            if (parts.Length != 3)
                throw Bad(where, number, $"'{id}' is no id", "SPEAKER-CHAPTER-UTTERANCE TEXT");
            yield return (id, parts[0], parts[1], blank < 0 ? "" : line[(blank + 1)..].Trim());
        }
    }

    /// <summary>LJSpeech's <c>metadata.csv</c>: id, text, normalised text (the text again where it is missing or empty), between <c>|</c>.</summary>
    public static IEnumerable<(string Id, string Text, string Normalised)> LjSpeech(string text, string where)
    {
        foreach (var (number, line) in Lines(text))
        {
            var fields = line.Split('|');
            if (fields.Length is < 2 or > 3 || fields[0].Length == 0)
                throw Bad(where, number, $"the line has {fields.Length} fields", "ID|TEXT|NORMALISED TEXT");
            yield return (fields[0], fields[1], fields.Length > 2 && fields[2].Length > 0 ? fields[2] : fields[1]);
        }
    }

    /// <summary>Whether a list is one of LJSpeech: fields between <c>|</c>.</summary>
    public static bool IsLjSpeech(string text) => FirstLine(text).Contains('|');

    /// <summary>Whether a list is one of Common Voice: tab-separated columns, among them <c>client_id</c> and <c>path</c>.</summary>
    public static bool IsCommonVoice(string text)
    {
        var header = FirstLine(text).ToString().Split('\t');
        return header.Contains("client_id", StringComparer.Ordinal) && header.Contains("path", StringComparer.Ordinal);
    }

    /// <summary>Whether a list is a fairseq manifest: a root folder alone in its first line, a number behind a tab in the second.</summary>
    public static bool IsManifest(string text)
    {
        var lines = Lines(text).Take(2).Select(line => line.Line.Trim()).ToList();
        return lines.Count > 0 && !lines[0].Contains('\t') && (lines.Count == 1 ? lines[0].StartsWith('/') : lines[1].Split('\t') is [_, var samples] && long.TryParse(samples, NumberStyles.None, CultureInfo.InvariantCulture, out _));
    }

    static ReadOnlySpan<char> FirstLine(string text)
    {
        var rest = text.AsSpan().TrimStart('\uFEFF');
        return rest[..(rest.IndexOfAny('\r', '\n') is >= 0 and var end ? end : rest.Length)];
    }

    /// <summary>Common Voice's lists: columns by name, in any order.</summary>
    public static IReadOnlyList<CommonVoiceLine> CommonVoice(string text, string where)
    {
        var lines = Lines(text).ToList();
        if (lines.Count == 0)
            throw FileFault.Truncated.Error("the list is empty", where);
        var header = lines[0].Line.Split('\t');
        int At(string name) => Array.IndexOf(header, name);
        var (path, sentence, speaker, up, down) = (At("path"), At("sentence"), At("client_id"), At("up_votes"), At("down_votes"));
        if (path < 0 || sentence < 0)
            throw Bad(where, 1, "the header has no columns 'path' and 'sentence'", "client_id, path, sentence, …");
        List<CommonVoiceLine> found = [];
        foreach (var (number, line) in lines.Skip(1))
        {
            var fields = line.Split('\t');
            if (fields.Length <= Math.Max(path, sentence))
                throw Bad(where, number, $"the line has {fields.Length} fields", $"{header.Length}");
            string? Field(int column) => column >= 0 && column < fields.Length && fields[column].Length > 0 ? fields[column] : null;
            int? Votes(int column) => int.TryParse(Field(column), NumberStyles.Integer, CultureInfo.InvariantCulture, out var votes) ? votes : null;
            var file = fields[path].EndsWith(".mp3", StringComparison.OrdinalIgnoreCase) || Path.HasExtension(fields[path]) ? fields[path] : fields[path] + ".mp3";
            found.Add(new(new($"clips/{file}", fields[sentence], Field(speaker)), Votes(up), Votes(down)));
        }
        return found;
    }

    /// <summary>A fairseq manifest: the root, then path and number of samples.</summary>
    /// <param name="text">The list.</param>
    /// <param name="shortest">Recordings with fewer samples are skipped; null keeps all.</param>
    /// <param name="where">The list's place, for errors.</param>
    public static Manifest ReadManifest(string text, int? shortest, string where)
    {
        var lines = Lines(text).Select(line => (line.Number, Line: line.Line.Trim())).ToList();
        if (lines.Count == 0)
            throw FileFault.Truncated.Error("the manifest is empty", where, "the root folder, then PATH<TAB>SAMPLES");
        List<AudioEntry> entries = [];
        List<int> skipped = [];
        for (var i = 1; i < lines.Count; i++)
        {
            var fields = lines[i].Line.Split('\t');
            if (fields.Length != 2 || !long.TryParse(fields[1], NumberStyles.None, CultureInfo.InvariantCulture, out var samples))
                throw Bad(where, lines[i].Number, $"the line is '{lines[i].Line}'", "PATH<TAB>SAMPLES");
            if (samples < shortest)
                skipped.Add(i - 1);
            else
                entries.Add(new(fields[0], Samples: samples));
        }
        return new(lines[0].Line, entries, skipped);
    }

    /// <summary>The files that a list of Speech Commands names.</summary>
    public static IReadOnlyList<string> SpeechCommands(string text) => [.. Lines(text).Select(line => line.Line.Trim()).Where(line => line.Length > 0)];

    /// <summary>The part that Speech Commands' rule puts a recording into: all recordings of a speaker into the same.</summary>
    /// <param name="file">Its path.</param>
    /// <param name="validation">Percent for validation.</param>
    /// <param name="testing">Percent for testing.</param>
    public static (string Key, double Percentage, string Split) SpeechCommandsPart(string file, double validation = 10, double testing = 10)
    {
        const int Most = (1 << 27) - 1;
        var name = file[(file.LastIndexOf('/') + 1)..];
        var cut = name.IndexOf("_nohash_", StringComparison.Ordinal);
        var key = cut < 0 ? name : name[..cut];
#pragma warning disable CA5350 // The published rule; nothing is protected by it.
        var hash = new BigInteger(SHA1.HashData(Encoding.UTF8.GetBytes(key)), isUnsigned: true, isBigEndian: true);
#pragma warning restore CA5350
        var percentage = (double)(hash % (Most + 1)) * (100.0 / Most);
        return (key, percentage, percentage < validation ? "validation" : percentage < validation + testing ? "testing" : "training");
    }

    /// <summary>VoxCeleb's parts: 1 training, 2 validation, 3 test.</summary>
    public static IEnumerable<(string Split, string Speaker, string Audio)> VoxCelebIdentification(string text, string where)
    {
        foreach (var (number, line) in Lines(text))
        {
            var fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (fields.Length != 2)
                throw Bad(where, number, $"the line is '{line}'", "1|2|3 ID/VIDEO/FILE");
            var split = fields[0] switch { "1" => "train", "2" => "validation", "3" => "test", _ => throw Bad(where, number, $"there is no part {fields[0]}", "1, 2 or 3") };
            yield return (split, fields[1].Split('/')[0], $"wav/{fields[1]}");
        }
    }

    /// <summary>VoxCeleb's pairs of recordings, by the same speaker or not.</summary>
    public static IEnumerable<(bool Same, string A, string B)> VoxCelebVerification(string text, string where)
    {
        foreach (var (number, line) in Lines(text))
        {
            var fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (fields.Length != 3 || fields[0] is not ("0" or "1"))
                throw Bad(where, number, $"the line is '{line}'", "0|1 PATH PATH");
            yield return (fields[0] == "1", $"wav/{fields[1]}", $"wav/{fields[2]}");
        }
    }

    static IEnumerable<(int Number, string Line)> Lines(string text)
    {
        var number = 0;
        foreach (var line in text.TrimStart('\uFEFF').Split('\n'))
        {
            number++;
            if (line.TrimEnd('\r') is { Length: > 0 } content)
                yield return (number, content);
        }
    }

    static TandemException Bad(string where, int line, string what, string expected) => FileFault.Inconsistent.Error(what, $"{where}, line {line.ToString(CultureInfo.InvariantCulture)}", expected);
}
