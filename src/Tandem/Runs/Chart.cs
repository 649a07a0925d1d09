using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;

namespace Tandem.Runs;

/// <summary>A curve.</summary>
/// <param name="Name">Shown in the legend.</param>
/// <param name="Points">Steps and values, in order of steps; values that are not finite break the line.</param>
/// <param name="Marks">Whether each point is marked: few points, such as evaluations.</param>
/// <param name="Reference">Whether this is what others are compared with: it is drawn behind them, dashed and grey.</param>
/// <param name="Colour">Which colour it has, where the same curve stands in several diagrams; as a rule its place decides.</param>
sealed record Series(string Name, IReadOnlyList<(double X, double Y)> Points, bool Marks = false, bool Reference = false, int? Colour = null)
{
    /// <summary>The class of its line at a place among the curves.</summary>
    public string Class(int place) => Reference ? "reference" : string.Create(CultureInfo.InvariantCulture, $"s{(Colour ?? place) % 12}");

    /// <summary>The class of its marks.</summary>
    public string MarkClass(int place) => string.Create(CultureInfo.InvariantCulture, $"d{(Colour ?? place) % 6}");
}

/// <summary>
/// A diagram of curves over steps or time, drawn as SVG. Many points are gathered into bins, of which the mean is drawn. Curves differ in colour and in dashes, so that they can be told apart in grey;
/// from the seventh on colours come again with other dashes, from the thirteenth on both.
/// </summary>
sealed class Chart
{
    const double Width = 600, Height = 272, Left = 58, Right = 14, Top = 10, Bottom = 26;
    const int Bins = 200;

    readonly IReadOnlyList<Series> series;
    readonly bool percent;
    readonly string axis;
    readonly bool log;
    readonly double minX, maxX, minY, maxY;

    /// <summary>Lays out a diagram.</summary>
    /// <param name="series">The curves.</param>
    /// <param name="percent">Whether values are fractions, shown in percent.</param>
    /// <param name="positive">Whether the axis may become logarithmic, which it does when values are positive and span more than a factor of 20.</param>
    /// <param name="axis">What runs from left to right: steps, or a unit of time.</param>
    public Chart(IReadOnlyList<Series> series, bool percent = false, bool positive = false, string axis = "step")
    {
        this.axis = axis;
        this.series = [.. series.Select(curve => curve with { Points = Thin(curve.Points) })];
        this.percent = percent;
        var all = series.SelectMany(curve => curve.Points).Where(point => double.IsFinite(point.Y)).ToList();
        if (all.Count == 0)
            all.Add((0, 0));
        (minX, maxX) = (Math.Min(0, all.Min(point => point.X)), all.Max(point => point.X));
        if (maxX <= minX)
            maxX = minX + 1;
        (minY, maxY) = (all.Min(point => point.Y), all.Max(point => point.Y));
        log = positive && minY > 0 && maxY / minY > 20;
        if (log)
        {
            (minY, maxY) = (minY / 1.15, maxY * 1.15);
            return;
        }
        // From zero where that costs little: lengths then mean something.
        if (minY >= 0 && minY < 0.6 * maxY)
            minY = 0;
        if (maxY <= minY)
            (minY, maxY) = minY == 0 ? (0, 1) : (minY - (0.1 * Math.Abs(minY)), maxY + (0.1 * Math.Abs(maxY)));
        var margin = 0.06 * (maxY - minY);
        (minY, maxY) = (minY == 0 ? 0 : minY - margin, maxY + margin);
    }

    /// <summary>The diagram as a figure with title and legend.</summary>
    /// <param name="title">What is drawn.</param>
    /// <param name="about">One line below the title, or empty.</param>
    public string Figure(string title, string about = "")
    {
        var html = new StringBuilder();
        var scale = log ? " <small>logarithmic</small>" : "";
        var below = about.Length == 0 ? "" : $"<span>{Text(about)}</span>";
        html.Append(CultureInfo.InvariantCulture, $"<figure class=\"chart\"><figcaption><b>{Text(title)}</b>{scale}{below}</figcaption>\n");
        html.Append(CultureInfo.InvariantCulture, $"<div class=\"plot\"><svg viewBox=\"0 0 {Width} {Height}\" role=\"img\" aria-label=\"{Text(Spoken(title))}\" data-points=\"{Text(Data())}\">\n");
        Axes(html);
        foreach (var place in Enumerable.Range(0, series.Count).OrderBy(place => !series[place].Reference))
            Curve(html, series[place], place);
        html.Append(CultureInfo.InvariantCulture, $"<line class=\"cursor\" y1=\"{Top}\" y2=\"{Height - Bottom}\" x1=\"0\" x2=\"0\"/></svg><div class=\"tip\" hidden></div></div>\n<ul class=\"legend\">");
        for (var i = 0; i < series.Count; i++)
        {
            var last = series[i].Points.LastOrDefault(point => double.IsFinite(point.Y), (0, double.NaN)).Y;
            html.Append(CultureInfo.InvariantCulture, $"<li><svg viewBox=\"0 0 22 8\" aria-hidden=\"true\"><path class=\"{series[i].Class(i)}\" d=\"M1 4H21\"/></svg>{Text(series[i].Name)} <b>{Value(last)}</b></li>");
        }
        return html.Append("</ul></figure>\n").ToString();
    }

