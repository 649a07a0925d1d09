using System.Collections;
using System.Globalization;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using Tandem.Layers;

namespace Tandem.Recipes;

/// <summary>Turns a recipe's values into the types of options records, and back.</summary>
static class RecipeValues
{
    /// <summary>What <see cref="Convert"/> says when a value does not fit; the caller adds key and origin.</summary>
    public sealed class DoesNotFitException(string expected) : Exception(expected);

    /// <summary>A name as recipes write it.</summary>
    public static string Snake(string name) => JsonNamingPolicy.SnakeCaseLower.ConvertName(name);

    /// <summary>Whether a type is one value, not a record of settings.</summary>
    public static bool IsValue(Type type) => Scalar(type) is not null || ItemOf(type) is { } item && IsValue(item);

    /// <summary>Whether a type is a dictionary by text, and of what.</summary>
    public static Type? DictionaryOf(Type type) =>
        Generic(type, typeof(Dictionary<,>), typeof(IReadOnlyDictionary<,>), typeof(IDictionary<,>)) is [var key, var value] && key == typeof(string) ? value : null;

    /// <summary>The item type of a list, or null for anything else.</summary>
    public static Type? ItemOf(Type type) => type.IsArray
        ? type.GetElementType()
        : Generic(type, typeof(List<>), typeof(IReadOnlyList<>), typeof(IList<>), typeof(IReadOnlyCollection<>), typeof(IEnumerable<>)) is [var item] ? item : null;

    /// <summary>A type in the words of errors and tables.</summary>
    public static string Words(Type type, MeaningAttribute? meaning, RangeAttribute? range)
    {
        var plain = Nullable.GetUnderlyingType(type) ?? type;
        if (ItemOf(plain) is { } item)
            return $"a list of {Plural(item)}{RangeWords(range)}";
        var words = plain.IsEnum ? $"one of {string.Join(", ", Choices(plain))}"
            : plain == typeof(bool) ? "true or false"
            : plain == typeof(string) ? "a text"
            : plain == typeof(TimeSpan) ? "a time such as 20m"
            : plain == typeof(float) || plain == typeof(double) ? "a number"
            : plain == typeof(int) || plain == typeof(long) ? meaning?.Unit == "bytes" ? "a size such as 4GiB" : "a whole number"
            : "a section";
        return words + RangeWords(range) + (Nullable.GetUnderlyingType(type) is null ? "" : ", or null");
    }

    static string Plural(Type item) => item.IsEnum ? $"texts, each one of {string.Join(", ", Choices(item))}"
        : item == typeof(string) ? "texts"
        : item == typeof(int) || item == typeof(long) ? "whole numbers"
        : item == typeof(bool) ? "true or false"
        : item == typeof(TimeSpan) ? "times such as 20m"
        : Parse(item) is not null ? $"texts such as {string.Join(':', item.GetConstructors()[0].GetParameters().Select(parameter => Snake(parameter.Name!)))}"
        : "numbers";

    /// <summary>A range in words, with a space in front.</summary>
    public static string RangeWords(RangeAttribute? range) => range switch
    {
        null => "",
        { Max: double.PositiveInfinity } => string.Create(CultureInfo.InvariantCulture, $" from {range.Min} on"),
        { Min: double.NegativeInfinity } => string.Create(CultureInfo.InvariantCulture, $" up to {range.Max}"),
        _ => string.Create(CultureInfo.InvariantCulture, $" from {range.Min} to {range.Max}"),
    };

    /// <summary>Names of an enumeration's members as recipes write them.</summary>
    public static IEnumerable<string> Choices(Type type) => Enum.GetNames(type).Select(Snake);

    /// <summary>Converts a value.</summary>
    /// <param name="value">As JSON.</param>
    /// <param name="typed">Whether it was typed on a command line, where everything is a text.</param>
    /// <param name="type">The wanted type; nullable ones take null.</param>
    /// <param name="meaning">Its unit may be bytes.</param>
    /// <param name="range">Limits of numbers.</param>
    /// <param name="nullable">Whether a reference may be null.</param>
    public static object? Convert(JsonNode? value, bool typed, Type type, MeaningAttribute? meaning, RangeAttribute? range, bool nullable)
    {
        var plain = Nullable.GetUnderlyingType(type) ?? type;
        nullable |= plain != type;
        var text = value is JsonValue scalar && scalar.TryGetValue<string>(out var said) ? said : null;
        // "none" may be one of an enumeration's own words, and any text is a text.
        var ownWord = plain == typeof(string) || (plain.IsEnum && text is not null && Choices(plain).Contains(text, StringComparer.Ordinal));
        if (value is null || (typed && nullable && !ownWord && text is "null" or "none"))
            return nullable ? null : throw new DoesNotFitException(Words(type, meaning, range));
        if (ItemOf(plain) is { } item && plain != typeof(string))
            return Items(value, text, typed, plain, item, meaning, range);
        return Single(value, text, typed, plain, meaning, range) is { } converted && InRange(converted, range) ? converted : throw new DoesNotFitException(Words(type, meaning, range));
    }

