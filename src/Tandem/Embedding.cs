namespace Tandem;

/// <summary>What an encoder makes of a sample.</summary>
/// <param name="Name">The sample: a file's path as it was given, or its name in a source.</param>
/// <param name="Vector">Float32, as long as the encoder is wide.</param>
public sealed record Embedding(string Name, float[] Vector)
{
    /// <summary>The cosine of the angle to another vector, −1 … 1: how alike two samples look to the encoder. 0 where a vector is all zeros.</summary>
    /// <exception cref="ArgumentException">The vectors are of different length.</exception>
    public double Similarity(Embedding other)
    {
        if (other.Vector.Length != Vector.Length)
            throw new ArgumentException($"vectors of {Vector.Length} and {other.Vector.Length} numbers cannot be compared", nameof(other));
        double product = 0, own = 0, others = 0;
        for (var i = 0; i < Vector.Length; i++)
        {
            product += (double)Vector[i] * other.Vector[i];
            own += (double)Vector[i] * Vector[i];
            others += (double)other.Vector[i] * other.Vector[i];
        }
        return own == 0 || others == 0 ? 0 : product / Math.Sqrt(own * others);
    }
}

/// <summary>How embeddings are made.</summary>
public sealed record EmbedOptions
{
    /// <summary>Which layer: 0 is the input of the shared blocks, i the output of the i-th of them; null: the last.</summary>
    public int? Layer { get; init; }

    /// <summary>Rows computed at once; vectors do not depend on it beyond rounding.</summary>
    public int Batch { get; init; } = 64;

    /// <summary>Threads that read and decode.</summary>
    public int Workers { get; init; } = Math.Clamp(Environment.ProcessorCount / 2, 1, 8);

    /// <summary>At most so many samples of a source, drawn by <see cref="Seed"/>; all when null.</summary>
    public int? Limit { get; init; }

    /// <summary>Decides which samples a limit takes.</summary>
    public long Seed { get; init; }

    /// <summary>Hears of a sample that cannot be read and is left out; null: the first one is an error.</summary>
    public Action<Data.Sources.BadSample>? Skipped { get; init; }

    /// <summary>Hears of samples done and samples in all.</summary>
    public Action<int, int>? Progress { get; init; }
}
