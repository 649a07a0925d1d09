using System.Globalization;

namespace Tandem.Runs;

/// <summary>Numbers as people read them, with units.</summary>
public static class Units
{
    /// <summary>About four significant digits: 0.0123, 12.35, 12,345, 1.2e-07.</summary>
    public static string Number(double value)
    {
        if (!double.IsFinite(value))
            return double.IsNaN(value) ? "NaN" : value > 0 ? "∞" : "−∞";
        var size = Math.Abs(value);
        var text = size switch
        {
            0 => "0",
            < 1e-3 or >= 1e9 => value.ToString("0.##e+0", CultureInfo.InvariantCulture),
            < 1 => value.ToString("0.####", CultureInfo.InvariantCulture),
            < 10 => value.ToString("0.###", CultureInfo.InvariantCulture),
            < 1000 => value.ToString("0.##", CultureInfo.InvariantCulture),
            _ => value.ToString("#,##0", CultureInfo.InvariantCulture),
        };
        return Minus(text);
    }

    /// <summary>A whole number with separators.</summary>
    public static string Count(long value) => Minus(value.ToString("#,##0", CultureInfo.InvariantCulture));

    /// <summary>A fraction in percent.</summary>
    public static string Percent(double value) => double.IsFinite(value) ? string.Create(CultureInfo.InvariantCulture, $"{100 * value:0.0} %") : "–";

    /// <summary>Seconds in two parts at most: 45 s, 12 min 5 s, 3 h 20 min, 2 d 4 h.</summary>
    public static string Time(double seconds)
    {
        if (!double.IsFinite(seconds) || seconds < 0)
            return "–";
        var time = TimeSpan.FromSeconds(Math.Round(seconds));
        return seconds < 10 ? string.Create(CultureInfo.InvariantCulture, $"{seconds:0.0} s")
            : time.TotalMinutes < 1 ? string.Create(CultureInfo.InvariantCulture, $"{time.Seconds} s")
            : time.TotalHours < 1 ? string.Create(CultureInfo.InvariantCulture, $"{time.Minutes} min {time.Seconds} s")
            : time.TotalDays < 1 ? string.Create(CultureInfo.InvariantCulture, $"{time.Hours} h {time.Minutes} min")
            : string.Create(CultureInfo.InvariantCulture, $"{time.Days} d {time.Hours} h");
    }

    /// <summary>Bytes in binary units.</summary>
    public static string Bytes(double bytes)
    {
        string[] units = ["B", "KiB", "MiB", "GiB", "TiB"];
        var unit = 0;
        while (bytes >= 1024 && unit < units.Length - 1)
        {
            bytes /= 1024;
            unit++;
        }
        return string.Create(CultureInfo.InvariantCulture, $"{(bytes < 10 && unit > 0 ? bytes.ToString("0.0", CultureInfo.InvariantCulture) : bytes.ToString("0", CultureInfo.InvariantCulture))} {units[unit]}");
    }

    /// <summary>A tick of an axis: 0, 500, 10k, 2.5M, 0.001.</summary>
    public static string Tick(double value)
    {
        var size = Math.Abs(value);
        return Minus(size switch
        {
            0 => "0",
            >= 1e9 => (value / 1e9).ToString("0.###", CultureInfo.InvariantCulture) + "G",
            >= 1e6 => (value / 1e6).ToString("0.###", CultureInfo.InvariantCulture) + "M",
            >= 1e4 => (value / 1e3).ToString("0.###", CultureInfo.InvariantCulture) + "k",
            < 1e-3 => value.ToString("0.##e+0", CultureInfo.InvariantCulture),
            _ => value.ToString("0.####", CultureInfo.InvariantCulture),
        });
    }

    static string Minus(string text) => text.StartsWith('-') ? "−" + text[1..] : text;
}
