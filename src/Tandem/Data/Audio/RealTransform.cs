namespace Tandem.Data.Audio;

/// <summary>
/// The discrete Fourier transform of real numbers, radix 2: even and odd ones are the two parts of a complex row of half the length. Safe from many
/// threads.
/// </summary>
sealed class RealTransform
{
    readonly int half;
    readonly int[] reversed;
    readonly float[] cosines, sines;

    /// <param name="points">A power of two, at least 4.</param>
    public RealTransform(int points)
    {
        half = points / 2;
        var bits = int.Log2(half);
        reversed = new int[half];
        for (var i = 0; i < half; i++)
            reversed[i] = (reversed[i >> 1] >> 1) | ((i & 1) << (bits - 1));
        // The angles of all points; the complex row of half the length takes every second one.
        cosines = [.. Enumerable.Range(0, half + 1).Select(k => (float)Math.Cos(2 * Math.PI * k / points))];
        sines = [.. Enumerable.Range(0, half + 1).Select(k => (float)-Math.Sin(2 * Math.PI * k / points))];
    }

    /// <summary>Squares of the absolute values of the spectrum.</summary>
    /// <param name="points">The numbers.</param>
    /// <param name="power">Half as many as there are points, and one.</param>
    public void Power(ReadOnlySpan<float> points, Span<float> power)
    {
        Span<float> real = stackalloc float[half];
        Span<float> imaginary = stackalloc float[half];
        for (var i = 0; i < half; i++)
        {
            real[reversed[i]] = points[2 * i];
            imaginary[reversed[i]] = points[(2 * i) + 1];
        }
        for (var length = 2; length <= half; length *= 2)
            Stage(real, imaginary, length);
        for (var k = 0; k <= half; k++)
        {
            var mirror = (half - k) % half;
            var at = k % half;
            float evenReal = (real[at] + real[mirror]) / 2, evenImaginary = (imaginary[at] - imaginary[mirror]) / 2;
            float oddReal = (imaginary[at] + imaginary[mirror]) / 2, oddImaginary = (real[mirror] - real[at]) / 2;
            var x = evenReal + (cosines[k] * oddReal) - (sines[k] * oddImaginary);
            var y = evenImaginary + (cosines[k] * oddImaginary) + (sines[k] * oddReal);
            power[k] = (x * x) + (y * y);
        }
    }

    void Stage(Span<float> real, Span<float> imaginary, int length)
    {
        var (middle, step) = (length / 2, 2 * half / length);
        for (var start = 0; start < half; start += length)
        {
            for (var j = 0; j < middle; j++)
            {
                var (a, b) = (start + j, start + j + middle);
                float cosine = cosines[j * step], sine = sines[j * step];
                var x = (real[b] * cosine) - (imaginary[b] * sine);
                var y = (real[b] * sine) + (imaginary[b] * cosine);
                (real[b], imaginary[b]) = (real[a] - x, imaginary[a] - y);
                (real[a], imaginary[a]) = (real[a] + x, imaginary[a] + y);
            }
        }
    }
}
