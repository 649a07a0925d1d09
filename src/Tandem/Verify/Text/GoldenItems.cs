using System.Text.Json;

namespace Tandem.Verify.Text;

/// <summary>The items of a case, one JSON object a line, and the vocabulary that it names.</summary>
static class GoldenItems
{
    /// <summary>Reads <c>items.jsonl</c> and hands each item to a check; what differs is told with the item's number.</summary>
    public static void Each(GoldenCase golden, Comparison comparison, Action<ItemCheck> check)
    {
        const int told = 5;
        var (number, failed) = (0, 0);
        foreach (var line in File.ReadLines(golden.File("items.jsonl")))
        {
            number++;
            if (line.Length == 0)
                continue;
            using var document = JsonDocument.Parse(line);
            var item = new ItemCheck(document.RootElement);
            check(item);
            item.Finish();
            if (item.Reason is { } reason && failed++ < told)
                comparison.Fail($"item {number}: {reason}");
        }
        comparison.Require(number > 0, "the case has no items");
        if (failed > told)
            comparison.Fail($"… and {failed - told} more of {number} items");
    }

    /// <summary>The folder of a vocabulary that a case names relative to where the cases were recorded: looked for above the case.</summary>
    /// <exception cref="SkippedException">It is not there.</exception>
    public static string Vocabulary(GoldenCase golden)
    {
        var name = golden.Config.GetString("vocabulary");
        for (var folder = new DirectoryInfo(Path.GetFullPath(golden.Folder)); folder is not null; folder = folder.Parent)
        {
            if (Directory.Exists(Path.Combine(folder.FullName, name)))
                return Path.Combine(folder.FullName, name);
        }
        throw new SkippedException($"the vocabulary {name} lies in no folder above the case");
    }
}

/// <summary>One item: fields that are asked for, and fields that are compared.</summary>
sealed class ItemCheck(JsonElement item)
{
    readonly HashSet<string> seen = new(StringComparer.Ordinal);

    /// <summary>The first difference, or null.</summary>
    public string? Reason { get; private set; }

    public bool Has(string name) => item.TryGetProperty(name, out _);

    public string Text(string name) => Field(name).GetString() ?? throw new CaseFailedException($"the item's field '{name}' is no text");

    public bool Flag(string name, bool otherwise) => Has(name) ? Field(name).GetBoolean() : otherwise;

    public string[] Texts(string name) => [.. Field(name).EnumerateArray().Select(one => one.GetString()!)];

    public int[] Ids(string name) => [.. Field(name).EnumerateArray().Select(one => one.GetInt32())];

    /// <summary>Compares a field exactly: a text, a list of texts, a list of whole numbers.</summary>
    public void Same(string name, object actual)
    {
        if (!Has(name))
            return;
        var expected = Field(name);
        var same = actual switch
        {
            string text => expected.ValueKind == JsonValueKind.String && expected.GetString() == text,
            IEnumerable<int> ids => expected.ValueKind == JsonValueKind.Array && expected.EnumerateArray().Select(one => one.GetInt32()).SequenceEqual(ids),
            IEnumerable<string> texts => expected.ValueKind == JsonValueKind.Array && expected.EnumerateArray().Select(one => one.GetString()).SequenceEqual(texts, StringComparer.Ordinal),
            _ => throw new ArgumentException($"{actual.GetType().Name} is not compared", nameof(actual)),
        };
        if (!same)
            Reason ??= $"'{name}' is {JsonSerializer.Serialize(actual)} instead of {expected.GetRawText()}";
    }

    /// <summary>Fields that no one asked for are a failure: something was not understood.</summary>
    public void Finish()
    {
        foreach (var name in item.EnumerateObject().Select(field => field.Name).Where(name => !seen.Contains(name)))
            Reason ??= $"the field '{name}' is not understood";
    }

    JsonElement Field(string name)
    {
        seen.Add(name);
        return item.TryGetProperty(name, out var value) ? value : throw new CaseFailedException($"an item has no field '{name}'");
    }
}
