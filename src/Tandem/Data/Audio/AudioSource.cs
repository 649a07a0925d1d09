using System.Text;
using Tandem.Data.Sources;

namespace Tandem.Data.Audio;

/// <summary>Recordings with names and perhaps texts and classes, read at random from any thread, straight from folders or tars.</summary>
public sealed class AudioSource : IDisposable
{
    static readonly HashSet<string> Extensions = new(StringComparer.Ordinal) { ".wav", ".flac", ".ogg", ".opus", ".mp3", ".aiff", ".aif", ".au", ".caf", ".w64" };

    readonly IReadOnlyList<FileSet> sets;
    readonly List<(FileSet Set, int File, AudioEntry Entry)> recordings;
    readonly string[]? classNames;
    readonly int[]? labels;

    AudioSource(string description, IReadOnlyList<FileSet> sets, List<(FileSet Set, int File, AudioEntry Entry)> recordings)
    {
        (Description, this.sets, this.recordings) = (description, sets, recordings);
        if (recordings.Count == 0)
        {
            Dispose();
            throw new TandemException(ErrorKind.Input, "there are no recordings here", description, "wav, flac, ogg, opus or mp3 files in a folder or a tar, or a manifest", "check the path");
        }
        if (recordings.TrueForAll(recording => recording.Entry.Label is not null))
            (labels, classNames) = LabelRule.Classes([.. recordings.Select(recording => recording.Entry.Label!)]);
    }

    /// <summary>Opens a folder, a tar, several tars, or a fairseq manifest; corpora are told by the lists that lie in them.</summary>
    /// <param name="path">A folder, tar, glob, brace range, or a manifest (<c>.tsv</c>).</param>
    /// <param name="shortest">Recordings of a manifest with fewer samples are left out; null keeps all.</param>
    /// <exception cref="TandemException"><see cref="ErrorKind.Input"/>: nothing there, no recordings, a list that cannot be understood.</exception>
    public static AudioSource Open(string path, int? shortest = null)
    {
        var paths = DataPaths.Expand(path);
        if (paths.Count == 1 && paths[0].EndsWith(".tsv", StringComparison.Ordinal))
            return OfManifest(paths[0], shortest);
        List<FileSet> sets = [];
        try
        {
            foreach (var one in paths)
                sets.Add(Directory.Exists(one) ? DiskFiles.Under(one) : SourceOpener.Head(one, inflate: false) is [0x1F, 0x8B, ..] ? new CompressedTarFiles(one) : new TarFiles(one));
            return new(path, sets, [.. sets.SelectMany(Listed)]);
        }
        catch (TandemException)
        {
            sets.ForEach(set => set.Dispose());
            throw;
        }
    }

    static AudioSource OfManifest(string path, int? shortest)
    {
        var manifest = CorpusLists.ReadManifest(File.ReadAllText(path), shortest, path);
        var set = new DiskFiles(manifest.Root, [.. manifest.Entries.Select(entry => entry.Audio)]);
        return new($"manifest {path}", [set], [.. manifest.Entries.Select((entry, file) => ((FileSet)set, file, entry))]);
    }

    // A set's own lists say what its recordings are; without any, class folders do.
    static IEnumerable<(FileSet, int, AudioEntry)> Listed(FileSet set)
    {
        var files = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var file = 0; file < set.Names.Count; file++)
        {
            if (!Path.GetFileName(set.Names[file]).StartsWith('.'))
                files[set.Names[file]] = file;
        }
        var texts = Transcripts(set, files);
        foreach (var (name, file) in files)
        {
            if (!Extensions.Contains(Path.GetExtension(name).ToLowerInvariant()) || name.Contains("_background_noise_/", StringComparison.Ordinal))
                continue;
            var stem = name[..name.LastIndexOf('.')];
            var entry = texts.GetValueOrDefault(stem) ?? new AudioEntry(name, Text: files.TryGetValue(stem + ".txt", out var beside) ? Encoding.UTF8.GetString(set.Read(beside)).Trim() : null);
            // Where texts are listed, folders are speakers or parts, not classes.
            var parts = name.Split('/');
            yield return (set, file, entry with { Audio = name, Label = texts.Count == 0 && entry.Text is null && parts.Length > 1 ? parts[^2] : null });
        }
    }

    // Texts by path without extension, for copies of a corpus keep their sound in other formats.
    static Dictionary<string, AudioEntry> Transcripts(FileSet set, Dictionary<string, int> files)
    {
        var found = new Dictionary<string, AudioEntry>(StringComparer.Ordinal);
        foreach (var (name, file) in files)
        {
            var (folder, own) = (name[..(name.LastIndexOf('/') + 1)], Path.GetFileName(name));
            if (own.EndsWith(".trans.txt", StringComparison.Ordinal))
            {
                foreach (var line in CorpusLists.LibriSpeech(Text(set, file), set.Where(file)))
                    found[folder + line.Id] = new(folder + line.Id, line.Text, line.Speaker);
            }
            else if (own.StartsWith("metadata", StringComparison.Ordinal) && own.EndsWith(".csv", StringComparison.Ordinal))
            {
                foreach (var line in CorpusLists.LjSpeech(Text(set, file), set.Where(file)))
                    found[$"{folder}wavs/{line.Id}"] = new(line.Id, line.Normalised);
            }
            else if (own.EndsWith(".tsv", StringComparison.Ordinal) && Text(set, file) is var text && text.TrimStart('\uFEFF').StartsWith("client_id\t", StringComparison.Ordinal))
            {
                foreach (var line in CorpusLists.CommonVoice(text, set.Where(file)))
                    found[folder + Path.ChangeExtension(line.Entry.Audio, null)] = line.Entry;
            }
        }
        return found;
    }

    static string Text(FileSet set, int file) => Encoding.UTF8.GetString(set.Read(file));

    /// <summary>What was read, for reports.</summary>
    public string Description { get; }

    /// <summary>Number of recordings, at least 1.</summary>
    public int Count => recordings.Count;

    /// <summary>Names of the classes by number, or null when there are none.</summary>
    public IReadOnlyList<string>? ClassNames => classNames;

    /// <summary>A recording's class, or null.</summary>
    public int? Label(int index) => labels?[index];

    /// <summary>What is known of a recording.</summary>
    public AudioEntry Entry(int index) => recordings[index].Entry;

    /// <summary>A recording's place in words, for errors.</summary>
    public string Where(int index) => recordings[index].Set.Where(recordings[index].File);

    /// <summary>Opens a recording: 16 kHz, one channel.</summary>
    /// <exception cref="TandemException">It cannot be read; the message names it.</exception>
    public RecordingStream Read(int index) => new(SoundFile.Open(recordings[index].Set, recordings[index].File), Where(index));

    /// <summary>Samples at 16 kHz as the list or the file's header says: for batches of similar length, not for arithmetic on the samples.</summary>
    /// <param name="index">The recording.</param>
    /// <exception cref="TandemException">The file cannot be opened.</exception>
    public int Length(int index)
    {
        using var file = SoundFile.Open(recordings[index].Set, recordings[index].File);
        return (int)Math.Min(int.MaxValue, Math.Round((file.Frames ?? 0) * (double)Waveform.SampleRate / file.Rate));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var set in sets)
            set.Dispose();
    }
}
