using System.Numerics;
using System.Runtime.InteropServices;

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
    readonly (float[] Cosines, float[] Sines)[] stages;

    /// <param name="points">A power of two, at least 4.</param>
    public RealTransform(int points)
    {
        half = points / 2;
        var bits = int.Log2(half);
        reversed = new int[half];
        for (var i = 0; i < half; i++)
            reversed[i] = (reversed[i >> 1] >> 1) | ((i & 1) << (bits - 1));
        cosines = [.. Enumerable.Range(0, half + 1).Select(k => (float)Math.Cos(2 * Math.PI * k / points))];
        sines = [.. Enumerable.Range(0, half + 1).Select(k => (float)-Math.Sin(2 * Math.PI * k / points))];
        // A stage that joins rows of length l takes every (points / l)-th angle.
        stages = [.. Enumerable.Range(0, bits).Select(stage => 1 << stage).Select(middle => (Every(cosines, middle), Every(sines, middle)))];
    }

    float[] Every(float[] angles, int middle) => [.. Enumerable.Range(0, middle).Select(j => angles[j * half / middle])];

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
        foreach (var (cosine, sine) in stages)
            Join(real, imaginary, cosine, sine);
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

    static void Join(Span<float> real, Span<float> imaginary, ReadOnlySpan<float> cosines, ReadOnlySpan<float> sines)
    {
        var middle = cosines.Length;
        for (var start = 0; start < real.Length; start += 2 * middle)
        {
            Span<float> realA = real.Slice(start, middle), realB = real.Slice(start + middle, middle);
            Span<float> imaginaryA = imaginary.Slice(start, middle), imaginaryB = imaginary.Slice(start + middle, middle);
            if (middle >= Vector<float>.Count)
            {
                Turn(Vectors(realA), Vectors(imaginaryA), Vectors(realB), Vectors(imaginaryB), MemoryMarshal.Cast<float, Vector<float>>(cosines), MemoryMarshal.Cast<float, Vector<float>>(sines));
                continue;
            }
            for (var j = 0; j < middle; j++)
            {
                var x = (realB[j] * cosines[j]) - (imaginaryB[j] * sines[j]);
                var y = (realB[j] * sines[j]) + (imaginaryB[j] * cosines[j]);
                (realB[j], imaginaryB[j]) = (realA[j] - x, imaginaryA[j] - y);
                (realA[j], imaginaryA[j]) = (realA[j] + x, imaginaryA[j] + y);
            }
        }
    }

    static Span<Vector<float>> Vectors(Span<float> numbers) => MemoryMarshal.Cast<float, Vector<float>>(numbers);

    static void Turn(Span<Vector<float>> realA, Span<Vector<float>> imaginaryA, Span<Vector<float>> realB, Span<Vector<float>> imaginaryB, ReadOnlySpan<Vector<float>> cosines, ReadOnlySpan<Vector<float>> sines)
    {
        for (var j = 0; j < cosines.Length; j++)
        {
            var x = (realB[j] * cosines[j]) - (imaginaryB[j] * sines[j]);
            var y = (realB[j] * sines[j]) + (imaginaryB[j] * cosines[j]);
            (realB[j], imaginaryB[j]) = (realA[j] - x, imaginaryA[j] - y);
            (realA[j], imaginaryA[j]) = (realA[j] + x, imaginaryA[j] + y);
        }
    }
}
