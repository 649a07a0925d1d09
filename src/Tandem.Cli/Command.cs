namespace Tandem.Cli;

/// <summary>A command: one file in Commands/, one line in <see cref="Catalog"/>. It parses nothing and computes nothing itself.</summary>
abstract class Command
{
    /// <summary>One word, or more where it belongs to a group: <c>recipes ls</c>, <c>data vocab train</c>.</summary>
    public abstract string Name { get; }

    /// <summary>One line: what one gets.</summary>
    public abstract string Summary { get; }

    /// <summary>Something that can be pasted. Help begins with it.</summary>
    public abstract string Example { get; }

    /// <summary>What stands without a key, in order. Only the last may be many or absent.</summary>
    public virtual IReadOnlyList<Operand> Operands => [];

    /// <summary>The <c>key=value</c> settings that this command knows.</summary>
    public virtual IReadOnlyList<Setting> Settings => [];

    /// <summary>Whether every key of a recipe is a setting too, and <c>@file.json</c>. The recipe checks them then.</summary>
    public virtual bool TakesRecipeKeys => false;

    /// <summary>Whether what follows <c>--</c> belongs to it.</summary>
    public virtual bool TakesRest => false;

    /// <summary>What is worth saying beyond the table of operands and settings.</summary>
    public virtual string? Remarks => null;

    /// <summary>Does it. The result is the exit code; errors for people are <see cref="TandemException"/>.</summary>
    public abstract Task<int> Run(Call call);

    /// <summary>The form of a call: <c>tandem verify FOLDER</c>.</summary>
    public string Usage
    {
        get
        {
            var words = new List<string> { "tandem", Name };
            words.AddRange(Operands.Select(operand => operand.Form));
            if (Settings.Count > 0 || TakesRecipeKeys)
                words.Add("[key=value …]");
            if (TakesRest)
                words.Add("-- COMMAND…");
            return string.Join(' ', words);
        }
    }
}

/// <summary>How often an operand may stand.</summary>
enum Times
{
    Once,
    AtMostOnce,
    AtLeastOnce,
    AnyNumber,
}

/// <summary>Something that stands without a key.</summary>
/// <param name="Name">In capitals: <c>FOLDER</c>.</param>
/// <param name="Summary">What it is.</param>
/// <param name="Times">How often it may stand.</param>
sealed record Operand(string Name, string Summary, Times Times = Times.Once)
{
    public bool Required => Times is Times.Once or Times.AtLeastOnce;

    public bool Repeats => Times is Times.AtLeastOnce or Times.AnyNumber;

    public string Form => Times switch
    {
        Times.Once => Name,
        Times.AtMostOnce => $"[{Name}]",
        Times.AtLeastOnce => $"{Name}…",
        _ => $"[{Name}…]",
    };
}

/// <summary>A <c>key=value</c> setting.</summary>
/// <param name="Key">Its name.</param>
/// <param name="Summary">What it sets, with its default.</param>
/// <param name="Required">Whether the command cannot go without.</param>
sealed record Setting(string Key, string Summary, bool Required = false);