    /// <summary>A value as recipes write it.</summary>
    public static JsonNode? ToNode(object? value, string? unit = null) => value switch
    {
        null => null,
        string text => JsonValue.Create(text),
        bool flag => JsonValue.Create(flag),
        TimeSpan time => JsonValue.Create(Quantities.Time(time)),
        Enum choice => JsonValue.Create(Snake(choice.ToString())),
        long bytes when unit == "bytes" => JsonValue.Create(Quantities.Bytes(bytes)),
        int whole => JsonValue.Create(whole),
        long whole => JsonValue.Create(whole),
        float number => JsonValue.Create(number),
        double number => JsonValue.Create(number),
        JsonNode node => node.DeepClone(),
        IEnumerable items => new JsonArray([.. items.Cast<object?>().Select(item => ToNode(item, unit))]),
        _ => JsonValue.Create(value.ToString()),
    };

    static Type? Scalar(Type type)
    {
        var plain = Nullable.GetUnderlyingType(type) ?? type;
        return plain.IsEnum || plain == typeof(string) || plain == typeof(bool) || plain == typeof(int) || plain == typeof(long) || plain == typeof(float) || plain == typeof(double) || plain == typeof(TimeSpan) || Parse(plain) is not null ? plain : null;
    }

    // A record of ours that is written as one word: an extractor's layer 512:10:5.
    static MethodInfo? Parse(Type type) => type.Namespace?.StartsWith(nameof(Tandem), StringComparison.Ordinal) == true && type.GetInterfaces().Any(one => one.IsGenericType && one.GetGenericTypeDefinition() == typeof(IParsable<>))
        ? type.GetMethod(nameof(IParsable<>.TryParse), [typeof(string), typeof(IFormatProvider), type.MakeByRefType()])
        : null;

    static Type[]? Generic(Type type, params ReadOnlySpan<Type> definitions)
    {
        if (type.IsGenericType)
        {
            foreach (var definition in definitions)
            {
                if (type.GetGenericTypeDefinition() == definition)
                    return type.GetGenericArguments();
            }
        }
        return null;
    }

    static object Items(JsonNode value, string? text, bool typed, Type type, Type item, MeaningAttribute? meaning, RangeAttribute? range)
    {
        // A single value is a list of one; on a command line commas separate.
        IEnumerable<JsonNode?> nodes = value is JsonArray array ? array
            : text is not null && typed ? text.Length == 0 ? [] : text.Split(',').Select(part => (JsonNode?)JsonValue.Create(part.Trim()))
            : value is JsonValue ? [value]
            : throw new DoesNotFitException(Words(type, meaning, range));
        var list = (IList)Activator.CreateInstance(typeof(List<>).MakeGenericType(item))!;
        foreach (var node in nodes)
        {
            try
            {
                list.Add(Convert(node, typed, item, meaning, range, nullable: false));
            }
            catch (DoesNotFitException)
            {
                throw new DoesNotFitException(Words(type, meaning, range));
            }
        }
        if (!type.IsArray)
            return list;
        var result = Array.CreateInstance(item, list.Count);
        list.CopyTo(result, 0);
        return result;
    }

    static object? Single(JsonNode value, string? text, bool typed, Type type, MeaningAttribute? meaning, RangeAttribute? range)
    {
        if (value is not JsonValue scalar)
            return null;
        if (type == typeof(string))
            return text ?? (typed ? scalar.ToString() : null);
        if (type.IsEnum)
            return text is null ? null : Enum.GetValues(type).Cast<object>().FirstOrDefault(choice => Snake(choice.ToString()!) == text);
        if (type == typeof(bool))
            return scalar.TryGetValue<bool>(out var flag) ? flag : typed && text is "true" or "false" ? text == "true" : null;
        if (type == typeof(TimeSpan))
            return text is not null ? Quantities.TryTime(text, out var time) ? time : null : Number(scalar) is { } seconds && Quantities.TrySeconds(seconds, out time) ? time : null;
        if (Parse(type) is { } parse)
        {
            object?[] arguments = [text, CultureInfo.InvariantCulture, null];
            return text is not null && (bool)parse.Invoke(null, arguments)! ? arguments[2] : null;
        }
        if (text is not null && !typed && meaning?.Unit != "bytes")
            return null;
        if (type == typeof(double) || type == typeof(float))
        {
            var number = text is null ? Number(scalar) : double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var parsed) ? parsed : null;
            return number is { } finite && double.IsFinite(finite) ? type == typeof(float) ? (object)(float)finite : finite : null;
        }
        long? whole = text is null ? Whole(scalar)
            : meaning?.Unit == "bytes" ? Quantities.TryBytes(text, out var bytes) ? bytes : null
            : long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number2) ? number2
            : double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var written) && Math.Floor(written) == written && Math.Abs(written) < 1L << 53 ? (long)written : null;
        if (whole is not { } fits)
            return null;
        return type == typeof(long) ? fits : fits is >= int.MinValue and <= int.MaxValue ? (object)(int)fits : null;
    }

    static double? Number(JsonValue value) => value.GetValueKind() == JsonValueKind.Number ? double.Parse(value.ToJsonString(), NumberStyles.Float, CultureInfo.InvariantCulture) : null;

    static long? Whole(JsonValue value)
    {
        if (value.GetValueKind() != JsonValueKind.Number)
            return null;
        var text = value.ToJsonString();
        return long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var whole) ? whole
            : Number(value) is { } number && Math.Floor(number) == number && Math.Abs(number) < 1L << 53 ? (long)number : null;
    }

    static bool InRange(object value, RangeAttribute? range) => range is null || value switch
    {
        int or long or float or double => System.Convert.ToDouble(value, CultureInfo.InvariantCulture) is var number && number >= range.Min && number <= range.Max,
        TimeSpan time => time.TotalSeconds >= range.Min && time.TotalSeconds <= range.Max,
        _ => true,
    };
}
