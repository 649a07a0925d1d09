namespace Tandem.Data.Sources;

/// <summary>Picture files named one by one; each keeps the name it was given by, and is read when its turn comes.</summary>
sealed class NamedPictures(string[] paths) : PictureSource
{
    public override int Count => paths.Length;

    public override string Description => $"{paths.Length} files";

    public override string Name(int index) => paths[index];

    public override byte[] ReadBytes(int index)
    {
        try
        {
            return File.ReadAllBytes(paths[index]);
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            throw new TandemException(ErrorKind.Input, $"the file cannot be read: {cause.Message}", paths[index], "a picture", inner: cause);
        }
    }
}
