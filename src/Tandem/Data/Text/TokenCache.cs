using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Tandem.Data.Sources;

namespace Tandem.Data.Text;

/// <summary>How tokens are cached.</summary>
public sealed record TokenCacheOptions
{
    /// <summary>Where cache files lie; that of pictures when null.</summary>
    public string? Folder { get; init; }

    /// <summary>Whether an empty line, which ends a document, becomes a line of one token (fairseq's <c>--keep-empty</c>).</summary>
    public bool KeepEmpty { get; init; } = true;

    /// <summary>Threads that tokenize; the machine's processors when 0.</summary>
    public int Threads { get; init; }

    /// <summary>Hears of bytes of text done.</summary>
    public Action<long>? Progress { get; init; }

    /// <summary>Hears of what went otherwise than wished.</summary>
    public Action<string>? Warn { get; init; }

    /// <summary>Ends the work.</summary>
    public CancellationToken Stop { get; init; }
}

/// <summary>
/// Tokenizes a corpus once into a file that is mapped into memory and found again by the source's and the tokenizer's identity. A second process
/// that wants the same waits for the first. Where the folder cannot be written, the tokens go into a nameless temporary file.
/// </summary>
public static class TokenCache
{
    // Raised whenever tokenizing or the file's form changes.
    const string Version = "1";
    const ulong Mark = 0x314B_4F54_4D44_4E54; // "TNDMTOK1", little-endian
    const int EndSize = 24;
    static readonly TimeSpan lookAgain = TimeSpan.FromMilliseconds(100);

    sealed record Footer(bool Wide, long Tokens, long Lines, long SizesAt, string Tokenizer, string Description);

    /// <summary>The tokens of a source's lines: each trimmed, encoded, and ended by the tokenizer's end token.</summary>
    /// <param name="source">The text.</param>
    /// <param name="tokenizer">Must have an end token.</param>
    /// <param name="options">Folder and threads.</param>
    /// <exception cref="TandemException"><see cref="ErrorKind.Input"/>: the text cannot be read, is empty, or the tokenizer has no end token; <see cref="ErrorKind.Machine"/>: the tokens can be written nowhere.</exception>
    public static TokenStore Open(TextSource source, Tokenizer tokenizer, TokenCacheOptions? options = null)
    {
        options ??= new();
        if (tokenizer.Special.End is null)
            throw new TandemException(ErrorKind.Input, $"the tokenizer ({tokenizer.Description}) has no token that ends a line", expected: "a token </s>, [SEP] or <|endoftext|>");
        var folder = options.Folder ?? PictureCache.DefaultFolder;
        var place = Path.Combine(folder, Key(source, tokenizer, options) + ".tokens");
        try
        {
            if (Find(place, tokenizer) is { } found)
                return found;
            Directory.CreateDirectory(folder);
            using var turn = Turn(place + ".lock", options.Stop);
            return Find(place, tokenizer) ?? BuildAt(place, source, tokenizer, options);
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            // A full disk or a folder without permission must not stop anyone from training.
            options.Warn?.Invoke($"tokens cannot be cached in {folder} ({cause.Message}); they go into a temporary file and are made anew next time");
        }
        return BuildNameless(source, tokenizer, options);
    }

    static string Key(TextSource source, Tokenizer tokenizer, TokenCacheOptions options) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{Version} {source.Identity} {tokenizer.Fingerprint} {options.KeepEmpty}")).AsSpan(0, 16));

