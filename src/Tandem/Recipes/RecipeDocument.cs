using System.Text.Json;
using System.Text.Json.Nodes;

namespace Tandem.Recipes;

/// <summary>One line of <c>tandem recipes explain</c>.</summary>
/// <param name="Key">The dotted key.</param>
/// <param name="Value">Its value as recipes write it.</param>
/// <param name="Meaning">What it means; empty when undocumented.</param>
/// <param name="Unit">The unit, or null.</param>
/// <param name="Expected">Type and range in words.</param>
/// <param name="Origin">Who set it.</param>
public sealed record RecipeRow(string Key, JsonNode? Value, string Meaning, string? Unit, string Expected, RecipeOrigin Origin);

/// <summary>
/// A recipe: a tree of values that each know where they come from. It is loaded (by name or from a file), overridden by <c>@file</c> and
/// <c>key=value</c>, and then bound, section by section, to options records by whoever knows them; at the end no key may be left unknown.
/// </summary>
public sealed class RecipeDocument
{
    const int BaseLimit = 8;
    const string RunFormat = "tandem run recipe 1";
    static readonly string[] Facts = ["base", "source", "expect", "about", "$schema"];
    static readonly JsonSerializerOptions Written = new() { WriteIndented = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    readonly RecipeNode root;
    readonly RecipeBinder binder;

    RecipeDocument(string name, RecipeNode root)
    {
        Name = name;
        this.root = root;
        binder = new RecipeBinder(root);
    }

    /// <summary>Keys that may be written short on the command line.</summary>
    public static IReadOnlyDictionary<string, string> ShortKeys { get; } = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["data"] = "data.path",
        ["out"] = "run.folder",
        ["init"] = "model.init",
        ["train"] = "evaluate.train",
        ["test"] = "evaluate.test",
        ["labels"] = "data.labels",
        ["budget"] = "run.budget",
        ["steps"] = "run.steps",
        ["seed"] = "run.seed",
    };

    /// <summary>The recipe's name or file; of a run folder's <c>recipe.json</c>, the name or file of the recipe that the run was started with.</summary>
    public string Name { get; }

    /// <summary>Loads a recipe and puts the command line on top.</summary>
    /// <param name="nameOrPath">A name from <see cref="RecipeLibrary.Names"/>, a file (JSON with comments, or YAML), or a run folder's <c>recipe.json</c>.</param>
    /// <param name="arguments"><c>key=value</c> and <c>@file</c>, in order; later wins.</param>
    /// <exception cref="TandemException">There is no such recipe, or something is malformed (<see cref="ErrorKind.Usage"/>).</exception>
    public static RecipeDocument Load(string nameOrPath, params IEnumerable<string> arguments)
    {
        var root = Open(nameOrPath, 0, out var name);
        var document = new RecipeDocument(name, root);
        foreach (var argument in arguments)
            document.Apply(argument);
        return document;
    }

    /// <summary>A recipe from a text; for tests and programs.</summary>
    /// <exception cref="TandemException">The text is malformed (<see cref="ErrorKind.Usage"/>).</exception>
    public static RecipeDocument Parse(string text, string name = "text")
    {
        var node = RecipeReader.Read(text, OriginKind.Recipe, name);
        var tree = WithBase(Unpack(node, out var own), name, 0);
        return new RecipeDocument(own ?? name, tree);
    }

    /// <summary>Puts one argument of a command line on top.</summary>
    /// <exception cref="TandemException">It is neither <c>key=value</c> nor <c>@file</c>, or the file is malformed (<see cref="ErrorKind.Usage"/>).</exception>
    public void Apply(string argument)
    {
        if (argument.StartsWith('@'))
        {
            var file = argument[1..];
            if (!File.Exists(file))
                throw new TandemException(ErrorKind.Usage, $"there is no file '{file}'", argument);
            PutOn(root, Unpack(RecipeReader.Read(RecipeLibrary.Text(file), OriginKind.File, file), out _));
            return;
        }
        var equals = argument.IndexOf('=', StringComparison.Ordinal);
        if (equals <= 0)
            throw new TandemException(ErrorKind.Usage, $"'{argument}' is neither key=value nor @file", "command line", "for example optimizer.learning_rate=1e-3");
        var (key, text) = (argument[..equals].Trim(), argument[(equals + 1)..]);
        if (text.StartsWith('{') || text.StartsWith('['))
        {
            var wrapped = RecipeReader.Read($"{{\"value\":{text}}}", OriginKind.CommandLine, argument).Parts!["value"];
            Put(key, wrapped);
            return;
        }
        Put(key, new RecipeNode(RecipeOrigin.CommandLine, JsonValue.Create(text)));
    }

