using System.Text;
using Tandem.Data.Sources;

namespace Tandem.Data.Audio;

/// <summary>
/// Recordings with names and perhaps texts, speakers and classes, read at random from any thread, straight from folders or tars. Speech Commands'
/// folder of background noises is not among them.
/// </summary>
public sealed class AudioSource : Source
{
    readonly SampleFiles files;

    internal AudioSource(SampleFiles files) => this.files = files;

    /// <summary>
    /// Opens a folder tree, tars (plain or gzipped), WebDataset shards, a list (CSV, TSV, JSON lines, a fairseq manifest, Common Voice's or LJSpeech's),
    /// or single files. <see cref="SourceOptions.Split"/> is a folder's name (LibriSpeech), a list's (Common Voice's <c>train.tsv</c>, LJSpeech's
    /// <c>metadata_train.csv</c>), or one of Speech Commands' three parts.
    /// </summary>
    /// <param name="path">A file, folder, tar, glob or brace range; several joined by <c>::</c>.</param>
    /// <param name="options">Format, labels, split; all may be left to the content.</param>
    /// <param name="shortest">Recordings of a fairseq manifest with fewer samples are left out; null keeps all.</param>
    /// <exception cref="TandemException"><see cref="ErrorKind.Input"/>: nothing there, no recordings, a list that cannot be understood, labels that cannot be had.</exception>
    public static AudioSource Open(string path, SourceOptions? options = null, int? shortest = null) => new AudioOpener(path, options ?? new(), shortest).Open();

    /// <summary>Files named one by one; each keeps the name it was given by, and is read when its turn comes.</summary>
    /// <param name="paths">Paths, at least one.</param>
    public static AudioSource OfFiles(IReadOnlyList<string> paths)
    {
        if (paths.Count == 0)
            throw new ArgumentException("at least one file", nameof(paths));
        var set = new DiskFiles("", paths);
        return new(new(FileKind.Recordings, $"{paths.Count} files", [.. paths.Select((name, i) => new SampleEntry(set, i, name))], [set], null, findRoot: false));
    }

    /// <summary>Whether a file, by its name, is a single recording.</summary>
    public static bool IsRecording(string file) => FileKind.Recordings.IsNamed(file);

    /// <inheritdoc/>
    public override string Description => files.Description;

    /// <inheritdoc/>
    public override int Count => files.Count;

    /// <inheritdoc/>
    public override IReadOnlyList<string>? ClassNames => files.ClassNames;

    /// <inheritdoc/>
    public override int? Label(int index) => files.Label(index);

    /// <inheritdoc/>
    public override string Name(int index) => files.Entry(index).Name;

    /// <inheritdoc/>
    public override string Where(int index) => files.Where(index);

    /// <summary>What is known of a recording: its text by a list or a <c>txt</c> file beside it, its speaker, its samples as a manifest announces them.</summary>
    /// <param name="index">0 … <see cref="Source.Count"/> − 1.</param>
    public AudioEntry Entry(int index)
    {
        var entry = files.Entry(index);
        var text = entry.Listed?.Text ?? (files.ReadBeside(index, "txt") is { } beside ? Encoding.UTF8.GetString(beside).Trim() : null);
        return new(entry.Name, text, Speakers.Of(entry), files.Label(index) is { } label ? files.ClassNames![label] : null, entry.Listed?.Frames);
    }

    /// <summary>Opens a recording: 16 kHz, one channel.</summary>
    /// <exception cref="TandemException">It cannot be read, or has another length than its manifest says; the message names it.</exception>
    public RecordingStream Read(int index)
    {
        var file = OpenFile(index);
        if (files.Entry(index).Listed?.Frames is { } told && file.Frames is { } own && told != own)
        {
            file.Dispose();
            throw FileFault.Inconsistent.Error($"the manifest says {told} samples, the file has {own}", Where(index), "a manifest made from these very files", "Make the manifest again.");
        }
        return new(file, Where(index));
    }

    /// <summary>Samples at 16 kHz as the file's header says: for batches of similar length, not for arithmetic on the samples. A file whose header does not say is read.</summary>
    /// <param name="index">The recording.</param>
    /// <exception cref="TandemException">The file cannot be opened, or is longer than 2³¹ − 1 samples.</exception>
    public int Length(int index)
    {
        using var file = OpenFile(index);
        if (file.Frames is not { } frames)
        {
            using var stream = new RecordingStream(file, Where(index));
            return RecordingScan.Of(stream, Where(index), keep: 0).Length;
        }
        var samples = ((2 * (UInt128)frames * Waveform.SampleRate) + (uint)file.Rate) / (2 * (uint)file.Rate);
        return samples <= int.MaxValue ? (int)samples : throw RecordingScan.TooLong(Where(index));
    }

    /// <summary>What tells one state of a recording's file from another.</summary>
    internal string Stamp(int index) => files.Stamp(index);

    /// <summary>A recording's file as it lies there, at its own rate and with all its channels.</summary>
    /// <exception cref="TandemException">It cannot be opened.</exception>
    internal SoundFile OpenFile(int index) => SoundFile.Open(files.Entry(index).Set, files.Entry(index).File);

    /// <inheritdoc/>
    protected override void Dispose(bool disposing) => files.Dispose();
}
