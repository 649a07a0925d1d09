namespace Tandem.Data.Audio;

/// <summary>Arithmetic on samples: channels to one, standardising.</summary>
public static class Waveform
{
    /// <summary>Samples a second that every network here takes.</summary>
    public const int SampleRate = 16_000;

    const double Epsilon = 1e-5;

    /// <summary>The mean over the channels of each frame.</summary>
    /// <param name="interleaved">Frames, the channels of a frame beside each other.</param>
    /// <param name="channels">Channels.</param>
    /// <param name="mono">A sample a frame.</param>
    public static void Mean(ReadOnlySpan<float> interleaved, int channels, Span<float> mono)
    {
        for (int frame = 0, at = 0; at < interleaved.Length; frame++)
        {
            double sum = 0;
            for (var channel = 0; channel < channels; channel++)
                sum += interleaved[at++];
            mono[frame] = (float)(sum / channels);
        }
    }

    /// <summary>Standardises a whole recording in place: (x − mean) / √(var + 1e-5), biased variance. A constant becomes zeros.</summary>
    public static void Standardise(Span<float> samples)
    {
        var moments = new Moments();
        for (var at = 0; at < samples.Length; at += Moments.Block)
            moments.Add(samples.Slice(at, Math.Min(Moments.Block, samples.Length - at)));
        moments.Standardise(samples);
    }

    /// <summary>Mean and variance of a recording that is read in pieces (Chan's update, so that long ones lose no digits).</summary>
    public sealed class Moments
    {
        /// <summary>Samples of a piece: recordings are taken in pieces of this length, so that their moments do not depend, to the last bit, on how they were read.</summary>
        public const int Block = 1 << 16;

        double mean, squares;

        /// <summary>Samples so far.</summary>
        public long Count { get; private set; }

        /// <summary>Takes a piece.</summary>
        public void Add(ReadOnlySpan<float> piece)
        {
            if (piece.IsEmpty)
                return;
            double sum = 0, around = 0;
            foreach (var sample in piece)
                sum += sample;
            var own = sum / piece.Length;
            foreach (var sample in piece)
                around += (sample - own) * (sample - own);
            var total = Count + piece.Length;
            var apart = own - mean;
            squares += around + (apart * apart * Count * piece.Length / total);
            mean += apart * piece.Length / total;
            Count = total;
        }

        /// <summary>Standardises samples of that recording in place.</summary>
        public void Standardise(Span<float> samples)
        {
            var scale = 1 / Math.Sqrt((Count == 0 ? 0 : squares / Count) + Epsilon);
            foreach (ref var sample in samples)
                sample = (float)((sample - mean) * scale);
        }
    }
}
