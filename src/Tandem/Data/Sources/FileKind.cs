using Tandem.Data.Audio;
using Tandem.Data.Images;

namespace Tandem.Data.Sources;

/// <summary>What counts as a sample's file, and what samples are called in errors: one for each modality whose samples are files.</summary>
/// <param name="Samples">The samples' name in the plural: pictures.</param>
/// <param name="Sample">In the singular.</param>
/// <param name="Formats">What <c>format=</c> may say.</param>
/// <param name="Extensions">Endings of samples' files, lower-case, without the dot.</param>
/// <param name="InShards">A shard's sample is the first of these that its key has.</param>
/// <param name="IsOne">Tells a sample's file by its first bytes.</param>
/// <param name="Expected">What would have been right where nothing is found.</param>
sealed record FileKind(string Samples, string Sample, string[] Formats, HashSet<string> Extensions, string[] InShards, Func<byte[], bool> IsOne, string Expected)
{
    // torchvision's list, and GIF, which it leaves out.
    public static FileKind Pictures { get; } = new(
        "pictures", "picture", ["folder", "tar", "webdataset", "cifar10", "cifar100", "idx", "list", "picture"],
        new(StringComparer.Ordinal) { "jpg", "jpeg", "png", "ppm", "bmp", "pgm", "tif", "tiff", "webp", "gif" },
        ["jpg", "png", "jpeg", "webp"], head => PictureDecoder.Format(head) != PictureFormat.Unknown,
        "pictures (jpg, png, webp, bmp, ppm, tif), shards, CIFAR's or MNIST's files");

    public static FileKind Recordings { get; } = new(
        "recordings", "recording", ["folder", "tar", "webdataset", "list", "recording"],
        new(StringComparer.Ordinal) { "wav", "flac", "ogg", "oga", "opus", "mp3", "aiff", "aif", "aifc", "au", "caf", "w64", "rf64" },
        ["flac", "wav", "mp3", "ogg", "opus", "oga", "aiff", "aif", "au", "caf", "w64"], head => SoundFile.IsSound(head),
        "recordings (wav, flac, ogg, opus, mp3, aiff) in a folder or tar, shards, or a list of them");

    /// <summary>Whether a name ends like a sample's file.</summary>
    public bool IsNamed(string name) => Extensions.Contains(Path.GetExtension(name).TrimStart('.').ToLowerInvariant());
}