    /// <summary>Sets a value that Tandem worked out itself, such as the steps that fit a budget.</summary>
    /// <param name="key">The dotted key.</param>
    /// <param name="value">The value.</param>
    /// <param name="from">What it was worked out from.</param>
    public void Set(string key, JsonNode? value, string from)
    {
        var origin = new RecipeOrigin(OriginKind.Computed, from);
        Put(key, new RecipeNode(origin, value));
        if (binder.Known.TryGetValue(key, out var bound))
            binder.Known[key] = bound with { Value = value?.DeepClone(), Origin = origin };
    }

    /// <summary>The value of a key as the recipe has it, or null when it has none; does not make it known.</summary>
    public JsonNode? Value(string key) => root.Find(key)?.ToJson();

    /// <summary>Whether the recipe (not a default) sets this key or section.</summary>
    public bool Has(string key) => root.Find(key) is not null;

    /// <summary>Where a key's value comes from; the default when the recipe is silent.</summary>
    public RecipeOrigin OriginOf(string key) => root.Find(key)?.Origin ?? RecipeOrigin.Default;

    /// <summary>Binds a section to an options record and makes its keys known.</summary>
    /// <typeparam name="T">
    /// A record: constructor parameters and settable properties are the settings, named in snake_case, with their defaults; they may carry
    /// <see cref="Layers.MeaningAttribute"/> and <see cref="Layers.RangeAttribute"/>.
    /// </typeparam>
    /// <param name="section">The section's path; empty for the top.</param>
    /// <exception cref="TandemException">A value is missing, of another type or out of range (<see cref="ErrorKind.Usage"/>).</exception>
    public T Bind<T>(string section) where T : class => (T)binder.Bind(section, typeof(T));

    /// <summary>A single value at the top of the recipe, such as <c>method</c>; makes it known.</summary>
    /// <exception cref="TandemException">It is missing or no text (<see cref="ErrorKind.Usage"/>).</exception>
    public string Text(string key, string? otherwise = null, string? meaning = null)
    {
        var node = root.Find(key);
        var setting = new Setting(key, typeof(string), false, meaning is null ? null : new Layers.MeaningAttribute(meaning), null, otherwise is null, otherwise);
        var value = node is null ? otherwise
            : node.Value is JsonValue scalar && scalar.TryGetValue<string>(out var text) ? text
            : throw new TandemException(ErrorKind.Usage, $"'{key}' is no text", node.Origin.ToString());
        if (value is null)
            throw new TandemException(ErrorKind.Usage, $"'{key}' is missing", Name);
        binder.Known[key] = new RecipeBinder.Bound(key, setting, JsonValue.Create(value), node?.Origin ?? RecipeOrigin.Default);
        return value;
    }

    /// <summary>Refuses keys that no one bound.</summary>
    /// <exception cref="TandemException">A key is unknown; the error names the nearest known one (<see cref="ErrorKind.Usage"/>).</exception>
    public void EnsureAllKnown()
    {
        foreach (var (path, node) in root.Values())
        {
            if (Facts.Contains(path.Split('.')[0], StringComparer.Ordinal) || binder.Known.ContainsKey(path) || (node.IsSection && node.Parts!.Count == 0))
                continue;
            // A run's recipe holds defaults too, of settings that later versions may not have.
            if (node.Origin.Kind == OriginKind.Default)
                continue;
            if (binder.Open.Any(open => path.StartsWith(open + ".", StringComparison.Ordinal)))
                continue;
            var near = Nearest.To(path, binder.Known.Keys);
            var known = near is null ? null : binder.Known[near];
            throw new TandemException(ErrorKind.Usage, $"there is no key '{path}'", node.Origin.ToString(),
                known is null
                    ? $"one of {string.Join(", ", Siblings(path).Take(12))}"
                    : $"perhaps '{near}'{(known.Setting.Meaning is { } meaning ? $", {meaning.Text}" : "")}, which stands in the recipe's section '{Section(near!)}'",
                "`tandem recipes explain` lists all keys.");
        }
    }

