using System.Security.Cryptography;
using System.Text;
using Tandem.Data.Sources;

namespace Tandem.Verify;

/// <summary>Kinds <c>tar</c> and <c>webdataset</c> of method <c>formats</c>: members of archives, samples of a shard.</summary>
sealed class TarKinds : ICaseKind
{
    public string Method => "formats";

    public IReadOnlyList<string> Kinds => ["tar", "webdataset"];

    public void Check(GoldenCase golden, Comparison comparison, string device)
    {
        golden.Config.Only("reader", "tar");
        if (golden.Kind == "tar")
            Members(golden, comparison);
        else
            Samples(golden, comparison);
    }

    /// <summary>Reads an archive to its end, data included.</summary>
    public static void ReadAll(string path)
    {
        foreach (var _ in Read(path))
        {
        }
    }

    static void Members(GoldenCase golden, Comparison comparison)
    {
        var archives = new Dictionary<string, object?>(StringComparer.Ordinal);
        foreach (var archive in comparison.Given("archives").EnumerateObject())
        {
            archives[archive.Name] = Read(golden.File(archive.Name)).Where(read => read.Member.Type is TarType.File or TarType.HardLink or TarType.SymbolicLink).Select(read => (object?)Told(read.Member, read.Data)).ToList();
        }
        comparison.Value("archives", archives);
    }

    static Dictionary<string, object?> Told(TarMember member, byte[] data) => member.Type == TarType.File
        ? new(StringComparer.Ordinal) { ["name"] = member.Name, ["type"] = "file", ["size"] = member.Size, ["sha256"] = Convert.ToHexStringLower(SHA256.HashData(data)) }
        : new(StringComparer.Ordinal) { ["name"] = member.Name, ["type"] = member.Type == TarType.HardLink ? "hardlink" : "symlink", ["link"] = member.Link };

    static void Samples(GoldenCase golden, Comparison comparison)
    {
        var files = Read(golden.File(comparison.Given("file").GetString()!)).Where(read => read.Member.Type == TarType.File).ToList();
        var samples = SampleKey.Samples([.. files.Select(file => file.Member.Name)]).Select(sample => (object?)new Dictionary<string, object?>(StringComparer.Ordinal)
        {
            ["key"] = sample.Key,
            ["fields"] = sample.Members.ToDictionary(member => member.Key, member => (object?)Encoding.UTF8.GetString(files[member.Value].Data), StringComparer.Ordinal),
        });
        comparison.Value("samples", samples.ToList());
    }

    static IEnumerable<(TarMember Member, byte[] Data)> Read(string path)
    {
        using var stream = File.OpenRead(path);
        var reader = new TarReader(stream, path);
        while (reader.Next() is { } member)
            yield return (member, member.Type == TarType.File ? reader.Read() : []);
    }
}
