using System.Collections;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using System.Text.Json.Nodes;
using Tandem.Layers;

namespace Tandem.Recipes;

/// <summary>A setting that some options record declares: a constructor parameter or a property that can be set.</summary>
/// <param name="Name">As recipes write it.</param>
/// <param name="Type">Its type.</param>
/// <param name="Nullable">Whether null is allowed.</param>
/// <param name="Meaning">What it means.</param>
/// <param name="Range">Limits of its numbers.</param>
/// <param name="Required">Whether it has no default.</param>
/// <param name="Default">The default.</param>
sealed record Setting(string Name, Type Type, bool Nullable, MeaningAttribute? Meaning, RangeAttribute? Range, bool Required, object? Default);

/// <summary>Builds options records from a recipe's sections, and remembers which keys are known.</summary>
sealed class RecipeBinder(RecipeNode root)
{
    /// <summary>A key that some record declares, with its value.</summary>
    public sealed record Bound(string Key, Setting Setting, JsonNode? Value, RecipeOrigin Origin);

    /// <summary>Known keys in the order of binding.</summary>
    public Dictionary<string, Bound> Known { get; } = new(StringComparer.Ordinal);

    /// <summary>Sections and the types that were bound to them.</summary>
    public List<(string Section, Type Type)> Sections { get; } = [];

    /// <summary>Paths below which every key is known: dictionaries, and nested records that were left null.</summary>
    public HashSet<string> Open { get; } = new(StringComparer.Ordinal);

    /// <summary>Binds a section.</summary>
    public object Bind(string path, Type type)
    {
        if (!Sections.Contains((path, type)))
            Sections.Add((path, type));
        return Record(path, type, root.Find(path));
    }

    object Record(string path, Type type, RecipeNode? node)
    {
        if (node is not null && !node.IsSection && node.Value is not null)
            throw Wrong(path, node, "a section");
        var constructor = Constructor(type);
        var parameters = constructor.GetParameters();
        var arguments = parameters.Select(parameter => Value(path, Describe(parameter, type), node)).ToArray();
        var instance = Guard(path, node, () => constructor.Invoke(arguments));
        foreach (var property in Properties(type, parameters))
        {
            var setting = Describe(property, instance);
            var value = Value(path, setting, node);
            Guard<object?>(path, node, () =>
            {
                property.SetValue(instance, value);
                return null;
            });
        }
        return instance;
    }

    object? Value(string path, Setting setting, RecipeNode? section)
    {
        var key = path.Length == 0 ? setting.Name : $"{path}.{setting.Name}";
        var node = section?.Parts?.GetValueOrDefault(setting.Name);
        if (RecipeValues.DictionaryOf(setting.Type) is { } item)
        {
            Open.Add(key);
            return node is null ? Fallback(key, setting) : Dictionary(key, setting, item, node);
        }
        if (!RecipeValues.IsValue(setting.Type))
            return Nested(key, setting, node);
        if (node is null)
            return Fallback(key, setting);
        if (node.IsSection)
            throw Wrong(key, node, RecipeValues.Words(setting.Type, setting.Meaning, setting.Range));
        var value = Converted(key, setting, setting.Type, setting.Nullable, node);
        Known[key] = new Bound(key, setting, RecipeValues.ToNode(value, setting.Meaning?.Unit), node.Origin);
        return value;
    }

    object? Nested(string key, Setting setting, RecipeNode? node)
    {
        if (node is null && (setting.Nullable || (!setting.Required && setting.Default is null)))
        {
            Known[key] = new Bound(key, setting, null, RecipeOrigin.Default);
            return setting.Default;
        }
        if (node is { IsSection: false } && (node.Value is null || (node.Origin.Kind == OriginKind.CommandLine && node.Value.ToString() is "null" or "none")))
        {
            if (!setting.Nullable)
                throw Wrong(key, node, "a section");
            Known[key] = new Bound(key, setting, null, node.Origin);
            return null;
        }
        var type = System.Nullable.GetUnderlyingType(setting.Type) ?? setting.Type;
        // A default given by the enclosing record counts where the recipe is silent.
        return node is null && setting.Default is { } given ? Restate(key, given) : Record(key, type, node);
    }

    /// <summary>Registers a nested default's settings as known, with the values that it has.</summary>
    object Restate(string key, object given)
    {
        foreach (var property in given.GetType().GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(property => property is { CanRead: true, CanWrite: true } && property.GetIndexParameters().Length == 0))
        {
            var parameter = Constructor(given.GetType()).GetParameters().FirstOrDefault(parameter => parameter.Name == property.Name);
            var setting = parameter is null ? Describe(property, given) : Describe(parameter, given.GetType()) with { Default = property.GetValue(given) };
            var inner = $"{key}.{setting.Name}";
            if (RecipeValues.IsValue(setting.Type))
                Known[inner] = new Bound(inner, setting, RecipeValues.ToNode(setting.Default, setting.Meaning?.Unit), RecipeOrigin.Default);
            else if (RecipeValues.DictionaryOf(setting.Type) is not null)
                Open.Add(inner);
            else if (setting.Default is { } nested)
                Restate(inner, nested);
            else
                Known[inner] = new Bound(inner, setting, null, RecipeOrigin.Default);
        }
        return given;
    }

    object? Fallback(string key, Setting setting)
    {
        if (setting.Required)
        {
            var shorthand = RecipeDocument.ShortKeys.FirstOrDefault(pair => pair.Value == key).Key ?? key;
            throw new TandemException(ErrorKind.Usage, $"'{key}' is missing{(setting.Meaning is null ? "" : $": {setting.Meaning.Text}")}",
                expected: RecipeValues.Words(setting.Type, setting.Meaning, setting.Range), remedy: $"Give it on the command line: `{shorthand}=…`.");
        }
        Known[key] = new Bound(key, setting, RecipeValues.ToNode(setting.Default, setting.Meaning?.Unit), RecipeOrigin.Default);
        return setting.Default;
    }

