using System.Collections.Concurrent;
using Tandem.Data.Images;

namespace Tandem.Data.Sources;

/// <summary>
/// Chosen pictures of a source, in the chosen order. One that cannot be read does not end the work: it comes as a single grey pixel and
/// stands in <see cref="Bad"/>, and whoever takes the pictures leaves it out.
/// </summary>
/// <param name="source">Where pictures come from; not disposed of.</param>
/// <param name="samples">Their numbers there, at least one; all when null.</param>
public sealed class PictureSelection(PictureSource source, IReadOnlyList<int>? samples = null) : PictureSource
{
    readonly ConcurrentDictionary<int, BadSample> bad = new();

    /// <inheritdoc/>
    public override int Count => samples?.Count ?? source.Count;

    /// <inheritdoc/>
    public override string Description => source.Description;

    /// <inheritdoc/>
    public override IReadOnlyList<string>? ClassNames => source.ClassNames;

    /// <inheritdoc/>
    public override bool IsDecoded => source.IsDecoded;

    /// <summary>Those that could not be read so far, by their number here.</summary>
    public IReadOnlyDictionary<int, BadSample> Bad => bad;

    /// <summary>A sample's number in the source.</summary>
    public int Original(int index) => samples?[index] ?? index;

    /// <inheritdoc/>
    public override string Name(int index) => source.Name(Original(index));

    /// <inheritdoc/>
    public override int? Label(int index) => source.Label(Original(index));

    /// <inheritdoc/>
    public override string Where(int index) => source.Where(Original(index));

    /// <inheritdoc/>
    public override byte[] ReadBytes(int index) => source.ReadBytes(Original(index));

    /// <inheritdoc/>
    public override byte[]? ReadBeside(int index, string extension) => source.ReadBeside(Original(index), extension);

    /// <inheritdoc/>
    public override Picture Read(int index, PictureReading reading)
    {
        try
        {
            return source.Read(Original(index), reading);
        }
        catch (TandemException error) when (error.Kind is ErrorKind.Input or ErrorKind.Machine)
        {
            bad[index] = new(Original(index), Name(index), $"{error.Where ?? Where(index)}: {error.Message}");
            return new Picture(1, 1, 3, [128, 128, 128]);
        }
    }

    internal override string Stamp(int index) => source.Stamp(Original(index));
}
