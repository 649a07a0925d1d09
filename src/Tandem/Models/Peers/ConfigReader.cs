using System.Text.Json;

namespace Tandem.Models.Peers;

/// <summary>
/// Reads a publisher's configuration and keeps track of what was read, nested objects included, so that a reader can say which fields it did
/// not understand. Asking for a field that is missing or of another type is an error.
/// </summary>
public sealed class ConfigReader
{
    readonly JsonElement element;
    readonly string path;
    readonly HashSet<string> known = new(StringComparer.Ordinal);
    readonly Dictionary<string, List<ConfigReader>> nested = new(StringComparer.Ordinal);

    /// <summary>Reads a JSON object.</summary>
    /// <param name="element">The object.</param>
    /// <param name="path">Its place, for errors; empty or ending in a point.</param>
    public ConfigReader(JsonElement element, string path)
    {
        this.element = element;
        this.path = path;
    }

    /// <summary>Names of all fields, in the file's order; does not count as reading them.</summary>
    public IEnumerable<string> Names => element.EnumerateObject().Select(property => property.Name);

    /// <summary>Whether the field is there (also as null); does not count as reading it.</summary>
    public bool Has(string name) => element.TryGetProperty(name, out _);

    /// <summary>Whether the field is there and not null. Counts as reading it when it is null.</summary>
    public bool HasValue(string name)
    {
        if (!element.TryGetProperty(name, out var value))
            return false;
        if (value.ValueKind != JsonValueKind.Null)
            return true;
        known.Add(name);
        return false;
    }

    /// <summary>A whole number.</summary>
    public int GetInt(string name) => checked((int)GetLong(name));

    /// <summary>A whole number, or <paramref name="otherwise"/> when the field is missing.</summary>
    public int GetInt(string name, int otherwise) => Has(name) ? GetInt(name) : otherwise;

    /// <summary>A whole number, or null when the field is missing or null.</summary>
    public int? GetIntOrNull(string name) => HasValue(name) ? GetInt(name) : null;

    /// <summary>A whole number; also one written with a point (<c>8.0</c>), as Python configurations do.</summary>
    public long GetLong(string name)
    {
        var value = Take(name, JsonValueKind.Number);
        return value.TryGetInt64(out var whole) ? whole
            : value.GetDouble() is var number && Math.Abs(number) < 1L << 53 && Math.Floor(number) == number ? (long)number
            : throw Wrong(name, "a whole number", value);
    }

    /// <summary>A number.</summary>
    public double GetDouble(string name) => Take(name, JsonValueKind.Number).GetDouble();

    /// <summary>A number, or <paramref name="otherwise"/> when the field is missing.</summary>
    public double GetDouble(string name, double otherwise) => Has(name) ? GetDouble(name) : otherwise;

    /// <summary>A number, or null when the field is missing or null.</summary>
    public double? GetDoubleOrNull(string name) => HasValue(name) ? GetDouble(name) : null;

    /// <summary>A text.</summary>
    public string GetString(string name) => Take(name, JsonValueKind.String).GetString()!;

    /// <summary>A text, or <paramref name="otherwise"/> when the field is missing.</summary>
    public string GetString(string name, string otherwise) => Has(name) ? GetString(name) : otherwise;

    /// <summary>A text, or null when the field is missing or null.</summary>
    public string? GetStringOrNull(string name) => HasValue(name) ? GetString(name) : null;

    /// <summary>True or false.</summary>
    public bool GetBool(string name) => Get(name) is { ValueKind: JsonValueKind.True or JsonValueKind.False } value
        ? value.GetBoolean()
        : throw Wrong(name, "true or false", element.GetProperty(name));

    /// <summary>True or false, or <paramref name="otherwise"/> when the field is missing.</summary>
    public bool GetBool(string name, bool otherwise) => Has(name) ? GetBool(name) : otherwise;

    /// <summary>A list of whole numbers.</summary>
    public int[] GetInts(string name) =>
        [.. Items(name).Select(item => item.ValueKind == JsonValueKind.Number && item.TryGetInt32(out var whole) ? whole : throw Wrong(name, "a list of whole numbers", item))];

