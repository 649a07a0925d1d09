using System.Text;
using Tandem.Data.Sources;

namespace Tandem.Data.Audio;

/// <summary>
/// What the lists among a corpus's files say of its recordings: texts, speakers, parts. Recordings are known by their path without extension,
/// for copies of a corpus keep their sound in other formats.
/// </summary>
sealed class CorpusIndex
{
    readonly FileSet set;
    readonly Dictionary<string, ListedFacts> facts = new(StringComparer.Ordinal);
    readonly Dictionary<string, List<string>> parts = new(StringComparer.Ordinal);

    /// <summary>Reads the lists of a set: LibriSpeech's transcripts, LJSpeech's and Common Voice's lists, those of Speech Commands' and VoxCeleb's parts.</summary>
    public CorpusIndex(FileSet set)
    {
        this.set = set;
        for (var file = 0; file < set.Names.Count; file++)
        {
            var name = set.Names[file];
            var (folder, own) = (name[..(name.LastIndexOf('/') + 1)], name[(name.LastIndexOf('/') + 1)..]);
            if (!own.StartsWith('.'))
                Read(file, folder, own);
        }
    }

    /// <summary>What is known of a recording, or null.</summary>
    /// <param name="name">Its path.</param>
    public ListedFacts? Facts(string name) => facts.GetValueOrDefault(Stem(name));

    /// <summary>The recordings of a part by a list of its own, in the list's order, without extensions; null if there is no such list.</summary>
    public IReadOnlyList<string>? Listed(string part) => parts.GetValueOrDefault(part);

    /// <summary>Speech Commands' parts: what its lists name, else its rule for names; null if this is no such corpus.</summary>
    /// <param name="names">All recordings.</param>
    /// <param name="part">training, validation or testing, also by their usual short names.</param>
    public IEnumerable<string>? SpeechCommands(IReadOnlyList<string> names, string part)
    {
        var wanted = part switch { "train" or "training" => "training", "val" or "valid" or "validation" or "dev" => "validation", "test" or "testing" => "testing", _ => null };
        if (wanted is null || !names.Any(name => name.Contains("_nohash_", StringComparison.Ordinal)))
            return null;
        if (parts.GetValueOrDefault("validation") is not { } validation || parts.GetValueOrDefault("testing") is not { } testing)
            return names.Where(name => CorpusLists.SpeechCommandsPart(Path.ChangeExtension(name, ".wav")).Split == wanted);
        var of = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var stem in validation)
            of[stem] = "validation";
        foreach (var stem in testing)
            of[stem] = "testing";
        return names.Where(name => of.GetValueOrDefault(Stem(name), "training") == wanted);
    }

    /// <summary>A path without its extension.</summary>
    public static string Stem(string name) => name.LastIndexOf('.') is var dot && dot > name.LastIndexOf('/') ? name[..dot] : name;

    void Read(int file, string folder, string own)
    {
        if (own.EndsWith(".trans.txt", StringComparison.Ordinal))
        {
            foreach (var line in CorpusLists.LibriSpeech(Text(file), set.Where(file)))
                facts[folder + line.Id] = new(Text: line.Text, Speaker: line.Speaker);
        }
        else if (own.StartsWith("metadata", StringComparison.Ordinal) && own.EndsWith(".csv", StringComparison.Ordinal))
        {
            if (Text(file) is var text && CorpusLists.IsLjSpeech(text))
                Add(own is "metadata.csv" ? null : own[9..^4], CorpusLists.LjSpeech(text, set.Where(file)).Select(line => ($"{folder}wavs/{line.Id}", new ListedFacts(Text: line.Normalised))));
        }
        else if (own.EndsWith(".tsv", StringComparison.Ordinal))
        {
            if (Text(file) is var text && CorpusLists.IsCommonVoice(text))
                Add(own[..^4], CorpusLists.CommonVoice(text, set.Where(file)).Select(line => (folder + Stem(line.Entry.Audio), new ListedFacts(Text: line.Entry.Text, Speaker: line.Entry.Speaker))));
        }
        else if (own is "validation_list.txt" or "testing_list.txt")
        {
            parts[own[..^9]] = [.. CorpusLists.SpeechCommands(Text(file)).Select(name => folder + Stem(name))];
        }
        else if (own is "iden_split.txt")
        {
            foreach (var group in CorpusLists.VoxCelebIdentification(Text(file), set.Where(file)).GroupBy(line => line.Split, StringComparer.Ordinal))
                parts[group.Key] = [.. group.Select(line => folder + Stem(line.Audio))];
        }
    }

    void Add(string? part, IEnumerable<(string Stem, ListedFacts Facts)> lines)
    {
        var listed = new List<string>();
        foreach (var (stem, found) in lines)
        {
            facts[stem] = found;
            listed.Add(stem);
        }
        if (part is not null)
            parts[part] = listed;
    }

    string Text(int file) => Encoding.UTF8.GetString(set.Read(file));
}
