using System.Numerics;

namespace Tandem.Torch;

/// <summary>
/// Randomness as a function: the numbers drawn depend on (seed, purpose, step, sample) alone, never on what was drawn elsewhere, so a
/// resumed run, another number of threads or another loader sees the same. A small counter-based generator (SplitMix64's finaliser over a
/// hashed key); specified here and therefore the same in every version.
/// </summary>
public struct Randomness
{
    readonly ulong key;
    ulong counter;

    Randomness(ulong key) => this.key = key;

    /// <summary>The draws of one purpose.</summary>
    /// <param name="seed">The run's seed.</param>
    /// <param name="purpose">What is drawn: "order", "crop", "mask"; a fixed text.</param>
    /// <param name="step">Step, epoch, or whatever counts for the purpose.</param>
    /// <param name="sample">The sample's number in its source, or another second count.</param>
    public static Randomness Of(long seed, string purpose, long step = 0, long sample = 0)
    {
        var key = Mix((ulong)seed + 0x9E3779B97F4A7C15UL);
        foreach (var letter in purpose)
            key = Mix(key ^ letter);
        key = Mix(key ^ Mix((ulong)step + 0xD1B54A32D192ED03UL));
        key = Mix(key ^ Mix((ulong)sample + 0x8CB92BA72F3D8DD7UL));
        return new Randomness(key);
    }

    /// <summary>64 random bits.</summary>
    public ulong NextBits() => Mix(key + (++counter * 0x9E3779B97F4A7C15UL));

    /// <summary>Uniform in [0, 1), 53 bits.</summary>
    public double NextDouble() => (NextBits() >> 11) * (1.0 / (1UL << 53));

    /// <summary>Uniform in [low, high).</summary>
    public double NextDouble(double low, double high) => low + ((high - low) * NextDouble());

    /// <summary>Uniform float in [0, 1), 24 bits.</summary>
    public float NextFloat() => (NextBits() >> 40) * (1.0f / (1 << 24));

    /// <summary>A whole number, uniform in 0 … <paramref name="count"/> − 1, without bias.</summary>
    public long Next(long count)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        var high = Math.BigMul(NextBits(), (ulong)count, out var low);
        if (low < (ulong)count)
        {
            var threshold = (0 - (ulong)count) % (ulong)count;
            while (low < threshold)
                high = Math.BigMul(NextBits(), (ulong)count, out low);
        }
        return (long)high;
    }

    /// <summary>A normal draw (Box–Muller; the second of the pair is dropped, so that draws are independent of parity).</summary>
    public double NextNormal(double mean = 0, double deviation = 1)
    {
        var radius = Math.Sqrt(-2 * Math.Log(1 - NextDouble()));
        return mean + (deviation * radius * Math.Cos(2 * Math.PI * NextDouble()));
    }

    /// <summary>Brings the items into a random order (Fisher–Yates).</summary>
    public void Shuffle<T>(Span<T> items)
    {
        for (var i = items.Length - 1; i > 0; i--)
        {
            var j = (int)Next(i + 1);
            (items[i], items[j]) = (items[j], items[i]);
        }
    }

    /// <summary>Draws <paramref name="count"/> of <paramref name="items"/> without replacement: they end at the front, in draw order.</summary>
    public void Pick<T>(Span<T> items, int count)
    {
        for (var i = 0; i < count; i++)
        {
            var j = i + (int)Next(items.Length - i);
            (items[i], items[j]) = (items[j], items[i]);
        }
    }

    static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9UL;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBUL;
        return BitOperations.RotateLeft(z ^ (z >> 31), 17) * 0x9FB21C651E98DF25UL ^ (z >> 29);
    }
}
