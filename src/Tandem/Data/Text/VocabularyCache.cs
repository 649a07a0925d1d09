using System.Security.Cryptography;
using System.Text;
using Tandem.Data.Sources;

namespace Tandem.Data.Text;

/// <summary>Vocabularies trained on the fly for whoever has none: the same text and size give the same one, so it is trained once and kept.</summary>
public static class VocabularyCache
{
    // Raised whenever training or the files' form changes.
    const string Version = "1";

    /// <summary>A folder with a byte-level BPE vocabulary of a text.</summary>
    /// <param name="path">The text.</param>
    /// <param name="reading">How it is read.</param>
    /// <param name="size">Tokens, at most, special ones included.</param>
    /// <param name="note">Hears that training begins.</param>
    /// <exception cref="TandemException"><see cref="ErrorKind.Input"/>: there is no text; <see cref="ErrorKind.Machine"/>: it can be written nowhere.</exception>
    public static string Folder(string path, TextOptions reading, int size, Action<string>? note = null)
    {
        var smallest = 256 + VocabularyFiles.SpecialCount;
        if (size < smallest)
            throw new TandemException(ErrorKind.Usage, $"a vocabulary of {size} tokens is too small", "model.front_end.vocabulary", $"at least {smallest}: 256 bytes and {VocabularyFiles.SpecialCount} special tokens");
        var key = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{Version} {TextSource.Open(path, reading).Identity} {size}")).AsSpan(0, 16));
        var folder = Path.Combine(PictureCache.DefaultFolder, "vocabularies", key);
        if (Directory.Exists(folder))
            return folder;
        note?.Invoke($"no tokenizer was given: a vocabulary of {size} tokens is trained on the text (data.tokenizer= takes one)");
        var trained = BpeTraining.Train(path, reading, new() { Size = size - VocabularyFiles.SpecialCount, Warn = note });
        var beside = FormattableString.Invariant($"{folder}.{Environment.ProcessId}-{Guid.NewGuid():N}.tmp");
        try
        {
            Directory.CreateDirectory(beside);
            VocabularyFiles.Write(beside, trained);
            // Whoever was faster wrote the same.
            if (!Directory.Exists(folder))
                Directory.Move(beside, folder);
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            if (!Directory.Exists(folder))
                throw new TandemException(ErrorKind.Machine, $"the vocabulary cannot be written: {cause.Message}", folder, remedy: "Set TANDEM_CACHE to a folder with room, or give data.tokenizer=", inner: cause);
        }
        finally
        {
            if (Directory.Exists(beside))
                Directory.Delete(beside, recursive: true);
        }
        return folder;
    }
}
