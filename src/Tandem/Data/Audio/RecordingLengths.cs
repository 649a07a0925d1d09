using System.Collections.Concurrent;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Tandem.Data.Sources;

namespace Tandem.Data.Audio;

/// <summary>Lengths of all recordings of a source, by their headers: what batches of similar length are planned with.</summary>
/// <param name="Samples">Samples at 16 kHz of each recording; 0 where it is left out.</param>
/// <param name="TooShort">How many are left out because they are too short.</param>
/// <param name="Bad">Those that are left out because they cannot be opened.</param>
public sealed record RecordingLengths(IReadOnlyList<int> Samples, int TooShort, IReadOnlyList<BadSample> Bad)
{
    const int NamesTold = 20;
    const int Unknown = -1;

    // Below this, opening all files is as quick as asking whether they have changed.
    const int WorthCaching = 1000;

    /// <summary>
    /// Opens every recording's header, in parallel. The lengths of large sources are kept in the cache folder, by name, size and time of change of the
    /// files. Recordings that are too short are counted in one sentence to <see cref="AudioBatchOptions.Warn"/>, unreadable ones are named there.
    /// </summary>
    /// <param name="source">The recordings.</param>
    /// <param name="options">The shortest, the share that may be unreadable, who hears of them.</param>
    /// <param name="cacheFolder">Where lengths are kept; <see cref="PictureCache.DefaultFolder"/> when null.</param>
    /// <exception cref="TandemException"><see cref="ErrorKind.Input"/>: too many cannot be opened, or nothing is left.</exception>
    public static RecordingLengths Of(AudioSource source, AudioBatchOptions options, string? cacheFolder = null)
    {
        NativeLibraries.Require(NativeLibraries.SoundFile, "libsndfile1", "sound files");
        var place = source.Count < WorthCaching ? null : Path.Combine(cacheFolder ?? PictureCache.DefaultFolder, Key(source) + ".lengths");
        var samples = (place is null ? null : Kept(place, source.Count)) ?? [.. Enumerable.Repeat(Unknown, source.Count)];
        var faults = new ConcurrentDictionary<int, TandemException>();
        var anyMeasured = samples.Contains(Unknown);
        Parallel.For(0, samples.Length, new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount }, i =>
        {
            if (samples[i] != Unknown)
                return;
            try
            {
                samples[i] = source.Length(i);
            }
            catch (TandemException error) when (error.Kind == ErrorKind.Input)
            {
                faults[i] = error;
            }
        });
        if (place is not null && anyMeasured)
            Keep(place, samples, options);
        return Chosen(source, samples, faults, options);
    }

    static RecordingLengths Chosen(AudioSource source, int[] samples, ConcurrentDictionary<int, TandemException> faults, AudioBatchOptions options)
    {
        BadSample[] bad = [.. faults.Keys.Order().Select(i => new BadSample(i, source.Name(i), $"{faults[i].Where ?? source.Where(i)}: {faults[i].Message}"))];
        if (bad.Length > 0 && options.TooManyBad(bad.Length, source.Count, source.Description, faults[bad[^1].Index]) is { } error)
            throw error;
        foreach (var one in bad.Take(NamesTold))
            options.Warn?.Invoke($"{one.Reason}; left out");
        if (bad.Length > NamesTold)
            options.Warn?.Invoke($"{bad.Length - NamesTold} more recordings cannot be opened and are left out");
        var tooShort = 0;
        for (var i = 0; i < samples.Length; i++)
        {
            if (samples[i] >= options.Fewest)
                continue;
            tooShort += samples[i] == Unknown ? 0 : 1;
            samples[i] = 0;
        }
        if (tooShort + bad.Length == samples.Length)
            throw new TandemException(ErrorKind.Input, $"none of the {samples.Length} recordings can be used: {tooShort} are shorter than {options.Fewest} samples at 16 kHz, {bad.Length} cannot be opened", source.Description, "at least one recording that is long enough");
        if (tooShort > 0)
            options.Warn?.Invoke(FormattableString.Invariant($"{tooShort} of {samples.Length} recordings are shorter than {options.Fewest} samples at 16 kHz ({options.Fewest / (double)Waveform.SampleRate:0.###} seconds) and are left out"));
        return new(samples, tooShort, bad);
    }

    static string Key(AudioSource source)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes($"lengths 1\n{source.Description}\n"));
        var stamps = new string[source.Count];
        Parallel.For(0, stamps.Length, i => stamps[i] = source.Stamp(i));
        for (var i = 0; i < stamps.Length; i++)
            hash.AppendData(Encoding.UTF8.GetBytes($"{source.Name(i)}\t{stamps[i]}\n"));
        return Convert.ToHexStringLower(hash.GetHashAndReset()).AsSpan(0, 32).ToString();
    }

    static int[]? Kept(string place, int count)
    {
        try
        {
            var bytes = File.Exists(place) ? File.ReadAllBytes(place) : [];
            return bytes.Length == (long)count * sizeof(int) ? MemoryMarshal.Cast<byte, int>(bytes).ToArray() : null;
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    // Written beside its place and renamed, so that a reader sees a whole file or none. Without a cache everything works, only later.
    static void Keep(string place, int[] samples, AudioBatchOptions options)
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(place)!);
            var beside = string.Create(CultureInfo.InvariantCulture, $"{place}.{Environment.ProcessId}-{Guid.NewGuid():N}.tmp");
            File.WriteAllBytes(beside, MemoryMarshal.AsBytes(samples.AsSpan()));
            File.Move(beside, place, overwrite: true);
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            options.Warn?.Invoke($"the recordings' lengths cannot be kept in {Path.GetDirectoryName(place)} ({cause.Message}); they are read anew each time");
        }
    }
}
