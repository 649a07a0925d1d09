using System.Buffers;
using System.Security.Cryptography;
using System.Text;

namespace Tandem.Data.Text;

/// <summary>Ids with a role of their own; null where a vocabulary has none.</summary>
public sealed record SpecialTokens
{
    /// <summary>In front of a sample; its feature is the one that classification reads: <c>&lt;s&gt;</c>, <c>[CLS]</c>.</summary>
    public int? Begin { get; init; }

    /// <summary>Behind a line or sentence: <c>&lt;/s&gt;</c>, <c>[SEP]</c>.</summary>
    public int? End { get; init; }

    /// <summary>Fills samples up to the length of the longest.</summary>
    public int? Pad { get; init; }

    /// <summary>Stands for what the vocabulary lacks.</summary>
    public int? Unknown { get; init; }

    /// <summary>Stands for what the model shall predict.</summary>
    public int? Mask { get; init; }
}

/// <summary>Text to ids and back. Safe from many threads.</summary>
public abstract class Tokenizer
{
    readonly Lazy<string> fingerprint;

    /// <summary>Prepares what all have.</summary>
    protected Tokenizer() => fingerprint = new(() =>
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var part in Identity())
        {
            hash.AppendData(Encoding.UTF8.GetBytes(part));
            hash.AppendData([0]);
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset().AsSpan(0, 16));
    });

    /// <summary>Opens a tokenizer's files: a folder, or one file of it.</summary>
    /// <param name="path">
    /// A folder with <c>tokenizer.json</c>; <c>dict.txt</c> beside <c>encoder.json</c> and <c>vocab.bpe</c>; <c>vocab.json</c> and <c>merges.txt</c>; or <c>vocab.txt</c>. Each may end in <c>.gz</c>.
    /// </param>
    /// <exception cref="TandemException"><see cref="ErrorKind.Input"/>: no such files, or damaged ones.</exception>
    public static Tokenizer Load(string path) => TokenizerFiles.Load(path);

    /// <summary>What it is, in words: "byte-level BPE".</summary>
    public abstract string Description { get; }

    /// <summary>Number of ids: all are below it.</summary>
    public abstract int Size { get; }

    /// <summary>Ids with a role of their own.</summary>
    public SpecialTokens Special { get; protected init; } = new();

    /// <summary>A hash of everything that decides which ids a text has: what was tokenized with another one is not the same.</summary>
    public string Fingerprint => fingerprint.Value;

    /// <summary>The parts of the fingerprint.</summary>
    protected abstract IEnumerable<string> Identity();

    /// <summary>Appends the ids of a text, without the special ones that frame a sample.</summary>
    /// <param name="utf8">Valid UTF-8.</param>
    /// <param name="ids">Takes them.</param>
    public abstract void Encode(ReadOnlySpan<byte> utf8, List<int> ids);

    /// <summary>The ids of a text, without the special ones that frame a sample. Unpaired surrogates count as U+FFFD.</summary>
    public int[] Encode(string text)
    {
        var ids = new List<int>();
        var buffer = ArrayPool<byte>.Shared.Rent(Encoding.UTF8.GetMaxByteCount(text.Length));
        Encode(buffer.AsSpan(0, Encoding.UTF8.GetBytes(text, buffer)), ids);
        ArrayPool<byte>.Shared.Return(buffer);
        return [.. ids];
    }

    /// <summary>The text of ids. Broken UTF-8 becomes U+FFFD, one for each maximal broken part.</summary>
    /// <exception cref="TandemException"><see cref="ErrorKind.Input"/>: an id is not in the vocabulary.</exception>
    public abstract string Decode(ReadOnlySpan<int> ids);

    /// <summary>A token as vocabulary files write it.</summary>
    /// <exception cref="TandemException"><see cref="ErrorKind.Input"/>: the id is not in the vocabulary.</exception>
    public abstract string Token(int id);

    /// <summary>The error for an id that is none.</summary>
    protected TandemException NoSuchId(int id) => new(ErrorKind.Input, $"id {id} is not in the vocabulary", expected: $"0 to {Size - 1}");
}