    /// <summary>All known keys with value, meaning, unit, range and origin, in the order of binding.</summary>
    public IReadOnlyList<RecipeRow> Explain() =>
        [.. binder.Known.Values.Select(bound => new RecipeRow(bound.Key, bound.Value?.DeepClone(), bound.Setting.Meaning?.Text ?? "", bound.Setting.Meaning?.Unit,
            RecipeValues.Words(bound.Setting.Type, bound.Setting.Meaning, bound.Setting.Range), bound.Origin))];

    /// <summary>The JSON Schema of the sections bound so far, for editors.</summary>
    public JsonObject Schema() => RecipeSchema.Of(binder.Sections);

    /// <summary>
    /// The run folder's <c>recipe.json</c>: every known value, defaults included, each as <c>{"value", "origin"}</c>; keys that no one bound
    /// are kept. <see cref="Load"/> reads it back.
    /// </summary>
    public JsonObject ToJson()
    {
        var facts = new JsonObject();
        var tree = new JsonObject();
        foreach (var (path, node) in root.Values())
        {
            if (!Facts.Contains(path.Split('.')[0], StringComparer.Ordinal))
                Place(tree, path, node.ToJson(), node.Origin);
        }
        foreach (var name in Facts.Where(root.Parts!.ContainsKey))
            facts[name] = root.Parts![name].ToJson();
        foreach (var bound in binder.Known.Values)
            Place(tree, bound.Key, bound.Value?.DeepClone(), bound.Origin);
        return new JsonObject { ["format"] = RunFormat, ["name"] = Name, ["facts"] = facts, ["recipe"] = tree };
    }

    /// <summary><see cref="ToJson"/> as a text to be written.</summary>
    public string ToText() => ToJson().ToJsonString(Written) + "\n";

    static void Place(JsonObject tree, string path, JsonNode? value, RecipeOrigin origin)
    {
        var names = path.Split('.');
        foreach (var name in names[..^1])
        {
            if (tree[name] is not JsonObject inner || IsLeaf(inner))
                tree[name] = inner = [];
            tree = inner;
        }
        // A nested record that is null stands aside once one of its parts is set.
        if (value is null && tree[names[^1]] is JsonObject present && !IsLeaf(present))
            return;
        tree[names[^1]] = new JsonObject { ["value"] = value, ["origin"] = origin.ToString() };
    }

    static bool IsLeaf(JsonObject json) => json.Count == 2 && json.ContainsKey("value") && json.ContainsKey("origin");

    void Put(string key, RecipeNode node)
    {
        key = ShortKeys.GetValueOrDefault(key, key);
        var names = key.Split('.');
        if (names.Any(name => name.Length == 0))
            throw new TandemException(ErrorKind.Usage, $"'{key}' is no key", node.Origin.ToString(), "names with dots between them");
        var place = root;
        foreach (var name in names[..^1])
        {
            if (!place.Parts!.TryGetValue(name, out var inner) || (!inner.IsSection && inner.Value is null))
                place.Parts[name] = inner = new RecipeNode(node.Origin);
            place = inner.IsSection ? inner : throw new TandemException(ErrorKind.Usage, $"'{key}' cannot be set: '{name}' is a value, not a section", inner.Origin.ToString());
        }
        if (place.Parts!.TryGetValue(names[^1], out var before) && before.IsSection && !node.IsSection && node.Value?.ToString() is not (null or "null" or "none"))
            throw new TandemException(ErrorKind.Usage, $"'{key}' is a section and takes no value", node.Origin.ToString(), $"one of {string.Join(", ", before.Parts!.Keys.Select(part => $"{key}.{part}"))}");
        if (SetsSteps(key, node))
            root.Find("run")?.Parts?.Remove("budget");
        if (before is null)
            place.Parts[names[^1]] = node;
        else
            before.Merge(node);
    }

