namespace Tandem.Data.Text;

/// <summary>
/// Joins the symbols of one word by the merges' ranks. Short words are scanned again for each merge; long ones (a line without any blank) use a
/// heap, so that their time grows like n·log n. For one thread at a time.
/// </summary>
/// <param name="merges">The merges.</param>
/// <param name="oneAtATime">
/// GPT-2's encoder replaces all occurrences of the best pair before it looks again; Hugging Face's library one after another. The two differ only
/// for lists in which a text arises in two ways.
/// </param>
sealed class WordMerger(MergeTable merges, bool oneAtATime)
{
    const int Short = 64;
    readonly int[] ranks = new int[Short];
    readonly int[] joins = new int[Short];

    /// <summary>Merges in place.</summary>
    /// <param name="symbols">The word's symbols; at the end its tokens, at the front.</param>
    /// <returns>Number of tokens.</returns>
    public int Merge(Span<int> symbols) => symbols.Length <= Short ? MergeShort(symbols) : MergeLong(symbols);

    int MergeShort(Span<int> symbols)
    {
        var count = symbols.Length;
        for (var i = 0; i + 1 < count; i++)
            ranks[i] = merges.Rank(symbols[i], symbols[i + 1], out joins[i]);
        while (count > 1)
        {
            var best = int.MaxValue;
            foreach (var rank in ranks.AsSpan(0, count - 1))
                best = Math.Min(best, rank);
            if (best == int.MaxValue)
                break;
            count = JoinAll(symbols[..count], best);
        }
        return count;
    }

    // Moves the word together over the occurrences of one rank, from left to right without overlap.
    int JoinAll(Span<int> symbols, int rank)
    {
        int to = 0, count = symbols.Length;
        var done = false;
        for (var from = 0; from < count; to++)
        {
            if (from + 1 < count && ranks[from] == rank && !done)
            {
                symbols[to] = joins[from];
                if (to > 0)
                    ranks[to - 1] = merges.Rank(symbols[to - 1], symbols[to], out joins[to - 1]);
                if (from + 2 < count)
                    ranks[to] = merges.Rank(symbols[to], symbols[from + 2], out joins[to]);
                from += 2;
                done = oneAtATime;
            }
            else
            {
                symbols[to] = symbols[from];
                (ranks[to], joins[to]) = (ranks[from], joins[from]);
                from++;
            }
        }
        return to;
    }

    int MergeLong(Span<int> symbols)
    {
        var count = symbols.Length;
        int[] next = new int[count], previous = new int[count];
        var heap = new Heap(count);
        for (var i = 0; i < count; i++)
        {
            (next[i], previous[i]) = (i + 1 < count ? i + 1 : -1, i - 1);
            if (i + 1 < count && merges.Rank(symbols[i], symbols[i + 1], out _) is < int.MaxValue and var rank)
                heap.Add(rank, i);
        }
        heap.Order();
        // Pairs that arise while the occurrences of one rank are joined wait until all of them are.
        var waiting = new List<(int Rank, int At)>();
        var current = -1;
        while (true)
        {
            if (waiting.Count > 0 && (oneAtATime || heap.Count == 0 || heap.LowestRank != current))
            {
                foreach (var (rank, place) in waiting)
                    heap.Push(rank, place);
                waiting.Clear();
            }
            if (heap.Count == 0)
                break;
            (current, var at) = heap.Pop();
            if (symbols[at] < 0 || next[at] < 0 || merges.Rank(symbols[at], symbols[next[at]], out var joined) != current)
                continue; // one of the two has been joined with another since
            var right = next[at];
            symbols[at] = joined;
            symbols[right] = -1;
            next[at] = next[right];
            if (next[at] >= 0)
            {
                previous[next[at]] = at;
                if (merges.Rank(joined, symbols[next[at]], out _) is < int.MaxValue and var behind)
                    waiting.Add((behind, at));
            }
            if (previous[at] >= 0 && merges.Rank(symbols[previous[at]], joined, out _) is < int.MaxValue and var before)
                waiting.Add((before, previous[at]));
        }
        var kept = 0;
        for (var at = 0; at >= 0; at = next[at])
            symbols[kept++] = symbols[at];
        return kept;
    }

    /// <summary>The lowest rank first, and of one rank the leftmost place.</summary>
    sealed class Heap(int capacity)
    {
        ulong[] items = new ulong[Math.Max(4, capacity)];

        public int Count { get; private set; }

        public int LowestRank => (int)(items[0] >> 32);

        /// <summary>Adds without order; <see cref="Order"/> must follow.</summary>
        public void Add(int rank, int at)
        {
            if (Count == items.Length)
                Array.Resize(ref items, checked(Count * 2));
            items[Count++] = ((ulong)(uint)rank << 32) | (uint)at;
        }

        public void Order()
        {
            for (var i = (Count / 2) - 1; i >= 0; i--)
                Sink(i);
        }

        public void Push(int rank, int at)
        {
            Add(rank, at);
            var i = Count - 1;
            var item = items[i];
            while (i > 0 && items[(i - 1) / 2] > item)
            {
                items[i] = items[(i - 1) / 2];
                i = (i - 1) / 2;
            }
            items[i] = item;
        }

        public (int Rank, int At) Pop()
        {
            var top = items[0];
            items[0] = items[--Count];
            if (Count > 0)
                Sink(0);
            return ((int)(top >> 32), (int)(uint)top);
        }

        void Sink(int i)
        {
            var item = items[i];
            while ((2 * i) + 1 < Count)
            {
                var child = (2 * i) + 1;
                if (child + 1 < Count && items[child + 1] < items[child])
                    child++;
                if (items[child] >= item)
                    break;
                items[i] = items[child];
                i = child;
            }
            items[i] = item;
        }
    }
}
