namespace Tandem.Cli.Doctor;

/// <summary>The folders that Tandem writes to: whether it may, and how much room there is.</summary>
sealed class FolderCheck : ICheck
{
    const long Little = 1L << 30;

    public string About => "folders";

    public IEnumerable<Finding> Look()
    {
        yield return Folder("cache folder", AboutTandem.CacheFolder, "Set XDG_CACHE_HOME to a folder of yours with a gigabyte of room");
        yield return Folder("current folder", Environment.CurrentDirectory, "Runs are written below the folder of out=: choose one with room that you may write to");
    }

    Finding Folder(string name, string folder, string remedy)
    {
        try
        {
            Directory.CreateDirectory(folder);
            using (File.Create(Path.Combine(folder, $".tandem-doctor-{Environment.ProcessId}"), 1, FileOptions.DeleteOnClose))
            {
                var free = new DriveInfo(folder).AvailableFreeSpace;
                return new(About, name, free < Little ? State.Warning : State.Good, $"{folder}, {MemoryCheck.Size(free)} free", remedy);
            }
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            return new(About, name, State.Warning, $"{folder} cannot be written: {refused.Message}", remedy);
        }
    }
}