    void Axes(StringBuilder html)
    {
        foreach (var tick in log ? Decades(minY, maxY) : Ticks(minY, maxY, 5))
        {
            var y = Y(tick);
            var label = percent ? Units.Tick(Math.Round(100 * tick, 6)) + " %" : Units.Tick(tick);
            html.Append(CultureInfo.InvariantCulture, $"<path class=\"grid\" d=\"M{Left} {y:0.#}H{Width - Right}\"/>");
            html.Append(CultureInfo.InvariantCulture, $"<text x=\"{Left - 8}\" y=\"{y + 4:0.#}\" text-anchor=\"end\">{label}</text>\n");
        }
        foreach (var tick in Ticks(minX, maxX, 6))
        {
            var x = X(tick);
            html.Append(CultureInfo.InvariantCulture, $"<path class=\"axis\" d=\"M{x:0.#} {Height - Bottom}v5\"/><text x=\"{x:0.#}\" y=\"{Height - Bottom + 18}\" text-anchor=\"middle\">{Units.Tick(tick)}</text>\n");
        }
        html.Append(CultureInfo.InvariantCulture, $"<path class=\"axis\" d=\"M{Left} {Height - Bottom}H{Width - Right}\"/><text x=\"{Left - 14}\" y=\"{Height - Bottom + 18}\" text-anchor=\"end\">{axis}</text>\n");
    }

    void Curve(StringBuilder html, Series curve, int place)
    {
        var line = new StringBuilder();
        var pen = 'M';
        foreach (var (x, y) in curve.Points)
        {
            if (!double.IsFinite(y) || (log && y <= 0))
            {
                pen = 'M';
                continue;
            }
            line.Append(CultureInfo.InvariantCulture, $"{pen}{X(x):0.#} {Y(y):0.#}");
            pen = 'L';
        }
        html.Append(CultureInfo.InvariantCulture, $"<path class=\"{curve.Class(place)}\" d=\"{line}\"/>\n");
        if (!curve.Marks)
            return;
        foreach (var (x, y) in curve.Points.Where(point => double.IsFinite(point.Y)))
            html.Append(CultureInfo.InvariantCulture, $"<circle class=\"{curve.MarkClass(place)}\" cx=\"{X(x):0.#}\" cy=\"{Y(y):0.#}\" r=\"3.2\"/>");
    }

    /// <summary>Gathers many points into bins: a screen has no more columns, and files stay small.</summary>
    static IReadOnlyList<(double X, double Y)> Thin(IReadOnlyList<(double X, double Y)> points)
    {
        if (points.Count <= 2 * Bins)
            return points;
        var size = (double)points.Count / Bins;
        return [.. Enumerable.Range(0, Bins).Select(bin =>
        {
            var part = points.Skip((int)(bin * size)).Take((int)((bin + 1) * size) - (int)(bin * size)).ToList();
            return (part[^1].X, part.Average(point => point.Y));
        })];
    }

    double X(double x) => Left + ((x - minX) / (maxX - minX) * (Width - Left - Right));

    double Y(double y)
    {
        var share = log ? Math.Log(y / minY) / Math.Log(maxY / minY) : (y - minY) / (maxY - minY);
        return Height - Bottom - (share * (Height - Top - Bottom));
    }

    string Value(double value) => percent ? Units.Percent(value) : Units.Number(value);

    string Spoken(string title) => $"{title} over {(axis == "step" ? "steps" : axis)}: " + string.Join("; ", series.Select(curve =>
        $"{curve.Name} from {Value(curve.Points.FirstOrDefault().Y)} to {Value(curve.Points.LastOrDefault().Y)}"));

    /// <summary>What the hover script needs: positions in the drawing, and the words to show.</summary>
    string Data() => JsonSerializer.Serialize(series.Select(curve => new
    {
        n = curve.Name,
        p = curve.Points.Where(point => double.IsFinite(point.Y) && (!log || point.Y > 0)).Select(point => new object[] { Math.Round(X(point.X), 1), Math.Round(Y(point.Y), 1), Place(point.X), Value(point.Y) }),
    }));

    string Place(double x) => axis == "step" ? $"step {Units.Count((long)x)}" : $"{Units.Number(x)} {axis}";

    static IEnumerable<double> Ticks(double low, double high, int about)
    {
        var rough = (high - low) / about;
        var size = Math.Pow(10, Math.Floor(Math.Log10(rough)));
        var step = new[] { 1, 2, 2.5, 5, 10 }.Select(factor => factor * size).First(step => step >= rough * 0.999);
        for (var i = (long)Math.Ceiling(low / step); i * step <= high * (1 + 1e-12); i++)
            yield return i * step;
    }

    static List<double> Decades(double low, double high)
    {
        var fine = Math.Log10(high / low) < 2.2;
        List<double> ticks = [];
        for (var power = (int)Math.Floor(Math.Log10(low)); power <= Math.Log10(high); power++)
            ticks.AddRange((fine ? new[] { 1.0, 2, 5 } : [1.0]).Select(factor => factor * Math.Pow(10, power)).Where(tick => tick >= low && tick <= high));
        return ticks;
    }

    static string Text(string text) => WebUtility.HtmlEncode(text);
}
