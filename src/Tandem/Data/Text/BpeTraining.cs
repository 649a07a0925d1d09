using System.Runtime.InteropServices;

namespace Tandem.Data.Text;

/// <summary>What a byte-pair encoding was trained to.</summary>
/// <param name="Tokens">Token texts in the byte alphabet, by id: the bytes in GPT-2's order, then what merges made.</param>
/// <param name="Merges">The merges, in order.</param>
/// <param name="Counts">How often each merge's pair stood in the corpus when it was chosen.</param>
public sealed record TrainedBpe(IReadOnlyList<string> Tokens, IReadOnlyList<(string Left, string Right)> Merges, IReadOnlyList<long> Counts);

/// <summary>How a byte-pair encoding is trained.</summary>
public sealed record BpeTrainingOptions
{
    /// <summary>Tokens in all, the 256 bytes included.</summary>
    public int Size { get; init; } = 8000;

    /// <summary>Pairs that are rarer are not merged.</summary>
    public long MinFrequency { get; init; } = 2;

    /// <summary>Threads that count; the machine's processors when 0.</summary>
    public int Threads { get; init; }

    /// <summary>Hears of what is done: "counting", bytes of text; "merging", tokens.</summary>
    public Action<string, long>? Progress { get; init; }

    /// <summary>Hears of what was left out.</summary>
    public Action<string>? Warn { get; init; }

    /// <summary>Ends the work.</summary>
    public CancellationToken Stop { get; init; }
}

/// <summary>
/// Trains a byte-level byte-pair encoding: the most frequent neighbouring pair is merged, again and again. Among equals the pair with the smaller
/// left id wins, then the one with the smaller right id, so that a corpus always gives the same vocabulary (that of Hugging Face's trainer).
/// </summary>
public static class BpeTraining
{
    // Longer runs without a blank are counted in parts: a merge that crosses such a border is not worth the time that they would take.
    const int LongestPiece = 4096;

    /// <summary>Trains on a source's text. Lines are taken with their line feeds; memory is bounded, whatever the corpus.</summary>
    /// <exception cref="TandemException"><see cref="ErrorKind.Input"/>: there is no text; <see cref="ErrorKind.Usage"/>: the size is too small.</exception>
    public static TrainedBpe Train(string path, TextOptions text, BpeTrainingOptions options)
    {
        if (options.Size < 256)
            throw new TandemException(ErrorKind.Usage, $"a vocabulary of {options.Size} has no room for the 256 bytes", "size", "at least 256");
        var counts = Count(TextSource.Open(path, text with { KeepsLineEnds = true }), options);
        if (counts.Dropped > 0)
            options.Warn?.Invoke($"the corpus holds too many different words: those that occurred up to {counts.Dropped} times within a stretch of it were not counted");
        return Merge(counts, options);
    }

    static WordCounts Count(TextSource source, BpeTrainingOptions options)
    {
        var threads = options.Threads > 0 ? options.Threads : Environment.ProcessorCount;
        var all = new WordCounts();
        long bytes = 0;
        // Parts are counted at once but added in order: what is dropped for room does not depend on threads.
        foreach (var group in source.Chunks().Chunk(Math.Max(4, threads * 2)))
        {
            options.Stop.ThrowIfCancellationRequested();
            var parts = new WordCounts[group.Length];
            Parallel.For(0, group.Length, new ParallelOptions { MaxDegreeOfParallelism = threads }, i => parts[i] = Count(group[i]));
            foreach (var part in parts)
                all.Add(part);
            foreach (var chunk in group)
            {
                bytes += chunk.Size;
                chunk.Dispose();
            }
            options.Progress?.Invoke("counting", bytes);
        }
        return all;
    }

    static WordCounts Count(TextChunk chunk)
    {
        var counts = new WordCounts();
        for (var i = 0; i < chunk.Count; i++)
        {
            var line = chunk[i];
            for (var at = 0; at < line.Length;)
            {
                var end = WordSplit.End(line, at);
                for (; end - at > LongestPiece; at += LongestPiece)
                    counts.Add(line.Slice(at, LongestPiece), 1);
                counts.Add(line[at..end], 1);
                at = end;
            }
        }
        return counts;
    }

    sealed class PairState
    {
        public long Count;
        public List<int> Words = [];
    }

    /// <summary>The most frequent first; among equals the smaller pair.</summary>
    sealed class ByCount : IComparer<(long Count, ulong Pair)>
    {
        public int Compare((long Count, ulong Pair) x, (long Count, ulong Pair) y) => x.Count != y.Count ? y.Count.CompareTo(x.Count) : x.Pair.CompareTo(y.Pair);
    }