    // One builder at a time. The system takes the lock from a process that dies.
    static FileStream Turn(string path, CancellationToken stop)
    {
        while (true)
        {
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1, FileOptions.None);
            }
            catch (IOException cause) when (cause.HResult is 11 or 35 or unchecked((int)0x80070020))
            {
                stop.WaitHandle.WaitOne(lookAgain);
                stop.ThrowIfCancellationRequested();
            }
        }
    }

    static TokenStore BuildAt(string place, TextSource source, Tokenizer tokenizer, TokenCacheOptions options)
    {
        var beside = FormattableString.Invariant($"{place}.{Environment.ProcessId}-{Guid.NewGuid():N}.tmp");
        try
        {
            using (var file = new FileStream(beside, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, 1 << 20))
                Write(file, source, tokenizer, options);
            File.Move(beside, place, overwrite: true);
        }
        finally
        {
            File.Delete(beside);
        }
        return Find(place, tokenizer) ?? throw new IOException("the cache file just written cannot be read");
    }

    static TokenStore BuildNameless(TextSource source, Tokenizer tokenizer, TokenCacheOptions options)
    {
        var path = Path.Combine(Path.GetTempPath(), $"tandem-tokens-{Guid.NewGuid():N}");
        try
        {
            var file = new FileStream(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.Delete, 1 << 20, FileOptions.DeleteOnClose);
            try
            {
                return Opened(file, Write(file, source, tokenizer, options));
            }
            catch
            {
                file.Dispose();
                throw;
            }
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            throw new TandemException(ErrorKind.Machine, $"the tokens can be written nowhere: {cause.Message}", path, remedy: "Free space there, or set TANDEM_CACHE (or TMPDIR) to a folder with room: two bytes a token", inner: cause);
        }
    }

    static TokenStore Opened(FileStream file, Footer footer) => new(file, footer.Wide, footer.Tokens, footer.Lines, footer.SizesAt, footer.Description);

    /// <summary>Opens a cache file, or gives null when there is none, it is damaged, or made with another tokenizer.</summary>
    static TokenStore? Find(string place, Tokenizer tokenizer)
    {
        if (!File.Exists(place))
            return null;
        FileStream? file = null;
        try
        {
            file = new FileStream(place, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            var end = new byte[EndSize];
            file.Seek(-EndSize, SeekOrigin.End);
            file.ReadExactly(end);
            long at = BitConverter.ToInt64(end), length = BitConverter.ToInt64(end, 8);
            if (BitConverter.ToUInt64(end, 16) == Mark && at >= 0 && length is > 0 and < 1 << 20 && at + length + EndSize == file.Length)
            {
                var bytes = new byte[length];
                file.Seek(at, SeekOrigin.Begin);
                file.ReadExactly(bytes);
                if (JsonSerializer.Deserialize<Footer>(bytes) is { } footer && footer.Tokenizer == tokenizer.Fingerprint
                    && footer.SizesAt >= footer.Tokens * (footer.Wide ? 4 : 2) && footer.SizesAt + (4 * footer.Lines) == at)
                {
                    return Opened(file, footer);
                }
            }
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException or JsonException or ArgumentException)
        {
            // As if it were not there: it is made anew.
        }
        file?.Dispose();
        return null;
    }

    static Footer Write(FileStream file, TextSource source, Tokenizer tokenizer, TokenCacheOptions options)
    {
        // Sizes stand behind the tokens, so until the end they wait in a file of their own.
        using var sizes = new FileStream(FormattableString.Invariant($"{file.Name}.sizes"), FileMode.Create, FileAccess.ReadWrite, FileShare.None, 1 << 16, FileOptions.DeleteOnClose);
        var build = new TokenBuild(source, tokenizer, options);
        build.Run(file, sizes);
        while (file.Position % sizeof(int) != 0)
            file.WriteByte(0);
        var sizesAt = file.Position;
        sizes.Position = 0;
        sizes.CopyTo(file);
        var footer = new Footer(build.Wide, build.Tokens, build.Lines, sizesAt, tokenizer.Fingerprint, source.Description);
        var at = file.Position;
        JsonSerializer.Serialize(file, footer);
        var end = new byte[EndSize];
        BitConverter.TryWriteBytes(end, at);
        BitConverter.TryWriteBytes(end.AsSpan(8), file.Position - at);
        BitConverter.TryWriteBytes(end.AsSpan(16), Mark);
        file.Write(end);
        file.Flush(flushToDisk: false);
        return footer;
    }
}
