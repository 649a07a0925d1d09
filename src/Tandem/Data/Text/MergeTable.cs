using System.Numerics;
using System.Runtime.CompilerServices;

namespace Tandem.Data.Text;

/// <summary>The merges of a byte-pair encoding: which neighbouring symbols join, in which order of preference, into what.</summary>
sealed class MergeTable
{
    const ulong Free = ulong.MaxValue;
    readonly (ulong Pair, int Rank, int Joined)[] slots;
    readonly int shift;

    /// <summary>Builds the table.</summary>
    /// <param name="merges">In order of rank. A pair that occurs twice has its last rank, as in the originals.</param>
    public MergeTable(IReadOnlyList<(int Left, int Right, int Joined)> merges)
    {
        Count = merges.Count;
        var size = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(16, merges.Count * 2));
        shift = 64 - BitOperations.Log2((uint)size);
        slots = new (ulong, int, int)[size];
        Array.Fill(slots, (Free, 0, 0));
        for (var rank = 0; rank < merges.Count; rank++)
        {
            var pair = Pair(merges[rank].Left, merges[rank].Right);
            var at = Home(pair);
            while (slots[at].Pair != Free && slots[at].Pair != pair)
                at = (at + 1) & (slots.Length - 1);
            slots[at] = (pair, rank, merges[rank].Joined);
        }
    }

    /// <summary>Number of merges.</summary>
    public int Count { get; }

    /// <summary>Rank of a pair (<see cref="int.MaxValue"/> where there is none) and what it joins into.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Rank(int left, int right, out int joined)
    {
        var pair = Pair(left, right);
        for (var at = Home(pair); ; at = (at + 1) & (slots.Length - 1))
        {
            ref var slot = ref slots[at];
            if (slot.Pair == pair)
            {
                joined = slot.Joined;
                return slot.Rank;
            }
            if (slot.Pair == Free)
            {
                joined = -1;
                return int.MaxValue;
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static ulong Pair(int left, int right) => ((ulong)(uint)left << 32) | (uint)right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    int Home(ulong pair) => (int)((pair * 0x9E3779B97F4A7C15UL) >> shift);
}