    static TrainedBpe Merge(WordCounts words, BpeTrainingOptions options) => new Merger(words, options).Run();

    sealed class Merger
    {
        readonly BpeTrainingOptions options;
        readonly WordCounts words;
        readonly int[] starts, lengths, symbols;
        readonly List<string> tokens = [];
        readonly Dictionary<string, int> ids = new(StringComparer.Ordinal);
        readonly Dictionary<ulong, PairState> pairs = [];
        readonly HashSet<ulong> grown = [];

        public Merger(WordCounts words, BpeTrainingOptions options)
        {
            (this.words, this.options) = (words, options);
            var ofByte = new int[256];
            foreach (var b in ByteAlphabet.Order)
            {
                ofByte[b] = tokens.Count;
                ids.Add(ByteAlphabet.SymbolOf(b).ToString(), tokens.Count);
                tokens.Add(ByteAlphabet.SymbolOf(b).ToString());
            }
            (starts, lengths) = (new int[words.Count], new int[words.Count]);
            var total = 0;
            for (var word = 0; word < words.Count; word++)
            {
                (starts[word], lengths[word]) = (total, words.Word(word).Length);
                total += lengths[word];
            }
            symbols = new int[total];
            for (var word = 0; word < words.Count; word++)
            {
                var bytes = words.Word(word);
                for (var i = 0; i < bytes.Length; i++)
                    symbols[starts[word] + i] = ofByte[bytes[i]];
                for (var i = 0; i + 1 < bytes.Length; i++)
                    Change(ofByte[bytes[i]], ofByte[bytes[i + 1]], words.Of(word), word);
            }
        }

        public TrainedBpe Run()
        {
            grown.Clear(); // every pair is in the queue from the start
            var queue = new PriorityQueue<ulong, (long Count, ulong Pair)>(pairs.Select(pair => (pair.Key, (pair.Value.Count, pair.Key))), new ByCount());
            var merges = new List<(string, string)>();
            var counts = new List<long>();
            while (tokens.Count < options.Size && queue.TryDequeue(out var pair, out var key))
            {
                var state = pairs[pair];
                if (state.Count != key.Count)
                {
                    if (state.Count > 0)
                        queue.Enqueue(pair, (state.Count, pair));
                    continue;
                }
                if (state.Count < Math.Max(1, options.MinFrequency))
                    break;
                options.Stop.ThrowIfCancellationRequested();
                var (left, right) = ((int)(pair >> 32), (int)(uint)pair);
                var text = tokens[left] + tokens[right];
                // A text that arises in two ways keeps its id; the merge counts all the same.
                if (!ids.TryGetValue(text, out var joined))
                {
                    joined = tokens.Count;
                    ids.Add(text, joined);
                    tokens.Add(text);
                }
                merges.Add((tokens[left], tokens[right]));
                counts.Add(state.Count);
                Join(state, left, right, joined);
                foreach (var one in grown)
                    queue.Enqueue(one, (pairs[one].Count, one));
                grown.Clear();
                options.Progress?.Invoke("merging", tokens.Count);
            }
            return new(tokens, merges, counts);
        }

        void Join(PairState state, int left, int right, int joined)
        {
            var holding = state.Words;
            state.Words = [];
            foreach (var word in holding)
                Join(word, left, right, joined);
            // All occurrences are gone, also those that overlapped («aaa» counts twice and is joined once).
            state.Count = 0;
        }

        void Join(int word, int left, int right, int joined)
        {
            var row = symbols.AsSpan(starts[word], lengths[word]);
            var times = words.Of(word);
            var to = 0;
            for (var from = 0; from < row.Length; to++)
            {
                if (from + 1 == row.Length || row[from] != left || row[from + 1] != right)
                {
                    row[to] = row[from++];
                    continue;
                }
                if (to > 0)
                {
                    Change(row[to - 1], left, -times, word);
                    Change(row[to - 1], joined, times, word);
                }
                from += 2;
                if (from < row.Length)
                {
                    Change(right, row[from], -times, word);
                    Change(joined, row[from], times, word);
                }
                row[to] = joined;
            }
            lengths[word] = to;
        }

        void Change(int left, int right, long by, int word)
        {
            var pair = ((ulong)(uint)left << 32) | (uint)right;
            ref var state = ref CollectionsMarshal.GetValueRefOrAddDefault(pairs, pair, out _);
            state ??= new();
            state.Count += by;
            if (by <= 0)
                return;
            if (state.Words.Count == 0 || state.Words[^1] != word)
                state.Words.Add(word);
            grown.Add(pair);
        }
    }
}
