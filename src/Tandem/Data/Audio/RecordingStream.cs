namespace Tandem.Data.Audio;

/// <summary>A recording as 16,000 samples a second, one channel: the mean of its channels, then resampled. Read in pieces, so that an hour takes no more memory than a second.</summary>
public sealed class RecordingStream : IDisposable
{
    const int PieceFrames = 1 << 14;

    readonly SoundFile file;
    readonly string where;
    readonly Resampler? resampler;
    readonly float[] interleaved, mono = new float[PieceFrames];
    int start, filled;
    bool ended;

    /// <summary>Takes over a file that was just opened.</summary>
    /// <param name="file">The file; closed with the stream.</param>
    /// <param name="where">Its place, for errors.</param>
    public RecordingStream(SoundFile file, string where)
    {
        (this.file, this.where) = (file, where);
        interleaved = new float[PieceFrames * file.Channels];
        try
        {
            resampler = file.Rate == Waveform.SampleRate ? null : new Resampler(file.Rate, Waveform.SampleRate);
        }
        catch (TandemException)
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Reads on.</summary>
    /// <returns>Samples read, at least 1 before the end; 0 at the end.</returns>
    /// <exception cref="TandemException"><see cref="ErrorKind.Input"/>: the file is damaged, cut off, or holds samples that are no finite numbers.</exception>
    public int Read(Span<float> to)
    {
        while (true)
        {
            if (start == filled && !ended)
                FillMono();
            if (resampler is null)
            {
                var count = Math.Min(to.Length, filled - start);
                mono.AsSpan(start, count).CopyTo(to);
                start += count;
                return count;
            }
            var made = resampler.Process(mono.AsSpan(start, filled - start), to, out var consumed);
            start += consumed;
            if (made > 0 || (ended && start == filled))
                return made;
        }
    }

    /// <summary>Samples at 16 kHz as the file's header says, or null where it does not; not exact for MP3.</summary>
    public long? Announced => file.Frames is { } frames ? (long)((Int128)frames * Waveform.SampleRate / file.Rate) : null;

    /// <summary>Reads on until there is no room left, or the recording ends.</summary>
    /// <returns>Samples read; fewer than there is room for only at the end.</returns>
    /// <inheritdoc cref="Read"/>
    public int Fill(Span<float> to)
    {
        var count = 0;
        while (count < to.Length && Read(to[count..]) is > 0 and var read)
            count += read;
        return count;
    }

    /// <summary>
    /// Passes over samples: those behind come out as if these had been read. Formats that can be entered anywhere without a change of their samples
    /// (PCM, FLAC), and have 16 kHz already, are; of all others what is passed over is read and thrown away.
    /// </summary>
    /// <param name="samples">How many; what lies behind the end is passed over in silence.</param>
    /// <param name="stop">Ends the work.</param>
    public void Skip(long samples, CancellationToken stop = default)
    {
        var here = Math.Min(samples, resampler is null ? filled - start : 0);
        start += (int)here;
        samples -= here;
        if (samples > PieceFrames && resampler is null && file.Skip(samples))
            return;
        var room = new float[PieceFrames];
        while (samples > 0)
        {
            stop.ThrowIfCancellationRequested();
            var read = Fill(room.AsSpan(0, (int)Math.Min(room.Length, samples)));
            if (read == 0)
                return;
            samples -= read;
        }
    }

    /// <summary>Reads all that is left.</summary>
    public float[] ReadAll()
    {
        var samples = new float[file.Frames is { } frames ? (int)Math.Min(1 << 24, (frames * Waveform.SampleRate / file.Rate) + 64) : PieceFrames];
        var count = 0;
        while (true)
        {
            if (count == samples.Length)
                Array.Resize(ref samples, checked(samples.Length * 2));
            if (Read(samples.AsSpan(count)) is not (> 0 and var read))
                return samples[..count];
            count += read;
        }
    }

    void FillMono()
    {
        var frames = file.Read(interleaved);
        (start, filled, ended) = (0, frames, frames == 0);
        Waveform.Mean(interleaved.AsSpan(0, frames * file.Channels), file.Channels, mono);
        foreach (var sample in mono.AsSpan(0, frames))
        {
            if (!float.IsFinite(sample))
                throw FileFault.Inconsistent.Error("the recording holds samples that are no finite numbers", where);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        resampler?.Dispose();
        file.Dispose();
    }
}
