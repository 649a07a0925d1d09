using System.Buffers;

namespace Tandem.Data.Audio;

/// <summary>
/// Log-mel spectrograms of 16 kHz sound: windows of 400 samples (25 ms) every 160 (10 ms), Hann, 512 frequencies, 80 triangular bands between 0 and 8000 Hz
/// that are equally wide on HTK's scale (mel = 2595 · log₁₀(1 + f / 700)), natural logarithm of their power. Safe from many threads.
/// </summary>
public static class LogMel
{
    /// <summary>Bands of a frame.</summary>
    public const int Bands = 80;

    /// <summary>Samples of a frame.</summary>
    public const int Window = 400;

    /// <summary>Samples from one frame to the next.</summary>
    public const int Hop = 160;

    /// <summary>Frequencies of a frame, from 0 to 8000 Hz.</summary>
    public const int Frequencies = Half + 1;

    /// <summary>Numbers that describe a recording: mean and deviation of each band.</summary>
    public const int Width = 2 * Bands;

    const int Points = 512, Half = Points / 2;

    // The power below which there is silence: standardised recordings have a power of about 1 a sample.
    const float Floor = 1e-6f;

    static readonly float[] Hann = [.. Enumerable.Range(0, Window).Select(i => (float)(0.5 - (0.5 * Math.Cos(2 * Math.PI * i / Window))))];
    static readonly (int First, float[] Weights)[] Filters = [.. Enumerable.Range(0, Bands).Select(Filter)];
    static readonly Lazy<float[]> Kernels = new(MakeKernels);
    static readonly RealTransform Transform = new(Points);

    /// <summary>Frames of so many samples: 1 + ⌊(samples − 400) / 160⌋, at least 1.</summary>
    public static int Frames(int samples) => samples <= Window ? 1 : ((samples - Window) / Hop) + 1;

    /// <summary>The middle of a band, in Hz.</summary>
    public static double Centre(int band) => Hertz((band + 1) * Mel(Waveform.SampleRate / 2.0) / (Bands + 1));

    /// <summary>The spectrogram of a recording; one of fewer than 400 samples is taken as if zeros stood behind it.</summary>
    /// <param name="samples">16 kHz, one channel.</param>
    /// <returns>[frames, 80], row by row.</returns>
    public static float[] Spectrogram(ReadOnlySpan<float> samples)
    {
        var spectrogram = new float[checked(Frames(samples.Length) * Bands)];
        Fill(samples, spectrogram);
        return spectrogram;
    }

    static void Fill(ReadOnlySpan<float> samples, Span<float> spectrogram)
    {
        Span<float> points = stackalloc float[Points];
        Span<float> power = stackalloc float[Half + 1];
        for (var frame = 0; frame < spectrogram.Length / Bands; frame++)
        {
            var at = samples[Math.Min(samples.Length, frame * Hop)..];
            at = at[..Math.Min(at.Length, Window)];
            points.Clear();
            for (var i = 0; i < at.Length; i++)
                points[i] = at[i] * Hann[i];
            Transform.Power(points, power);
            var bands = spectrogram.Slice(frame * Bands, Bands);
            for (var band = 0; band < Bands; band++)
            {
                var (first, weights) = Filters[band];
                var sum = 0f;
                for (var i = 0; i < weights.Length; i++)
                    sum += weights[i] * power[first + i];
                bands[band] = MathF.Log(sum + Floor);
            }
        }
    }

    /// <summary>The windowed cosines, then the windowed sines, of the 257 frequencies, as kernels of a convolution: [514, 400].</summary>
    public static float[] FourierKernels() => Kernels.Value;

    static float[] MakeKernels()
    {
        var kernels = new float[2 * (Half + 1) * Window];
        for (var frequency = 0; frequency <= Half; frequency++)
        {
            for (var i = 0; i < Window; i++)
            {
                var (sine, cosine) = Math.SinCos(2 * Math.PI * frequency * i / Points);
                kernels[(frequency * Window) + i] = (float)(Hann[i] * cosine);
                kernels[((Half + 1 + frequency) * Window) + i] = (float)(Hann[i] * sine);
            }
        }
        return kernels;
    }

    /// <summary>The bands' weights of the 257 frequencies: [257, 80].</summary>
    public static float[] BandWeights()
    {
        var weights = new float[(Half + 1) * Bands];
        for (var band = 0; band < Bands; band++)
        {
            var (first, own) = Filters[band];
            for (var i = 0; i < own.Length; i++)
                weights[((first + i) * Bands) + band] = own[i];
        }
        return weights;
    }

    /// <summary>Mean and standard deviation over time of each band, for each row of a batch; padding does not count.</summary>
    /// <param name="batch">Recordings.</param>
    /// <returns>[rows, 160], row by row: 80 means, then 80 deviations.</returns>
    public static float[] Statistics(AudioBatch batch)
    {
        var length = (int)batch.Samples.Shape[1];
        var statistics = new float[batch.Count * Width];
        Parallel.For(0, batch.Count, row =>
            Statistics(batch.Samples.As<float>().Slice(row * length, batch.Lengths?[row] ?? length), statistics.AsSpan(row * Width, Width)));
        return statistics;
    }

    static void Statistics(ReadOnlySpan<float> samples, Span<float> to)
    {
        var frames = Frames(samples.Length);
        var rented = ArrayPool<float>.Shared.Rent(checked(frames * Bands));
        var spectrogram = rented.AsSpan(0, frames * Bands);
        Fill(samples, spectrogram);
        Span<double> mean = stackalloc double[Bands];
        Span<double> square = stackalloc double[Bands];
        for (var i = 0; i < spectrogram.Length; i++)
            mean[i % Bands] += spectrogram[i] / (double)frames;
        for (var i = 0; i < spectrogram.Length; i++)
        {
            var apart = spectrogram[i] - mean[i % Bands];
            square[i % Bands] += apart * apart / frames;
        }
        for (var band = 0; band < Bands; band++)
            (to[band], to[Bands + band]) = ((float)mean[band], (float)Math.Sqrt(square[band]));
        ArrayPool<float>.Shared.Return(rented);
    }

    static double Mel(double hertz) => 2595 * Math.Log10(1 + (hertz / 700));

    static double Hertz(double mel) => 700 * (Math.Pow(10, mel / 2595) - 1);

    static (int First, float[] Weights) Filter(int band)
    {
        double low = Centre(band - 1), centre = Centre(band), high = Centre(band + 1);
        const double Step = (double)Waveform.SampleRate / Points;
        int first = (int)Math.Floor(low / Step) + 1, last = (int)Math.Ceiling(high / Step) - 1;
        return (first, [.. Enumerable.Range(first, last - first + 1).Select(bin => bin * Step).Select(hertz => (float)Math.Min((hertz - low) / (centre - low), (high - hertz) / (high - centre)))]);
    }
}
