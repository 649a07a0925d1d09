using System.Runtime.InteropServices;

namespace Tandem.Data.Audio;

/// <summary>How sharp a resampler's filter is.</summary>
public enum ResamplerQuality
{
    /// <summary>Cubic interpolation.</summary>
    Quick = 0,
    /// <summary>16 bit with a soft filter.</summary>
    Low = 1,
    /// <summary>16 bit.</summary>
    Medium = 2,
    /// <summary>20 bit: what recordings are read with.</summary>
    High = 4,
    /// <summary>28 bit.</summary>
    VeryHigh = 6,
}

/// <summary>Changes the rate of one stream through libsoxr, without delay; ⌊n · out / in + ½⌋ frames come out. Not for several threads at once.</summary>
public sealed unsafe partial class Resampler : IDisposable
{
    readonly int channels;
    nint handle;

    /// <summary>Begins a stream.</summary>
    /// <param name="from">Frames a second of the input.</param>
    /// <param name="to">Frames a second of the output.</param>
    /// <param name="channels">Channels, interleaved.</param>
    /// <param name="quality">How sharp the filter is.</param>
    /// <exception cref="TandemException"><see cref="ErrorKind.Machine"/>: libsoxr is not installed, or memory is short.</exception>
    public Resampler(double from, double to, int channels = 1, ResamplerQuality quality = ResamplerQuality.High)
    {
        NativeLibraries.Require(NativeLibraries.Soxr, "libsoxr0", "recordings of another rate");
        this.channels = channels;
        var spec = Native.Quality((uint)quality, 0);
        nint error = 0;
        handle = Native.Create(from, to, (uint)channels, &error, 0, &spec, 0);
        if (handle == 0 || error != 0)
            throw new TandemException(ErrorKind.Machine, $"libsoxr cannot resample from {from} to {to} Hz: {Marshal.PtrToStringUTF8(error)}", NativeLibraries.Soxr);
    }

    /// <summary>Puts frames in and takes out what is ready.</summary>
    /// <param name="input">Interleaved frames; empty says that the input has ended.</param>
    /// <param name="output">Room for whole frames.</param>
    /// <param name="consumed">Frames of the input that were taken; offer the others again.</param>
    /// <returns>Frames that came out; 0 after the end once all are out.</returns>
    public int Process(ReadOnlySpan<float> input, Span<float> output, out int consumed)
    {
        ObjectDisposedException.ThrowIf(handle == 0, this);
        nuint taken = 0, made = 0;
        nint error;
        fixed (float* from = input, to = output)
            error = Native.Process(handle, input.IsEmpty ? null : from, (nuint)(input.Length / channels), &taken, to, (nuint)(output.Length / channels), &made);
        if (error != 0)
            throw new TandemException(ErrorKind.Machine, $"libsoxr failed: {Marshal.PtrToStringUTF8(error)}", NativeLibraries.Soxr);
        consumed = (int)taken;
        return (int)made;
    }

    /// <summary>Resamples a whole recording.</summary>
    /// <param name="input">Interleaved frames.</param>
    /// <param name="from">Frames a second of the input.</param>
    /// <param name="to">Frames a second of the output.</param>
    /// <param name="channels">Channels.</param>
    /// <param name="quality">How sharp the filter is.</param>
    public static float[] Whole(ReadOnlySpan<float> input, double from, double to, int channels = 1, ResamplerQuality quality = ResamplerQuality.High)
    {
        using var resampler = new Resampler(from, to, channels, quality);
        // With less room the library may stop before the input's end.
        var output = new float[((int)Math.Ceiling(input.Length / channels * to / from) + 32) * channels];
        var made = 0;
        while (true)
        {
            var frames = resampler.Process(input, output.AsSpan(made * channels), out var consumed);
            made += frames;
            if (input.IsEmpty && frames == 0)
                return output[..(made * channels)];
            input = input[(consumed * channels)..];
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (handle != 0)
            Native.Delete(handle);
        handle = 0;
    }

    // soxr_quality_spec_t: four doubles, a pointer and flags.
    [StructLayout(LayoutKind.Sequential)]
    struct Spec
    {
        public double Precision, PhaseResponse, PassbandEnd, StopbandBegin;
        public nint Reserved;
        public nuint Flags;
    }

    static partial class Native
    {
        [LibraryImport(NativeLibraries.Soxr, EntryPoint = "soxr_quality_spec")]
        public static partial Spec Quality(nuint recipe, nuint flags);

        [LibraryImport(NativeLibraries.Soxr, EntryPoint = "soxr_create")]
        public static partial nint Create(double from, double to, uint channels, nint* error, nint io, Spec* quality, nint runtime);

        [LibraryImport(NativeLibraries.Soxr, EntryPoint = "soxr_process")]
        public static partial nint Process(nint handle, float* input, nuint frames, nuint* consumed, float* output, nuint room, nuint* made);

        [LibraryImport(NativeLibraries.Soxr, EntryPoint = "soxr_delete")]
        public static partial void Delete(nint handle);
    }
}
