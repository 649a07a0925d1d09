using System.Text.Json;
using Tandem.Data.Images;

namespace Tandem.Verify.Images;

/// <summary>Kind <c>crop_params</c> of method <c>images</c>: which crop follows from the draws.</summary>
sealed class CropParametersKind : ICaseKind
{
    public string Method => "images";

    public IReadOnlyList<string> Kinds => ["crop_params"];

    public void Check(GoldenCase golden, Comparison comparison, string device)
    {
        var rule = golden.Config.GetString("variant") switch
        {
            "torchvision" => CropRule.Torchvision,
            "timm" => CropRule.Timm,
            "mae_linprobe" => CropRule.MaeLinearProbe,
            var other => throw new CaseFailedException($"there is no variant '{other}'"),
        };
        var rows = new List<object?>();
        foreach (var row in comparison.Given("rows").EnumerateArray())
        {
            var scale = Pair(row, "scale");
            var ratio = Pair(row, "ratio");
            var draws = Draws(row, rule == CropRule.Timm ? "uniform" : "t_uniform");
            var crop = new RandomCrop(rule, scale[0], scale[1], ratio[0], ratio[1]);
            var area = crop.Draw(row.GetProperty("height").GetInt32(), row.GetProperty("width").GetInt32(), draws, out var fallback);
            comparison.Require(draws.Left == 0, $"row {rows.Count}: {draws.Left} of the publisher's draws were not made");
            var result = new Dictionary<string, object?>(StringComparer.Ordinal)
            {
                ["top"] = area.Top,
                ["left"] = area.Left,
                ["crop_height"] = area.Height,
                ["crop_width"] = area.Width,
                ["fallback"] = fallback,
            };
            foreach (var field in row.EnumerateObject().Where(field => !result.ContainsKey(field.Name)))
                result[field.Name] = field.Value;
            rows.Add(result);
        }
        comparison.Value("rows", rows);
    }

    static double[] Pair(JsonElement row, string name) => [.. row.GetProperty(name).EnumerateArray().Select(x => x.GetDouble())];

    static RecordedPictureDraws Draws(JsonElement row, string uniform)
    {
        var areas = row.GetProperty("area_fraction_draws").EnumerateArray().ToList();
        var ratios = row.GetProperty("log_ratio_draws").EnumerateArray().ToList();
        return new(areas.Zip(ratios, (area, ratio) => new[] { (uniform, area), (uniform, ratio) }).SelectMany(pair => pair)
            .Concat(row.GetProperty("top_left_draws").EnumerateArray().Select(place => ("randint", place))));
    }
}
