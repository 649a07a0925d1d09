namespace Tandem.Data.Sources;

/// <summary>Pictures that are files: of a folder tree, of tars, of a list.</summary>
/// <param name="files">The files; closed with the source.</param>
sealed class PictureFiles(SampleFiles files) : PictureSource
{
    public override string Description => files.Description;

    public override int Count => files.Count;

    public override IReadOnlyList<string>? ClassNames => files.ClassNames;

    internal override bool IsCheapToReopen => files.IsCheapToReopen;

    public override string Name(int index) => files.Entry(index).Name;

    public override int? Label(int index) => files.Label(index);

    public override string Where(int index) => files.Where(index);

    public override byte[] ReadBytes(int index) => files.ReadBytes(index);

    public override byte[]? ReadBeside(int index, string extension) => files.ReadBeside(index, extension);

    internal override string Stamp(int index) => files.Stamp(index);

    protected override void Dispose(bool disposing) => files.Dispose();
}
