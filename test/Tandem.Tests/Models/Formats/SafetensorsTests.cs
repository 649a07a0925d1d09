using System.Buffers.Binary;
using System.Text;
using Tandem.Data;
using Tandem.Models.Formats;
using Tandem.Torch;
using Xunit;

namespace Tandem.Tests.Models.Formats;

public sealed class SafetensorsTests : IDisposable
{
    readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void WhatWasWrittenIsReadAgain()
    {
        var path = folder["a.safetensors"];
        var tensors = new Dictionary<string, HostTensor>
        {
            ["w"] = HostTensor.From<float>([1, 2, 3, 4, 5, 6], 2, 3),
            ["ids"] = HostTensor.From<long>([long.MaxValue, -1], 2),
            ["mask"] = HostTensor.From<bool>([true, false, true], 3),
            ["scalar"] = HostTensor.From<double>([0.5]),
            ["empty"] = HostTensor.From<Half>([], 0, 7),
            ["brain"] = new(ScalarType.BFloat16, [2], [0, 0x3F, 0x80, 0x3F]),
        };
        Safetensors.Write(path, tensors, new Dictionary<string, string> { ["format"] = "pt", ["note"] = "größe \"x\"\n" });

        var read = Safetensors.ReadAll(path);
        Assert.Equal(tensors.Keys.Order(), read.Keys.Order());
        foreach (var (name, tensor) in tensors)
        {
            Assert.Equal(tensor.Type, read[name].Type);
            Assert.Equal(tensor.Shape, read[name].Shape);
            Assert.Equal(tensor.Bytes, read[name].Bytes);
        }
        using var file = Safetensors.Open(path);
        Assert.Equal("größe \"x\"\n", file.Metadata["note"]);
        Assert.Equal(0, file.HeaderBytes % 8);
        Assert.Single(Directory.GetFileSystemEntries(folder.Path));
    }

    [Fact]
    public void APieceOfATensorCanBeRead()
    {
        Safetensors.Write(folder["a.safetensors"], [new("x", HostTensor.From<byte>([0, 1, 2, 3, 4, 5], 6))]);
        using var file = Safetensors.Open(folder["a.safetensors"]);
        var piece = new byte[3];
        file.ReadBytes("x", 2, piece);
        Assert.Equal([2, 3, 4], piece);
        Assert.Throws<ArgumentOutOfRangeException>(() => file.ReadBytes("x", 4, piece));
    }

    [Theory]
    [InlineData("", FileFault.Truncated)]
    [InlineData("\u0001", FileFault.Truncated)]
    public void AFileThatIsTooShortIsTruncated(string bytes, FileFault fault) => Refuses(Encoding.Latin1.GetBytes(bytes), fault);

    [Theory]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}} """, 4, null)]
    [InlineData("""   {"__metadata__":null}""", 0, null)]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 3, FileFault.Truncated)]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 5, FileFault.Inconsistent)]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}""", 4, FileFault.Inconsistent)]
    [InlineData("""{"a":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}}""", 4, FileFault.Inconsistent)]
    [InlineData("""{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}""", 4, FileFault.Inconsistent)]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[1,5]}}""", 5, FileFault.Inconsistent)]
    [InlineData("""{"a":{"dtype":"F99","shape":[1],"data_offsets":[0,4]}}""", 4, FileFault.Unsupported)]
    [InlineData("""{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}""", 0, FileFault.TooLarge)]
    [InlineData("""{"a":{"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,0]}}""", 0, FileFault.TooLarge)]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", 8, FileFault.Inconsistent)]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[2,6]}}""", 6, FileFault.Inconsistent)]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],}}""", 4, FileFault.Inconsistent)]
    [InlineData("""{} {}""", 0, FileFault.Inconsistent)]
    [InlineData("""{"__metadata__":{"a":1}}""", 0, FileFault.Inconsistent)]
    [InlineData("""{"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0],"x":"\ud800"}}""", 0, FileFault.Inconsistent)]
    public void AHeaderIsReadOrRefusedWithItsFault(string header, int data, FileFault? fault) => Refuses(File(header, data), fault);

    [Fact]
    public void DeepHeadersAreTooLarge() =>
        Refuses(File("{\"a\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0],\"x\":" + new string('[', 70) + new string(']', 70) + "}}", 0), FileFault.TooLarge);

    [Fact]
    public void AGitPointerIsNamed()
    {
        System.IO.File.WriteAllText(folder["p"], "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n");
        var error = Assert.Throws<TandemException>(() => Safetensors.Open(folder["p"]));
        Assert.Contains("Git LFS pointer", error.Paragraph, StringComparison.Ordinal);
    }

    [Fact]
    public void AMissingFileOrTensorIsTheInputsFault()
    {
        Assert.Equal(ErrorKind.Input, Assert.Throws<TandemException>(() => Safetensors.Open(folder["none"])).Kind);
        Safetensors.Write(folder["a"], []);
        using var file = Safetensors.Open(folder["a"]);
        Assert.Contains("'w'", Assert.Throws<TandemException>(() => file.Read("w")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AnUnloadableTypeDoesNotHideTheOthers()
    {
        System.IO.File.WriteAllBytes(folder["a"], File("""{"a":{"dtype":"F8_E4M3","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[1],"data_offsets":[4,5]}}""", 5));
        using var file = Safetensors.Open(folder["a"]);
        Assert.Null(file.Entry("a").Type);
        Assert.Equal(1, file.Read("b").Count);
        Assert.Equal(FileFault.Unsupported, FileFaults.FaultOf(Assert.Throws<TandemException>(() => file.Read("a"))));
    }

    static byte[] File(string header, int data)
    {
        var json = Encoding.UTF8.GetBytes(header);
        var bytes = new byte[8 + json.Length + data];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, json.Length);
        json.CopyTo(bytes, 8);
        return bytes;
    }

    void Refuses(byte[] bytes, FileFault? fault)
    {
        System.IO.File.WriteAllBytes(folder["x"], bytes);
        if (fault is null)
        {
            Safetensors.ReadAll(folder["x"]);
            return;
        }
        var error = Assert.Throws<TandemException>(() => Safetensors.ReadAll(folder["x"]));
        Assert.Equal(ErrorKind.Input, error.Kind);
        Assert.Equal(fault, FileFaults.FaultOf(error));
        Assert.StartsWith(fault.Value.Word(), error.Message, StringComparison.Ordinal);
    }
}
