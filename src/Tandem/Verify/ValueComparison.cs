using System.Collections;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Tandem.Verify;

/// <summary>
/// Compares plain values: texts, booleans, null and whole numbers must be equal, lists and objects have the same length and keys, and numbers
/// that the case writes with point or exponent pass within a tolerance.
/// </summary>
sealed class ValueComparison((double Relative, double Absolute) tolerance, Func<string, double, double, (double, double), bool> within, Action<string> fail)
{
    static readonly JsonSerializerOptions Deep = new() { MaxDepth = 4096 };

    public void Compare(string place, JsonElement expected, object? actual)
    {
        if (actual is JsonNode node)
            actual = JsonSerializer.SerializeToElement(node, Deep);
        else if (actual is null && expected.ValueKind != JsonValueKind.Null)
        {
            fail($"{place} is null instead of {Short(expected)}");
            return;
        }
        switch (expected.ValueKind)
        {
            case JsonValueKind.Object:
                CompareObject(place, expected, actual);
                break;
            case JsonValueKind.Array:
                CompareList(place, expected, actual);
                break;
            case JsonValueKind.Number:
                CompareNumber(place, expected, actual);
                break;
            default:
                var same = expected.ValueKind switch
                {
                    JsonValueKind.String => Text(actual) is { } text && text == expected.GetString(),
                    JsonValueKind.Null => actual is null or JsonElement { ValueKind: JsonValueKind.Null },
                    _ => Flag(actual) is { } flag && flag == expected.GetBoolean(),
                };
                if (!same)
                    fail($"{place} is {Show(actual)} instead of {Short(expected)}");
                break;
        }
    }

    void CompareObject(string place, JsonElement expected, object? actual)
    {
        if (Fields(actual) is not { } fields)
        {
            fail($"{place} is {Show(actual)} instead of an object");
            return;
        }
        foreach (var field in expected.EnumerateObject())
        {
            if (fields.TryGetValue(field.Name, out var value))
                Compare($"{place}.{field.Name}", field.Value, value);
            else
                fail($"{place}.{field.Name} is missing");
        }
        foreach (var name in fields.Keys.Where(name => !expected.TryGetProperty(name, out _)))
            fail($"{place}.{name} is not expected");
    }

    void CompareList(string place, JsonElement expected, object? actual)
    {
        if (Items(actual) is not { } items)
        {
            fail($"{place} is {Show(actual)} instead of a list");
            return;
        }
        if (items.Count != expected.GetArrayLength())
        {
            fail($"{place} has {items.Count} items instead of {expected.GetArrayLength()}");
            return;
        }
        var index = 0;
        foreach (var item in expected.EnumerateArray())
        {
            Compare($"{place}[{index}]", item, items[index]);
            index++;
        }
    }

    void CompareNumber(string place, JsonElement expected, object? actual)
    {
        var raw = expected.GetRawText();
        if (raw.AsSpan().IndexOfAny(".eE") < 0)
        {
            if (Whole(actual) is not { } whole || whole != Int128.Parse(raw, CultureInfo.InvariantCulture))
                fail($"{place} is {Show(actual)} instead of {raw}");
        }
        else if (Number(actual) is not { } number || !within(place, number, expected.GetDouble(), tolerance))
        {
            fail($"{place} is {Show(actual)} instead of {raw}");
        }
    }

    static string? Text(object? actual) => actual switch { string text => text, JsonElement { ValueKind: JsonValueKind.String } json => json.GetString(), _ => null };

    static bool? Flag(object? actual) => actual switch { bool flag => flag, JsonElement { ValueKind: JsonValueKind.True or JsonValueKind.False } json => json.GetBoolean(), _ => null };

    static Int128? Whole(object? actual) => actual switch
    {
        JsonElement { ValueKind: JsonValueKind.Number } json => Int128.TryParse(json.GetRawText(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var whole) ? whole : Whole(json.GetDouble()),
        byte or sbyte or short or ushort or int or uint or long or ulong => Int128.Parse(Convert.ToString(actual, CultureInfo.InvariantCulture)!, CultureInfo.InvariantCulture),
        float number => Whole((double)number),
        double number when Math.Floor(number) == number && Math.Abs(number) < 1e30 => (Int128)number,
        _ => null,
    };

    static double? Number(object? actual) => actual switch
    {
        JsonElement { ValueKind: JsonValueKind.Number } json => json.GetDouble(),
        bool or string or char or JsonElement or null => null,
        IConvertible number => number.ToDouble(CultureInfo.InvariantCulture),
        Half half => (double)half,
        _ => null,
    };

    static IReadOnlyDictionary<string, object?>? Fields(object? actual) => actual switch
    {
        JsonElement { ValueKind: JsonValueKind.Object } json => json.EnumerateObject().ToDictionary(field => field.Name, field => (object?)field.Value, StringComparer.Ordinal),
        IDictionary dictionary => dictionary.Keys.Cast<object>().ToDictionary(key => Convert.ToString(key, CultureInfo.InvariantCulture)!, key => dictionary[key], StringComparer.Ordinal),
        IReadOnlyDictionary<string, object?> fields => fields,
        IReadOnlyDictionary<string, string> texts => texts.ToDictionary(text => text.Key, text => (object?)text.Value, StringComparer.Ordinal),
        _ => null,
    };

    static IReadOnlyList<object?>? Items(object? actual) => actual switch
    {
        string => null,
        JsonElement { ValueKind: JsonValueKind.Array } json => [.. json.EnumerateArray().Select(item => (object?)item)],
        JsonElement or IDictionary => null,
        IEnumerable items => [.. items.Cast<object?>()],
        _ => null,
    };

    static string Show(object? actual) => actual switch
    {
        null => "null",
        JsonElement json => Short(json),
        string text => $"\"{text}\"",
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        IDictionary => "an object",
        IEnumerable => "a list",
        _ => actual.ToString() ?? "",
    };

    static string Short(JsonElement value) => value.GetRawText() is { Length: > 60 } text ? text[..60] + "…" : value.GetRawText();
}
