using Tandem.Runs;
using Xunit;

namespace Tandem.Tests.Runs;

public sealed class EventFileTests : IDisposable
{
    readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void AFileThatIsBeingWrittenCanBeFollowed()
    {
        using var events = EventFile.Create(folder.Path, DateTimeOffset.UnixEpoch.AddSeconds(1_700_000_000));
        var path = Assert.Single(Directory.GetFiles(folder.Path));
        Assert.StartsWith("events.out.tfevents.1700000000.", Path.GetFileName(path), StringComparison.Ordinal);
        events.Scalar(1_700_000_001, 5, "loss", 0.5f);
        var read = EventReader.Read(path, growing: true);
        Assert.Equal(("brain.Event:2", 5L, 0.5f), (read[0].FileVersion, read[1].Step, read[1].Values[0].Simple));

        var whole = File.ReadAllBytes(path);
        var cut = folder.Write("cut", "");
        for (var length = 0; length < whole.Length; length++)
        {
            File.WriteAllBytes(cut, whole[..length]);
            Assert.True(EventReader.Read(cut, growing: true).Count < 2);
        }
    }

    [Fact]
    public void AResumedRunWritesAnotherFile()
    {
        EventFile.Create(folder.Path, DateTimeOffset.UnixEpoch).Dispose();
        EventFile.Create(folder.Path, DateTimeOffset.UnixEpoch).Dispose();
        Assert.Equal(2, Directory.GetFiles(folder.Path).Length);
    }
}
