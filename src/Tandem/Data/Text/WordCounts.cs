namespace Tandem.Data.Text;

/// <summary>
/// How often each piece of a corpus occurs. Bounded: beyond a number of different pieces or bytes the rarest are dropped, at places that depend on
/// the text alone.
/// </summary>
sealed class WordCounts(int mostWords = WordCounts.MostWords, int mostBytes = WordCounts.MostBytes)
{
    const int MostWords = 4 << 20;
    const int MostBytes = 256 << 20;

    int[] slots = new int[1 << 12]; // place of a word, plus 1
    ulong[] hashes = new ulong[1 << 11];
    int[] starts = new int[(1 << 11) + 1];
    long[] counts = new long[1 << 11];
    byte[] keys = new byte[1 << 15];

    /// <summary>Different pieces.</summary>
    public int Count { get; private set; }

    /// <summary>The largest count of a piece that was dropped for room; 0 when none was.</summary>
    public long Dropped { get; private set; }

    /// <summary>A piece.</summary>
    public ReadOnlySpan<byte> Word(int place) => keys.AsSpan(starts[place]..starts[place + 1]);

    /// <summary>How often a piece occurs.</summary>
    public long Of(int place) => counts[place];

    /// <summary>Counts a piece.</summary>
    public void Add(ReadOnlySpan<byte> word, long times) => Add(word, WordCache.Hash(word), times);

    void Add(ReadOnlySpan<byte> word, ulong hash, long times)
    {
        var at = (int)hash & (slots.Length - 1);
        for (; slots[at] != 0; at = (at + 1) & (slots.Length - 1))
        {
            var place = slots[at] - 1;
            if (hashes[place] == hash && Word(place).SequenceEqual(word))
            {
                counts[place] += times;
                return;
            }
        }
        var end = starts[Count];
        if (end + word.Length > keys.Length)
            Array.Resize(ref keys, (int)Math.Min(Array.MaxLength, Math.Max(end + (long)word.Length, keys.Length * 2L)));
        word.CopyTo(keys.AsSpan(end));
        slots[at] = Count + 1;
        (hashes[Count], counts[Count]) = (hash, times);
        starts[++Count] = end + word.Length;
        if (Count == counts.Length)
            Grow();
    }

    void Grow()
    {
        Array.Resize(ref hashes, Count * 2);
        Array.Resize(ref counts, Count * 2);
        Array.Resize(ref starts, (Count * 2) + 1);
        slots = new int[Count * 4];
        for (var place = 0; place < Count; place++)
        {
            var at = (int)hashes[place] & (slots.Length - 1);
            while (slots[at] != 0)
                at = (at + 1) & (slots.Length - 1);
            slots[at] = place + 1;
        }
    }

    /// <summary>Adds another's counts, in its order; then drops what is too much.</summary>
    public void Add(WordCounts other)
    {
        for (var place = 0; place < other.Count; place++)
            Add(other.Word(place), other.hashes[place], other.counts[place]);
        if (Count > mostWords || starts[Count] > mostBytes)
            Drop();
    }

    // Down to half, so that it does not happen after every addition.
    void Drop()
    {
        while (Count > mostWords / 2 || starts[Count] > mostBytes / 2)
        {
            Dropped = Math.Max(1, Dropped * 2);
            var kept = new WordCounts(mostWords, mostBytes);
            for (var place = 0; place < Count; place++)
            {
                if (counts[place] > Dropped)
                    kept.Add(Word(place), hashes[place], counts[place]);
            }
            (slots, hashes, starts, counts, keys, Count) = (kept.slots, kept.hashes, kept.starts, kept.counts, kept.keys, kept.Count);
        }
    }
}
