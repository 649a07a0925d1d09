using System.Globalization;

namespace Tandem.Recipes;

/// <summary>Times and sizes as people write them: <c>20m</c>, <c>1h30m</c>, <c>4GiB</c>.</summary>
public static class Quantities
{
    static readonly (string Name, double Seconds)[] TimeUnits = [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1), ("ms", 0.001)];
    static readonly (string Name, double Bytes)[] SizeUnits =
        [("TiB", 1L << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3), ("KB", 1e3), ("B", 1)];

    /// <summary>Reads a time: seconds (<c>90</c>) or parts with units (<c>1h30m</c>, <c>20m</c>, <c>1.5h</c>, <c>2d</c>, <c>500ms</c>).</summary>
    public static bool TryTime(string text, out TimeSpan time)
    {
        time = default;
        if (double.TryParse(text, NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent, CultureInfo.InvariantCulture, out var seconds))
            return TrySeconds(seconds, out time);
        double total = 0;
        var at = 0;
        while (at < text.Length)
        {
            var digits = at;
            while (digits < text.Length && (char.IsAsciiDigit(text[digits]) || text[digits] == '.'))
                digits++;
            var letters = digits;
            while (letters < text.Length && char.IsAsciiLetter(text[letters]))
                letters++;
            var unit = Array.Find(TimeUnits, unit => text.AsSpan(digits, letters - digits).SequenceEqual(unit.Name));
            if (digits == at || unit.Name is null || !double.TryParse(text.AsSpan(at, digits - at), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var count))
                return false;
            total += count * unit.Seconds;
            at = letters;
        }
        return at > 0 && TrySeconds(total, out time);
    }

    /// <summary>A time from seconds.</summary>
    public static bool TrySeconds(double seconds, out TimeSpan time)
    {
        var fits = seconds >= 0 && seconds < TimeSpan.MaxValue.TotalSeconds;
        time = fits ? TimeSpan.FromSeconds(seconds) : default;
        return fits;
    }

    /// <summary>Writes a time so that <see cref="TryTime"/> reads the same.</summary>
    public static string Time(TimeSpan time)
    {
        if (time == TimeSpan.Zero)
            return "0s";
        if (time.Ticks % TimeSpan.TicksPerSecond != 0)
            return string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.#######}s");
        return (time.Days > 0 ? string.Create(CultureInfo.InvariantCulture, $"{time.Days}d") : "")
            + (time.Hours > 0 ? string.Create(CultureInfo.InvariantCulture, $"{time.Hours}h") : "")
            + (time.Minutes > 0 ? string.Create(CultureInfo.InvariantCulture, $"{time.Minutes}m") : "")
            + (time.Seconds > 0 ? string.Create(CultureInfo.InvariantCulture, $"{time.Seconds}s") : "");
    }

    /// <summary>Reads a size in bytes: <c>4GiB</c>, <c>1.5 GB</c>, <c>10000</c>.</summary>
    public static bool TryBytes(string text, out long bytes)
    {
        bytes = 0;
        var unit = Array.Find(SizeUnits, unit => text.EndsWith(unit.Name, StringComparison.Ordinal));
        var number = unit.Name is null ? text : text[..^unit.Name.Length].TrimEnd();
        if (!double.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var count))
            return false;
        var total = count * (unit.Name is null ? 1 : unit.Bytes);
        if (total > 1L << 62)
            return false;
        bytes = (long)total;
        return true;
    }

    /// <summary>Writes a size with the largest binary unit that divides it: <c>4GiB</c>, <c>1000B</c>.</summary>
    public static string Bytes(long bytes)
    {
        var unit = SizeUnits.Take(4).FirstOrDefault(unit => bytes != 0 && bytes % (long)unit.Bytes == 0);
        return unit.Name is null ? string.Create(CultureInfo.InvariantCulture, $"{bytes}B") : string.Create(CultureInfo.InvariantCulture, $"{bytes / (long)unit.Bytes}{unit.Name}");
    }
}
