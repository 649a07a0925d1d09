using System.Runtime.InteropServices;

namespace Tandem.Data.Text;

/// <summary>Tokenizes a source's lines, some megabytes at a time, on all threads, and writes them in order.</summary>
sealed class TokenBuild(TextSource source, Tokenizer tokenizer, TokenCacheOptions options)
{
    // fairseq's limit for two bytes a token.
    const int NarrowBelow = 65_500;

    /// <summary>Whether a token takes four bytes instead of two.</summary>
    public bool Wide => tokenizer.Size >= NarrowBelow;

    /// <summary>Tokens written.</summary>
    public long Tokens { get; private set; }

    /// <summary>Lines written.</summary>
    public long Lines { get; private set; }

    /// <summary>Writes ids and sizes.</summary>
    public void Run(Stream ids, Stream sizes)
    {
        var threads = options.Threads > 0 ? options.Threads : Environment.ProcessorCount;
        long bytes = 0;
        foreach (var group in source.Chunks().Chunk(threads * 2))
        {
            options.Stop.ThrowIfCancellationRequested();
            var parts = new (List<int> Ids, List<int> Sizes)[group.Length];
            Parallel.For(0, group.Length, new ParallelOptions { MaxDegreeOfParallelism = threads }, i => parts[i] = Encode(group[i]));
            for (var i = 0; i < group.Length; i++)
            {
                Write(ids, parts[i].Ids);
                sizes.Write(MemoryMarshal.AsBytes(CollectionsMarshal.AsSpan(parts[i].Sizes)));
                Tokens += parts[i].Ids.Count;
                Lines += parts[i].Sizes.Count;
                bytes += group[i].Size;
                group[i].Dispose();
            }
            options.Progress?.Invoke(bytes);
        }
    }

    (List<int> Ids, List<int> Sizes) Encode(TextChunk chunk)
    {
        List<int> ids = new(chunk.Size / 3), sizes = new(chunk.Count);
        var end = tokenizer.Special.End!.Value;
        for (var i = 0; i < chunk.Count; i++)
        {
            var line = Trim(chunk[i]);
            if (line.IsEmpty && !options.KeepEmpty)
                continue;
            var before = ids.Count;
            tokenizer.Encode(line, ids);
            ids.Add(end);
            sizes.Add(ids.Count - before);
        }
        return (ids, sizes);
    }

    // Python's strip, as fairseq's preparation does it.
    internal static ReadOnlySpan<byte> Trim(ReadOnlySpan<byte> line)
    {
        while (line.Length > 0 && Characters.IsPythonSpace(Characters.Decode(line, out var length)))
            line = line[length..];
        while (line.Length > 0)
        {
            System.Text.Rune.DecodeLastFromUtf8(line, out var rune, out var length);
            if (!Characters.IsPythonSpace(rune.Value))
                break;
            line = line[..^length];
        }
        return line;
    }

    void Write(Stream to, List<int> ids)
    {
        var all = CollectionsMarshal.AsSpan(ids);
        if (Wide)
        {
            to.Write(MemoryMarshal.AsBytes(all));
            return;
        }
        var narrow = new ushort[Math.Min(all.Length, 1 << 15)];
        for (; all.Length > 0; all = all[Math.Min(all.Length, narrow.Length)..])
        {
            var part = all[..Math.Min(all.Length, narrow.Length)];
            for (var i = 0; i < part.Length; i++)
                narrow[i] = (ushort)part[i];
            to.Write(MemoryMarshal.AsBytes(narrow.AsSpan(0, part.Length)));
        }
    }
}
