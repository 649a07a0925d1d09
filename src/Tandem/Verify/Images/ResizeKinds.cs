using System.Text.Json;
using Tandem.Data.Images;

namespace Tandem.Verify.Images;

/// <summary>Kind <c>resize</c> of method <c>images</c>: filters, boxes, alpha.</summary>
sealed class ResizeKind : ICaseKind
{
    public string Method => "images";

    public IReadOnlyList<string> Kinds => ["resize"];

    public void Check(GoldenCase golden, Comparison comparison, string device)
    {
        var k = 0;
        foreach (var item in golden.Config.Objects("items"))
        {
            var size = item.GetInts("size_wh");
            var box = item.HasValue("box") ? item.GetDoubles("box") : null;
            using var result = Resize.Apply(PictureTensors.Picture(golden.Inputs[item.GetString("input")]), size[0], size[1], PictureTensors.Filter(item.GetString("filter")),
                box is null ? null : new SourceBox((float)box[0], (float)box[1], (float)box[2], (float)box[3]));
            var name = PictureTensors.At(k++);
            comparison.Tensor(name, PictureTensors.Bytes(result, golden.Expect.TryGet(name)));
        }
    }
}

/// <summary>Kind <c>resize_rule</c>: the sizes that Resize gives, where CenterCrop cuts, what evaluations resize to.</summary>
sealed class ResizeRuleKind : ICaseKind
{
    public string Method => "images";

    public IReadOnlyList<string> Kinds => ["resize_rule"];

    public void Check(GoldenCase golden, Comparison comparison, string device)
    {
        Rows(comparison, "resize", row =>
        {
            var size = PictureTensors.Sides(row.GetProperty("size"));
            int? longest = row.TryGetProperty("max_size", out var limit) && limit.ValueKind == JsonValueKind.Number ? limit.GetInt32() : null;
            var (height, width) = size.Length == 2 ? (size[0], size[1]) : Crop.ShorterSide(Int(row, "height"), Int(row, "width"), size[0], longest);
            return new() { ["out_hw"] = new List<object?> { height, width } };
        });
        Rows(comparison, "center_crop", row =>
        {
            int height = Int(row, "height"), width = Int(row, "width");
            var crop = PictureTensors.Sides(row.GetProperty("crop_hw"));
            var area = Crop.Centre(height, width, crop[0], crop[1]);
            return new()
            {
                ["first_source_row"] = Math.Max(0, area.Top),
                ["first_source_col"] = Math.Max(0, area.Left),
                ["zero_rows_above"] = Math.Max(0, -area.Top),
                ["zero_cols_left"] = Math.Max(0, -area.Left),
                ["zero_rows_below"] = Math.Max(0, area.Top + area.Height - height),
                ["zero_cols_right"] = Math.Max(0, area.Left + area.Width - width),
            };
        });
        Rows(comparison, "eval_resize", row => new() { ["resize_to"] = Crop.EvaluationResize(Int(row, "input_size")) });
    }

    static int Int(JsonElement row, string name) => row.GetProperty(name).GetInt32();

    // A row holds the inputs and the results side by side; what is not computed is handed back as it stands.
    static void Rows(Comparison comparison, string name, Func<JsonElement, Dictionary<string, object?>> compute)
    {
        if (!comparison.ExpectsValue(name))
            return;
        var rows = new List<object?>();
        foreach (var row in comparison.Given(name).EnumerateArray())
        {
            var result = compute(row);
            foreach (var field in row.EnumerateObject().Where(field => !result.ContainsKey(field.Name)))
                result[field.Name] = field.Value;
            rows.Add(result);
        }
        comparison.Value(name, rows);
    }
}
