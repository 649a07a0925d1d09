using System.Reflection;
using System.Xml;
using System.Xml.Linq;
using Tandem.Layers;

namespace Tandem.Recipes;

/// <summary>
/// The first sentence of a property's documentation, from the file that the compiler writes beside the assembly: settings are explained in
/// one place only. A <see cref="MeaningAttribute"/> wins where a setting needs other words or a unit.
/// </summary>
static class Documentation
{
    static readonly Lazy<Dictionary<string, string>> summaries = new(Read);

    public static MeaningAttribute? Meaning(PropertyInfo property) =>
        property.GetCustomAttribute<MeaningAttribute>()
        ?? (summaries.Value.TryGetValue($"P:{property.DeclaringType!.FullName!.Replace('+', '.')}.{property.Name}", out var summary) ? new MeaningAttribute(summary) : null);

    // One line; a setting that another one's text refers to stands there as recipes write it.
    static string Text(XElement? summary)
    {
        if (summary is null)
            return "";
        var parts = summary.Nodes().Select(node => node switch
        {
            XText text => text.Value,
            XElement { Name.LocalName: "see" } see => RecipeValues.Snake(see.Attribute("cref")?.Value.Split('.')[^1] ?? ""),
            XElement element => element.Value,
            _ => "",
        });
        return string.Join(' ', string.Concat(parts).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)).TrimEnd('.');
    }

    static Dictionary<string, string> Read()
    {
        var found = new Dictionary<string, string>(StringComparer.Ordinal);
        var file = Path.Combine(AppContext.BaseDirectory, "Tandem.xml");
        if (!File.Exists(file))
            return found;
        try
        {
            foreach (var member in XDocument.Load(file).Descendants("member"))
            {
                var text = Text(member.Element("summary"));
                if (text.Length > 0 && member.Attribute("name")?.Value is { } name)
                    found[name] = text.Length > 1 && char.IsLower(text[1]) ? char.ToLowerInvariant(text[0]) + text[1..] : text;
            }
        }
        catch (XmlException)
        {
            // A damaged file costs explanations, nothing else.
        }
        return found;
    }
}