    // Steps and a budget both say how long: steps that are set on top of a budget replace it, as a budget does with steps. Of the two in one recipe the budget counts.
    static void PutOn(RecipeNode below, RecipeNode above)
    {
        if (above.Find("run") is { } run && SetsSteps("run", run))
            below.Find("run")?.Parts?.Remove("budget");
        below.Merge(above);
    }

    // What is worked out from a budget leaves it standing.
    static bool SetsSteps(string key, RecipeNode node) => key switch
    {
        "run.steps" => node.Origin.Kind != OriginKind.Computed,
        "run" => node.Find("steps") is { Origin.Kind: not OriginKind.Computed } && node.Find("budget") is null,
        _ => false,
    };

    IEnumerable<string> Siblings(string path)
    {
        var section = Section(path);
        var siblings = binder.Known.Keys.Where(key => Section(key) == section).ToList();
        return siblings.Count > 0 ? siblings : binder.Known.Keys.Select(key => key.Split('.')[0]).Distinct(StringComparer.Ordinal);
    }

    static string Section(string path) => path.LastIndexOf('.') is var dot and >= 0 ? path[..dot] : "";

    static RecipeNode Open(string nameOrPath, int depth, out string name)
    {
        var node = RecipeReader.Read(RecipeLibrary.Text(nameOrPath), RecipeLibrary.Has(nameOrPath) ? OriginKind.Recipe : OriginKind.File, nameOrPath);
        var tree = Unpack(node, out var own);
        name = own ?? nameOrPath;
        return WithBase(tree, nameOrPath, depth);
    }

    /// <summary>Puts a recipe on top of the one that it names as its base (by name, or by a path from its own folder).</summary>
    static RecipeNode WithBase(RecipeNode node, string place, int depth)
    {
        if (node.Parts!.GetValueOrDefault("base")?.Value is not JsonValue value || !value.TryGetValue<string>(out var name))
            return node;
        if (depth == BaseLimit)
            throw new TandemException(ErrorKind.Usage, $"recipes are based on each other more than {BaseLimit} times, perhaps in a circle", place);
        var beside = Path.Combine(Path.GetDirectoryName(place) ?? "", name);
        var below = Open(!RecipeLibrary.Has(name) && File.Exists(beside) ? beside : name, depth + 1, out _);
        // What was measured with the base was not measured with what is built on it.
        below.Parts!.Remove("expect");
        PutOn(below, node);
        return below;
    }

    /// <summary>A run folder's recipe back into a tree with its origins, and the name of the recipe that it was; any other recipe as it is.</summary>
    static RecipeNode Unpack(RecipeNode node, out string? name)
    {
        name = null;
        if (node.Find("format")?.Value?.ToString() != RunFormat)
            return node;
        name = node.Find("name")?.Value?.ToString();
        var tree = new RecipeNode(node.Origin);
        foreach (var (fact, part) in node.Find("facts")?.Parts ?? [])
            tree.Parts![fact] = part;
        tree.Parts!.Remove("base"); // everything from there is written out
        tree.Merge(Unwrap(node.Find("recipe") ?? new RecipeNode(node.Origin)));
        return tree;
    }

    static RecipeNode Unwrap(RecipeNode node)
    {
        if (node.Parts is not { } parts)
            return node;
        if (parts.Count == 2 && parts.TryGetValue("value", out var value) && parts.TryGetValue("origin", out var origin) && origin.Value is JsonValue)
            return value.IsSection ? value : new RecipeNode(RecipeOrigin.Parse(origin.Value.ToString()), value.Value);
        var section = new RecipeNode(node.Origin);
        foreach (var (name, part) in parts)
            section.Parts![name] = Unwrap(part);
        return section;
    }
}
