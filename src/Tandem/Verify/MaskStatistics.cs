using System.Globalization;
using System.Text.Json;

namespace Tandem.Verify;

/// <summary>The statistics of many masks that the golden cases of kind <c>mask_statistics</c> record.</summary>
sealed class MaskStatistics(int places, (int Rows, int Columns) grid)
{
    const int LongRun = 30;
    readonly long[] masked = new long[places];
    readonly Dictionary<string, double> sums = new(StringComparer.Ordinal);
    readonly Dictionary<int, long> components = [];
    readonly Dictionary<int, long> runs = [];
    long draws, allRuns;

    /// <summary>Takes a mask, 1 = masked.</summary>
    public void Add(ReadOnlySpan<byte> mask)
    {
        draws++;
        var hidden = 0;
        for (var t = 0; t < places; t++)
        {
            masked[t] += mask[t];
            hidden += mask[t];
        }
        Sum("masked_per_row", hidden);
        Sum("visible_count", places - hidden);
        var (count, largest) = Components(mask);
        Sum("visible_components_4", count);
        Sum("largest_visible_component", largest);
        components[count] = components.GetValueOrDefault(count) + 1;
        Sum("adjacent_visible_pairs", Pairs(mask));
        Sum("runs_per_row", Runs(mask));
    }

    /// <summary>Share of the draws in which each place is free.</summary>
    public double[] Visible() => [.. masked.Select(m => 1 - ((double)m / draws))];

    /// <summary>Compares one statistic by its own limits.</summary>
    public void Compare(Comparison comparison, string name, JsonElement statistic)
    {
        var (expected, allowed) = (statistic.GetProperty("expected"), statistic.GetProperty("allowed"));
        switch (expected.ValueKind)
        {
            case JsonValueKind.Object:
                var own = Map(name);
                foreach (var key in own.Keys.Union(expected.EnumerateObject().Select(p => p.Name), StringComparer.Ordinal).Order(StringComparer.Ordinal))
                    comparison.Near($"{name}.{key}", own.GetValueOrDefault(key), At(expected, key), 0, At(allowed, key));
                break;
            case JsonValueKind.Array:
                var list = List(name);
                for (var i = 0; i < expected.GetArrayLength(); i++)
                    comparison.Near($"{name}[{i}]", i < list.Length ? list[i] : double.NaN, expected[i].GetDouble(), 0, allowed.ValueKind == JsonValueKind.Array ? allowed[i].GetDouble() : allowed.GetDouble());
                break;
            default:
                comparison.Near(name, Number(name), expected.GetDouble(), 0, allowed.GetDouble());
                break;
        }
    }

    static double At(JsonElement map, string key) =>
        map.ValueKind != JsonValueKind.Object ? map.GetDouble() : map.TryGetProperty(key, out var value) ? value.GetDouble() : 0;

    double Number(string name) => name == "rate_middle"
        ? Enumerable.Range(places / 3, (2 * places / 3) - (places / 3)).Average(t => (double)masked[t] / draws)
        : sums.TryGetValue(name, out var sum) ? sum / draws : throw new CaseFailedException($"the statistic '{name}' is not understood");

    double[] List(string name) => name switch
    {
        "rate_first_10" => [.. masked.Take(10).Select(m => (double)m / draws)],
        "rate_last_10" => [.. masked.TakeLast(10).Select(m => (double)m / draws)],
        _ => throw new CaseFailedException($"the statistic '{name}' is not understood"),
    };

    Dictionary<string, double> Map(string name) => name switch
    {
        "components_histogram" => components.ToDictionary(c => c.Key.ToString(CultureInfo.InvariantCulture), c => (double)c.Value / draws, StringComparer.Ordinal),
        "run_length_share" => runs.ToDictionary(r => r.Key.ToString(CultureInfo.InvariantCulture), r => (double)r.Value / allRuns, StringComparer.Ordinal),
        _ => throw new CaseFailedException($"the statistic '{name}' is not understood"),
    };

    void Sum(string name, double value) => sums[name] = sums.GetValueOrDefault(name) + value;

    int Pairs(ReadOnlySpan<byte> mask)
    {
        var pairs = 0;
        for (var t = 0; t < places; t++)
        {
            if (mask[t] != 0)
                continue;
            if (t % grid.Columns + 1 < grid.Columns && mask[t + 1] == 0)
                pairs++;
            if (t + grid.Columns < places && mask[t + grid.Columns] == 0)
                pairs++;
        }
        return pairs;
    }

    int Runs(ReadOnlySpan<byte> mask)
    {
        var (count, length) = (0, 0);
        for (var t = 0; t <= places; t++)
        {
            if (t < places && mask[t] != 0)
            {
                length++;
            }
            else if (length > 0)
            {
                count++;
                allRuns++;
                var key = Math.Min(length, LongRun);
                runs[key] = runs.GetValueOrDefault(key) + 1;
                length = 0;
            }
        }
        return count;
    }

    (int Count, int Largest) Components(ReadOnlySpan<byte> mask)
    {
        var seen = new bool[places];
        var (count, largest) = (0, 0);
        var open = new Stack<int>();
        for (var start = 0; start < places; start++)
        {
            if (mask[start] != 0 || seen[start])
                continue;
            count++;
            var size = 0;
            seen[start] = true;
            open.Push(start);
            while (open.TryPop(out var t))
            {
                size++;
                var (y, x) = (t / grid.Columns, t % grid.Columns);
                ReadOnlySpan<(int Y, int X)> beside = [(y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)];
                foreach (var (ny, nx) in beside)
                {
                    var place = (ny * grid.Columns) + nx;
                    if (ny >= 0 && ny < grid.Rows && nx >= 0 && nx < grid.Columns && mask[place] == 0 && !seen[place])
                    {
                        seen[place] = true;
                        open.Push(place);
                    }
                }
            }
            largest = Math.Max(largest, size);
        }
        return (count, largest);
    }
}
