using Tandem.Data.Sources;

namespace Tandem.Data.Audio;

/// <summary>Opens recordings: files, and the lists that speech corpora come with.</summary>
/// <param name="path">What was given.</param>
/// <param name="options">Format, labels, part.</param>
/// <param name="shortest">Recordings of a manifest with fewer samples are left out; null keeps all.</param>
sealed class AudioOpener(string path, SourceOptions options, int? shortest) : FileOpener<AudioSource>(path, options, FileKind.Recordings)
{
    readonly Dictionary<FileSet, CorpusIndex> indices = [];

    protected override AudioSource Wrap(SampleFiles files) => new(files);

    // Long noises that lie beside the words of Speech Commands: neither a word nor speech.
    protected override bool IsLeftOut(string name) => name.Contains("_background_noise_/", StringComparison.Ordinal);

    protected override IReadOnlyList<SampleEntry> Describe(IReadOnlyList<FileSet> sets, IReadOnlyList<SampleEntry> entries) =>
        [.. entries.Select(entry => entry.Listed is null && Index(entry.Set).Facts(entry.Name) is { } facts ? entry with { Listed = facts } : entry)];

    protected override IReadOnlyList<SampleEntry> Part(IReadOnlyList<FileSet> sets, IReadOnlyList<SampleEntry> entries, string part)
    {
        var inFolder = base.Part(sets, entries, part);
        if (inFolder.Count > 0)
            return inFolder;
        var found = new List<SampleEntry>();
        foreach (var set in sets)
        {
            var own = new Dictionary<string, SampleEntry>(StringComparer.Ordinal);
            foreach (var entry in entries.Where(entry => entry.Set == set))
                own[CorpusIndex.Stem(entry.Name)] = entry;
            if (Index(set).SpeechCommands([.. own.Values.Select(entry => entry.Name)], part) is { } commands)
                found.AddRange(commands.Select(name => own[CorpusIndex.Stem(name)]));
            else if (Index(set).Listed(part) is { } listed)
                found.AddRange(Present(set, own, listed, part));
            else if (set is DiskFiles && Path.Combine(set.Path, part + ".tsv") is var manifest && File.Exists(manifest) && CorpusLists.IsManifest(ListFile.Text(manifest)))
                found.AddRange(ReadManifest(manifest).Entries);
        }
        return found;
    }

    protected override (DiskFiles Set, IReadOnlyList<SampleEntry> Entries) ReadList(string file)
    {
        var text = ListFile.Text(file);
        var folder = ListFile.Folder(file);
        if (CorpusLists.IsManifest(text))
            return ReadManifest(file);
        if (CorpusLists.IsCommonVoice(text) && Directory.Exists(Path.Combine(folder, "clips")))
            return ListFile.Entries(file, folder, Kind, [.. CorpusLists.CommonVoice(text, file).Select((line, i) => (i + 2, line.Entry.Audio, new ListedFacts(Text: line.Entry.Text, Speaker: line.Entry.Speaker)))]);
        if (Path.GetExtension(file) == ".csv" && CorpusLists.IsLjSpeech(text) && Directory.Exists(Path.Combine(folder, "wavs")))
        {
            var lines = CorpusLists.LjSpeech(text, file).ToList();
            var ending = Kind.InShards.FirstOrDefault(ending => lines.Take(10).Any(line => File.Exists(Path.Combine(folder, "wavs", $"{line.Id}.{ending}")))) ?? "wav";
            return ListFile.Entries(file, folder, Kind, [.. lines.Select((line, i) => (i + 1, $"wavs/{line.Id}.{ending}", new ListedFacts(Text: line.Normalised)))]);
        }
        return base.ReadList(file);
    }

    CorpusIndex Index(FileSet set) => indices.TryGetValue(set, out var index) ? index : indices[set] = new(set);

    IEnumerable<SampleEntry> Present(FileSet set, Dictionary<string, SampleEntry> own, IReadOnlyList<string> listed, string part)
    {
        var missing = listed.Where(stem => !own.ContainsKey(stem)).ToList();
        if (missing.Count > 0)
            Options.Warn?.Invoke($"{missing.Count} of the {listed.Count} recordings that the list of '{part}' names are not in {set.Path} and are left out; the first is {missing[0]}");
        return listed.Where(own.ContainsKey).Select(stem => own[stem]);
    }

    // Labels belong to lines: a list of words beside the manifest has one for each, those left out included.
    (DiskFiles Set, IReadOnlyList<SampleEntry> Entries) ReadManifest(string file)
    {
        var manifest = CorpusLists.ReadManifest(ListFile.Text(file), shortest, file);
        if (manifest.Entries.Count == 0)
            throw new TandemException(ErrorKind.Input, manifest.Skipped.Count > 0 ? $"all {manifest.Skipped.Count} recordings of the manifest have fewer than {shortest} samples" : "the manifest names no recording", file, "PATH<TAB>SAMPLES, a recording a line");
        var words = Path.ChangeExtension(file, ".wrd") is var beside && File.Exists(beside) ? ListFile.Text(beside).TrimEnd('\n').Split('\n') : null;
        var lines = manifest.Entries.Count + manifest.Skipped.Count;
        if (words is not null && words.Length != lines)
            throw FileFault.Inconsistent.Error($"there are {words.Length} lines for the {lines} recordings of {file}", beside, "a line of words for each line of the manifest");
        var skipped = manifest.Skipped.ToHashSet();
        int[] kept = [.. Enumerable.Range(0, lines).Where(line => !skipped.Contains(line))];
        var root = Directory.Exists(manifest.Root) ? manifest.Root : Path.Combine(ListFile.Folder(file), manifest.Root);
        return ListFile.Entries(file, root, Kind, [.. manifest.Entries.Select((entry, i) => (kept[i] + 2, entry.Audio, new ListedFacts(Text: words?[kept[i]].TrimEnd('\r'), Frames: entry.Samples)))]);
    }
}