    /// <summary>A list of numbers.</summary>
    public double[] GetDoubles(string name) => [.. Items(name).Select(item => item.ValueKind == JsonValueKind.Number ? item.GetDouble() : throw Wrong(name, "a list of numbers", item))];

    /// <summary>A list of texts.</summary>
    public string[] GetStrings(string name) => [.. Items(name).Select(item => item.ValueKind == JsonValueKind.String ? item.GetString()! : throw Wrong(name, "a list of texts", item))];

    /// <summary>Any value as it stands; everything inside counts as read.</summary>
    public JsonElement Get(string name)
    {
        known.Add(name);
        return element.TryGetProperty(name, out var value) ? value : throw Error($"the configuration has no field '{path}{name}'");
    }

    /// <summary>A nested object, whose fields must be asked for in turn.</summary>
    public ConfigReader Object(string name)
    {
        if (nested.TryGetValue(name, out var before))
            return before[0];
        var reader = new ConfigReader(Take(name, JsonValueKind.Object), $"{path}{name}.");
        nested[name] = [reader];
        return reader;
    }

    /// <summary>A nested object, or null when the field is missing or null.</summary>
    public ConfigReader? ObjectOrNull(string name) => HasValue(name) ? Object(name) : null;

    /// <summary>A list of objects, whose fields must be asked for in turn.</summary>
    public IReadOnlyList<ConfigReader> Objects(string name)
    {
        if (!nested.TryGetValue(name, out var readers))
        {
            readers = [.. Take(name, JsonValueKind.Array).EnumerateArray().Select((item, place) => item.ValueKind == JsonValueKind.Object
                ? new ConfigReader(item, $"{path}{name}[{place}].")
                : throw Wrong(name, "a list of objects", item))];
            nested[name] = readers;
        }
        return readers;
    }

    /// <summary>Declares fields known that have no effect on the computation; they may be missing.</summary>
    public ConfigReader WithoutEffect(params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
            known.Add(name);
        return this;
    }

    /// <summary>Declares a field known that is implemented for one value only; another value is an error.</summary>
    /// <param name="name">The field; it may be missing.</param>
    /// <param name="only">The JSON value: <c>false</c>, <c>0</c>, <c>"none"</c>, <c>null</c>.</param>
    public ConfigReader Only(string name, object? only)
    {
        known.Add(name);
        if (element.TryGetProperty(name, out var value) && !Same(value, only))
            throw Error($"the configuration's '{path}{name}' is {value.GetRawText()}; only {JsonSerializer.Serialize(only)} is understood");
        return this;
    }

    /// <summary>Full names of the fields no one asked for, nested ones included.</summary>
    public IEnumerable<string> Unread()
    {
        foreach (var name in Names)
        {
            if (nested.TryGetValue(name, out var readers))
            {
                foreach (var inner in readers.SelectMany(reader => reader.Unread()))
                    yield return inner;
            }
            else if (!known.Contains(name))
            {
                yield return path + name;
            }
        }
    }

    static bool Same(JsonElement value, object? only) => only switch
    {
        null => value.ValueKind == JsonValueKind.Null,
        bool flag => value.ValueKind == (flag ? JsonValueKind.True : JsonValueKind.False),
        string text => value.ValueKind == JsonValueKind.String && value.GetString() == text,
        IConvertible number => value.ValueKind == JsonValueKind.Number && value.GetDouble() == number.ToDouble(System.Globalization.CultureInfo.InvariantCulture),
        _ => throw new ArgumentException($"no JSON value: {only}", nameof(only)),
    };

    JsonElement.ArrayEnumerator Items(string name) => Take(name, JsonValueKind.Array).EnumerateArray();

    JsonElement Take(string name, JsonValueKind kind)
    {
        var value = Get(name);
        return value.ValueKind == kind ? value : throw Wrong(name, kind.ToString(), value);
    }

    TandemException Wrong(string name, string expected, JsonElement value) => Error($"the configuration's '{path}{name}' is {Short(value)} instead of {expected}");

    static TandemException Error(string message) => new(ErrorKind.Input, message);

    static string Short(JsonElement value) => value.GetRawText() is { Length: > 60 } text ? text[..60] + "…" : value.GetRawText();
}
