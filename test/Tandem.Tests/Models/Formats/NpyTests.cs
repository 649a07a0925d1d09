using Tandem.Models.Formats;
using Tandem.Torch;
using Xunit;

namespace Tandem.Tests.Models.Formats;

public sealed class NpyTests : IDisposable
{
    readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void WhatWasWrittenIsReadAgain()
    {
        Npy.Write(folder["a.npy"], HostTensor.From<float>([1, 2, 3, 4, 5, 6], 2, 3));
        var read = Npy.Read(folder["a.npy"]).ToTensor();
        Assert.Equal([2L, 3], read.Shape);
        Assert.Equal([1, 2, 3, 4, 5, 6], read.As<float>().ToArray());
    }

    [Fact]
    public void BrainFloatsBecomeFloats()
    {
        Npy.Write(folder["a.npy"], new HostTensor(ScalarType.BFloat16, [2], [0x80, 0x3F, 0, 0xC0]));
        Assert.Equal([1f, -2f], Npy.Read(folder["a.npy"]).ToTensor().As<float>().ToArray());
    }

    [Fact]
    public void RowsCanBeAppendedWithoutKnowingHowMany()
    {
        using (var rows = new NpyRows(folder["a.npy"], 2))
        {
            for (var i = 0; i < 123; i++)
                rows.Append([i, -i]);
            Assert.False(File.Exists(folder["a.npy"]));
            rows.Complete();
        }
        var read = Npy.Read(folder["a.npy"]).ToTensor();
        Assert.Equal([123L, 2], read.Shape);
        Assert.Equal(-122, read.As<float>()[^1]);
        Assert.Equal(0, (new FileInfo(folder["a.npy"]).Length - (123 * 8)) % 64);
    }

    [Fact]
    public void RowsThatWereNotCompletedLeaveNothing()
    {
        using (var rows = new NpyRows(folder["a.npy"], 2))
            rows.Append([1, 2]);
        Assert.Empty(Directory.GetFileSystemEntries(folder.Path));
    }
}
