using System.Globalization;

namespace Tandem.Verify;

/// <summary>Floats as Python writes them, which is how golden cases hold exact ones: the shortest text that reads back as the same.</summary>
static class PythonFloat
{
    /// <summary>Python's <c>repr</c>.</summary>
    public static string Text(double value)
    {
        if (!double.IsFinite(value))
            return double.IsNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
        var sign = double.IsNegative(value) ? "-" : "";
        if (value == 0)
            return sign + "0.0";
        // The framework's shortest text has the same digits; only the place of the point is written by other rules.
        var parts = value.ToString("R", CultureInfo.InvariantCulture).TrimStart('-').Split('E');
        var whole = parts[0].Split('.')[0];
        var all = parts[0].Replace(".", "", StringComparison.Ordinal);
        var digits = all.TrimStart('0');
        var exponent = whole.Length - 1 - (all.Length - digits.Length) + (parts.Length > 1 ? int.Parse(parts[1], CultureInfo.InvariantCulture) : 0);
        digits = digits.TrimEnd('0');
        if (exponent is < -4 or >= 16)
            return string.Create(CultureInfo.InvariantCulture, $"{sign}{digits[0]}{(digits.Length > 1 ? "." + digits[1..] : "")}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent):00}");
        if (exponent < 0)
            return $"{sign}0.{new string('0', -exponent - 1)}{digits}";
        return digits.Length <= exponent + 1 ? $"{sign}{digits.PadRight(exponent + 1, '0')}.0" : $"{sign}{digits[..(exponent + 1)]}.{digits[(exponent + 1)..]}";
    }
}