    object? Dictionary(string key, Setting setting, Type item, RecipeNode node)
    {
        if (!node.IsSection)
            return node.Value is null && setting.Nullable ? null : throw Wrong(key, node, "a section");
        var dictionary = (IDictionary)Activator.CreateInstance(typeof(Dictionary<,>).MakeGenericType(typeof(string), item))!;
        foreach (var (name, part) in node.Parts!)
        {
            var inner = $"{key}.{name}";
            var entry = setting with { Name = name, Type = item, Required = true };
            dictionary[name] = RecipeValues.IsValue(item) && !part.IsSection ? Converted(inner, entry, item, nullable: false, part) : Record(inner, item, part);
            if (RecipeValues.IsValue(item))
                Known[inner] = new Bound(inner, entry, RecipeValues.ToNode(dictionary[name], setting.Meaning?.Unit), part.Origin);
        }
        return dictionary;
    }

    static object? Converted(string key, Setting setting, Type type, bool nullable, RecipeNode node)
    {
        try
        {
            return RecipeValues.Convert(node.Value, node.Origin.Kind == OriginKind.CommandLine, type, setting.Meaning, setting.Range, nullable);
        }
        catch (RecipeValues.DoesNotFitException cause)
        {
            throw Wrong(key, node, cause.Message + (setting.Meaning is null ? "" : $" ({setting.Meaning.Text})"));
        }
    }

    static TandemException Wrong(string key, RecipeNode node, string expected)
    {
        var value = node.IsSection ? "a section" : node.Value is null ? "null" : node.Value.ToJsonString() is var text && text.Length > 60 ? text[..60] + "…" : node.Value.ToJsonString();
        return new TandemException(ErrorKind.Usage, $"'{key}' is {value}", node.Origin.ToString(), expected);
    }

    /// <summary>A record that refuses its settings (they contradict each other) is the recipe's fault, not the program's.</summary>
    static T Guard<T>(string path, RecipeNode? node, Func<T> make)
    {
        try
        {
            return make();
        }
        catch (TargetInvocationException cause) when (cause.InnerException is ArgumentException refusal)
        {
            throw new TandemException(ErrorKind.Usage, $"the section '{path}' is refused: {refusal.Message}", node?.Origin.ToString(), inner: refusal);
        }
        catch (TargetInvocationException cause) when (cause.InnerException is { } inner)
        {
            ExceptionDispatchInfo.Throw(inner);
            throw;
        }
    }

    /// <summary>Settings of a type, without values: for the schema.</summary>
    public static IEnumerable<Setting> SettingsOf(Type type)
    {
        var parameters = Constructor(type).GetParameters();
        foreach (var parameter in parameters)
            yield return Describe(parameter, type);
        var properties = Properties(type, parameters).ToList();
        if (properties.Count == 0)
            yield break;
        // Property defaults show on an instance; where the constructor needs arguments there is none to look at.
        var instance = parameters.Length == 0 ? Activator.CreateInstance(type) : null;
        foreach (var property in properties)
            yield return Describe(property, instance);
    }

    static ConstructorInfo Constructor(Type type) => type.GetConstructors().OrderByDescending(constructor => constructor.GetParameters().Length).FirstOrDefault()
        ?? throw new InvalidOperationException($"{type} has no public constructor");

    static IEnumerable<PropertyInfo> Properties(Type type, ParameterInfo[] parameters) => type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
        .Where(property => property.SetMethod is { IsPublic: true } && property.GetIndexParameters().Length == 0 && !parameters.Any(parameter => parameter.Name == property.Name));

    static Setting Describe(ParameterInfo parameter, Type type)
    {
        var property = type.GetProperty(parameter.Name!);
        var fallback = parameter.HasDefaultValue ? parameter.DefaultValue : null;
        var plain = System.Nullable.GetUnderlyingType(parameter.ParameterType) ?? parameter.ParameterType;
        if (fallback is not null && plain.IsEnum)
            fallback = Enum.ToObject(plain, fallback);
        else if (fallback is null && parameter.HasDefaultValue && parameter.ParameterType.IsValueType && plain == parameter.ParameterType)
            fallback = RuntimeHelpers.GetUninitializedObject(plain); // default(TimeSpan)
        return new Setting(RecipeValues.Snake(parameter.Name!), parameter.ParameterType, IsNullable(parameter.ParameterType, new NullabilityInfoContext().Create(parameter)),
            parameter.GetCustomAttribute<MeaningAttribute>() ?? property?.GetCustomAttribute<MeaningAttribute>(),
            parameter.GetCustomAttribute<RangeAttribute>() ?? property?.GetCustomAttribute<RangeAttribute>(), !parameter.HasDefaultValue, fallback);
    }

    static Setting Describe(PropertyInfo property, object? instance) =>
        new(RecipeValues.Snake(property.Name), property.PropertyType, IsNullable(property.PropertyType, new NullabilityInfoContext().Create(property)),
            Documentation.Meaning(property), property.GetCustomAttribute<RangeAttribute>(),
            property.GetCustomAttribute<RequiredMemberAttribute>() is not null, instance is null ? null : property.GetValue(instance));

    static bool IsNullable(Type type, NullabilityInfo info) => System.Nullable.GetUnderlyingType(type) is not null || (!type.IsValueType && info.WriteState == NullabilityState.Nullable);
}
