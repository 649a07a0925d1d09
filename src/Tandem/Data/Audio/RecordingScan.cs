namespace Tandem.Data.Audio;

/// <summary>What one pass over a whole recording tells; the recording itself takes no memory unless it is short.</summary>
/// <param name="Length">Samples at 16 kHz.</param>
/// <param name="Moments">Mean and variance of all of them.</param>
sealed record RecordingScan(int Length, Waveform.Moments Moments)
{
    /// <summary>Reads a recording to its end.</summary>
    /// <param name="stream">The recording, from its first sample on.</param>
    /// <param name="where">Its place, for errors.</param>
    /// <param name="keep">Recordings of at most so many samples are handed out as well.</param>
    /// <param name="whole">The samples as they were read; null where they are more than <paramref name="keep"/>.</param>
    /// <param name="stop">Ends the work.</param>
    /// <exception cref="TandemException"><see cref="ErrorKind.Input"/>: the recording is damaged, or too long for anything here.</exception>
    public static RecordingScan Of(RecordingStream stream, string where, int keep, out float[]? whole, CancellationToken stop = default)
    {
        var moments = new Waveform.Moments();
        var block = new float[Waveform.Moments.Block];
        whole = [];
        while (true)
        {
            stop.ThrowIfCancellationRequested();
            var read = stream.Fill(block);
            if (read == 0)
                break;
            moments.Add(block.AsSpan(0, read));
            if (moments.Count > int.MaxValue)
                throw TooLong(where);
            if (moments.Count > keep)
            {
                whole = null;
            }
            else if (whole is not null)
            {
                var before = (int)moments.Count - read;
                if (whole.Length < moments.Count)
                    Array.Resize(ref whole, (int)Math.Max(moments.Count, Math.Min(keep, stream.Announced ?? 2 * moments.Count)));
                block.AsSpan(0, read).CopyTo(whole.AsSpan(before));
            }
        }
        if (whole is not null && whole.Length != moments.Count)
            Array.Resize(ref whole, (int)moments.Count);
        return new((int)moments.Count, moments);
    }

    /// <inheritdoc cref="Of(RecordingStream, string, int, out float[], CancellationToken)"/>
    public static RecordingScan Of(RecordingStream stream, string where, int keep) => Of(stream, where, keep, out _);

    /// <summary>The error of a recording that no number of samples here holds.</summary>
    public static TandemException TooLong(string where) =>
        FileFault.TooLarge.Error("the recording has more than 2,147,483,647 samples at 16 kHz (37 hours)", where, "shorter recordings", "Cut it into pieces.");
}
