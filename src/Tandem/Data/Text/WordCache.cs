using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace Tandem.Data.Text;

/// <summary>
/// Tokens of words met before, by the words' bytes. Bounded: a full cache is emptied, and the words of a corpus that matter are back at once.
/// For one thread at a time.
/// </summary>
sealed class WordCache
{
    /// <summary>Longer words are not kept: they do not come back.</summary>
    public const int LongestWord = 64;
    const int MostWords = 1 << 16;
    const int MostBytes = 1 << 21;

    struct Slot
    {
        public ulong Hash;
        public int Key, KeyLength, Ids, IdCount;
    }

    Slot[] slots = new Slot[1 << 12];
    byte[] keys = new byte[1 << 15];
    int[] ids = new int[1 << 13];
    int count, keyEnd, idEnd;

    /// <summary>The tokens of a word, if they are kept.</summary>
    /// <param name="word">At most <see cref="LongestWord"/> bytes, at least one.</param>
    /// <param name="hash">To hand to <see cref="Add"/>.</param>
    /// <param name="tokens">Valid until the next <see cref="Add"/>.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryGet(ReadOnlySpan<byte> word, out ulong hash, out ReadOnlySpan<int> tokens)
    {
        hash = Hash(word);
        for (var at = (int)hash & (slots.Length - 1); ; at = (at + 1) & (slots.Length - 1))
        {
            ref var slot = ref slots[at];
            if (slot.Hash == hash && slot.KeyLength == word.Length && keys.AsSpan(slot.Key, slot.KeyLength).SequenceEqual(word))
            {
                tokens = ids.AsSpan(slot.Ids, slot.IdCount);
                return true;
            }
            if (slot.Hash == 0)
            {
                tokens = default;
                return false;
            }
        }
    }

    /// <summary>Keeps a word's tokens.</summary>
    public void Add(ReadOnlySpan<byte> word, ulong hash, ReadOnlySpan<int> tokens)
    {
        if (count >= MostWords || keyEnd + word.Length > MostBytes || (idEnd + tokens.Length) * sizeof(int) > MostBytes)
            Clear();
        if (count * 2 >= slots.Length)
            Grow();
        Ensure(ref keys, keyEnd + word.Length);
        Ensure(ref ids, idEnd + tokens.Length);
        word.CopyTo(keys.AsSpan(keyEnd));
        tokens.CopyTo(ids.AsSpan(idEnd));
        Place(new Slot { Hash = hash, Key = keyEnd, KeyLength = word.Length, Ids = idEnd, IdCount = tokens.Length });
        count++;
        keyEnd += word.Length;
        idEnd += tokens.Length;
    }

    void Clear()
    {
        Array.Clear(slots);
        count = keyEnd = idEnd = 0;
    }

    void Grow()
    {
        var old = slots;
        slots = new Slot[old.Length * 2];
        foreach (var slot in old)
        {
            if (slot.Hash != 0)
                Place(slot);
        }
    }

    void Place(in Slot slot)
    {
        var at = (int)slot.Hash & (slots.Length - 1);
        while (slots[at].Hash != 0)
            at = (at + 1) & (slots.Length - 1);
        slots[at] = slot;
    }

    static void Ensure<T>(ref T[] array, int length)
    {
        if (length > array.Length)
            Array.Resize(ref array, Math.Max(length, array.Length * 2));
    }

    // Never 0, which marks a free slot.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static ulong Hash(ReadOnlySpan<byte> word)
    {
        var hash = (ulong)word.Length * 0xD6E8FEB86659FD93UL;
        while (word.Length >= 8)
        {
            hash = Mix(hash ^ BinaryPrimitives.ReadUInt64LittleEndian(word));
            word = word[8..];
        }
        if (word.Length >= 4)
            hash = Mix(hash ^ (BinaryPrimitives.ReadUInt32LittleEndian(word) | ((ulong)BinaryPrimitives.ReadUInt32LittleEndian(word[^4..]) << 32)));
        else if (word.Length > 0)
            hash = Mix(hash ^ (word[0] | ((ulong)word[word.Length >> 1] << 8) | ((ulong)word[^1] << 16)));
        return hash | (1UL << 63);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static ulong Mix(ulong value)
    {
        value *= 0x9E3779B97F4A7C15UL;
        return value ^ (value >> 29);
    }
}
