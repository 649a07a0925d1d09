using System.Text.Json;
using Tandem.Data.Masks;
using Tandem.Methods.Data2Vec2;
using Tandem.Models.Peers;
using Tandem.Networks;
using Tandem.Torch;

namespace Tandem.Verify;

/// <summary>Kinds <c>mask</c>, <c>mask_statistics</c>, <c>schedule</c> and <c>init_statistics</c> of method <c>data2vec2</c>.</summary>
sealed class Data2Vec2Draws : ICaseKind
{
    public string Method => "data2vec2";

    public IReadOnlyList<string> Kinds => ["mask", "mask_statistics", "schedule", "init_statistics"];

    public void Check(GoldenCase golden, Comparison comparison, string device)
    {
        switch (golden.Kind)
        {
            case "mask":
                Mask(golden, comparison);
                break;
            case "mask_statistics":
                Statistics(golden, comparison);
                break;
            case "schedule":
                Schedule(golden, comparison);
                break;
            default:
                InitStatistics(golden, comparison, device);
                break;
        }
    }

    static (MaskOptions Options, (int Rows, int Columns) Grid, bool Random) Law(ConfigReader c)
    {
        var random = c.GetBool("random_masking", false);
        var line = c.GetBool("one_dimensional", false);
        var places = c.GetInt("L");
        var side = (int)Math.Round(Math.Sqrt(places));
        var options = new MaskOptions
        {
            Probability = c.GetDouble("mask_prob"),
            ProbabilityMin = c.GetDoubleOrNull("mask_prob_min"),
            Adjust = c.GetDouble("mask_prob_adjust", 0),
            Length = c.GetInt("mask_length", 1),
            Inverse = c.GetBool("inverse_mask", false),
            Dropout = c.GetDouble("mask_dropout", 0),
            ExpandAdjacent = c.GetBool("expand_adjacent", false),
            NonOverlapping = c.GetBool("non_overlapping", false),
            SameCount = c.GetBool("require_same_masks", true),
        };
        return (options, line || options.Length == 1 ? (1, places) : (side, side), random);
    }

    static void Mask(GoldenCase golden, Comparison comparison)
    {
        var c = golden.Config;
        var keepMasked = c.GetDouble("keep_masked_pct", 0);
        if (golden.Inputs.Contains("mask"))
        {
            KeptMasked(golden, comparison, keepMasked);
            return;
        }
        if (SpanCase.Is(c))
        {
            var (spans, ofRow) = SpanCase.Read(golden);
            var drawn = SpanMask.Draw(spans, ofRow.Places, ofRow.Lengths, new RecordedSpanDraws(golden.Inputs));
            comparison.Tensor("mask", HostTensor.From<byte>(drawn, ofRow.Lengths.Length, ofRow.Places));
            if (golden.Inputs.TryGet("ids_shuffle") is { } order)
                Ids(comparison, order, drawn);
            Counts(comparison, drawn, ofRow.Lengths.Length, ofRow.Places);
            return;
        }
        var (options, grid, random) = Law(c);
        var (places, rows) = (grid.Rows * grid.Columns, c.GetInt("rows"));
        byte[] masks;
        if (random)
        {
            var noise = golden.Inputs["noise"];
            var visible = RandomMask.Kept(places, options.Probability);
            var kept = visible + (int)Math.Round((places - visible) * keepMasked, MidpointRounding.ToEven);
            List<byte> all = [];
            List<long> keep = [], restore = [];
            for (var row = 0; row < rows; row++)
            {
                var of = noise.As<float>().Slice(row * places, places);
                all.AddRange(RandomMask.Of(of, visible));
                var order = RandomMask.Order(of);
                keep.AddRange(order.Take(kept).Select(i => (long)i));
                var back = new long[places];
                for (var i = 0; i < places; i++)
                    back[order[i]] = i;
                restore.AddRange(back);
            }
            masks = [.. all];
            comparison.Tensor("ids_keep", HostTensor.From<long>([.. keep], rows, kept));
            comparison.Tensor("ids_restore", HostTensor.From<long>([.. restore], rows, places));
            comparison.Tensor("mask", golden.Expect.TryGet("mask")?.Type == ScalarType.Float
                ? HostTensor.From<float>([.. masks.Select(b => (float)b)], rows, places)
                : HostTensor.From<byte>(masks, rows, places));
        }
        else
        {
            masks = BlockMask.Draw(options, grid, rows, new RecordedMaskDraws(golden.Inputs));
            comparison.Tensor("mask", HostTensor.From<byte>(masks, rows, places));
            if (golden.Inputs.TryGet("ids_shuffle") is { } shuffle)
                Ids(comparison, shuffle, masks);
        }
        Counts(comparison, masks, rows, places);
    }

    // Kept ids are the first of the recorded order, as many as the first row has free places.
    static void Ids(Comparison comparison, HostTensor shuffle, byte[] masks)
    {
        var (rows, places) = ((int)shuffle.Shape[0], (int)shuffle.Shape[1]);
        var kept = Masking.VisibleCount(masks.AsSpan(0, places), 0);
        var order = shuffle.As<long>();
        var (keep, restore) = (new long[rows * kept], new long[rows * places]);
        for (var row = 0; row < rows; row++)
        {
            order.Slice(row * places, kept).CopyTo(keep.AsSpan(row * kept));
            for (var i = 0; i < places; i++)
                restore[(row * places) + order[(row * places) + i]] = i;
        }
        comparison.Tensor("ids_keep", HostTensor.From<long>(keep, rows, kept));
        comparison.Tensor("ids_restore", HostTensor.From<long>(restore, rows, places));
    }

    static void Counts(Comparison comparison, byte[] masks, int rows, int places)
    {
        var free = Enumerable.Range(0, rows).Select(row => Enumerable.Range(0, places).Where(t => masks[(row * places) + t] == 0).Select(t => (long)t).ToArray()).ToArray();
        comparison.Value("masked_per_row", free.Select(f => (object?)(long)(places - f.Length)).ToList());
        if (free.All(f => f.Length == free[0].Length))
            comparison.Tensor("visible", HostTensor.From<long>([.. free.SelectMany(f => f)], rows, free[0].Length));
    }

    static void KeptMasked(GoldenCase golden, Comparison comparison, double share)
    {
        golden.Config.WithoutEffect("L", "rows", "mask_prob", "mask_length", "random_masking", "mask_prob_adjust", "inverse_mask", "mask_dropout", "one_dimensional", "spans");
        var mask = golden.Inputs["mask"];
        var (rows, places) = ((int)mask.Shape[0], (int)mask.Shape[1]);
        var masking = Masking.From(mask, 1, share, Randomness.Of(1, "kept masked places"), Device.Cpu);
        comparison.Tensor("kept_count", HostTensor.From<long>([masking.Kept]));
        var keep = masking.Keep.ToHost().As<long>().ToArray();
        List<long> always = [];
        for (var row = 0; row < rows; row++)
        {
            var seen = keep.AsSpan(row * (int)masking.Kept, (int)masking.Kept).ToArray();
            always.AddRange(seen.Where(place => mask.Bytes[(row * places) + place] == 0).Order());
        }
        comparison.Tensor("kept_always", HostTensor.From<long>([.. always], rows, always.Count / rows));
    }

    static void Statistics(GoldenCase golden, Comparison comparison)
    {
        if (SpanCase.Is(golden.Config))
        {
            SpanCase.Statistics(golden, comparison);
            return;
        }
        var (options, grid, random) = Law(golden.Config);
        var (places, rows, draws) = (grid.Rows * grid.Columns, golden.Config.GetInt("rows", 1), comparison.Given("draws").GetInt32());
        if (random)
            options = options with { Length = 1 };
        var sampler = new MaskSampler(options, rows, 20_26);
        var row = golden.Values!.Value.TryGetProperty("row", out _) ? comparison.Given("row").GetInt32() : 0;
        var square = (int)Math.Round(Math.Sqrt(places));
        var statistics = new MaskStatistics(places, golden.Config.GetBool("one_dimensional", false) ? (1, places) : (square, square));
        for (var draw = 0; draw < draws; draw++)
        {
            var mask = random
                ? sampler.Draw(grid, draw, 0)
                : BlockMask.Draw(options, grid, rows, new RandomMaskDraws(Randomness.Of(20_26, "mask", draw)));
            statistics.Add(mask.AsSpan(row * places, places));
        }
        foreach (var statistic in comparison.Given("statistics").EnumerateObject())
            statistics.Compare(comparison, statistic.Name, statistic.Value);
        comparison.Tensor("cell_visible", golden.Expect.TryGet("cell_visible")?.Type == ScalarType.Double
            ? HostTensor.From<double>(statistics.Visible(), places)
            : HostTensor.From<float>([.. statistics.Visible().Select(v => (float)v)], places));
    }

    static void Schedule(GoldenCase golden, Comparison comparison)
    {
        var c = golden.Config;
        golden.Values!.Value.TryGetProperty("columns", out var columns);
        if (columns.ValueKind != JsonValueKind.Undefined)
            comparison.Given("columns");
        List<object?> rows = [];
        if (c.GetString("what") == "ema")
        {
            var options = Peer.TeacherOf(c);
            long known = 0;
            foreach (var row in golden.Values.Value.GetProperty("rows").EnumerateArray())
            {
                var update = row[0].GetInt64();
                var moves = Training.Teacher.Moves(known, update) && options.DecayAt(update) < 1;
                known = update;
                rows.Add(row.GetArrayLength() == 2 ? new List<object?> { update, options.DecayAt(update) } : new List<object?> { update, options.DecayAt(update), moves });
            }
        }
        else
        {
            var (schedule, updates) = FairseqTraining.Schedule(c, c.GetString("scheduler"));
            var peak = c.GetDouble("lr");
            foreach (var row in golden.Values.Value.GetProperty("rows").EnumerateArray())
                rows.Add(new List<object?> { row[0].GetInt64(), schedule.At(row[0].GetInt64(), peak, updates) });
        }
        comparison.Value("rows", rows);
    }

    static void InitStatistics(GoldenCase golden, Comparison comparison, string device)
    {
        using var scope = TensorScope.Enter("case");
        using var built = new Data2Vec2Case(golden, Device.Parse(device));
        var expected = comparison.Given("parameters").EnumerateObject().ToDictionary(p => p.Name, p => p.Value, StringComparer.Ordinal);
        foreach (var parameter in built.Method.Weights.Parameters)
        {
            var name = built.Theirs(parameter.Name);
            if (!expected.Remove(name, out var recorded))
                comparison.Fail($"the publisher has no parameter '{name}'");
            else
                InitLaw.Compare(comparison, name, parameter, recorded);
        }
        foreach (var missing in expected.Keys)
            comparison.Fail($"the parameter '{missing}' is missing");
        var teachers = built.Method.Teacher.Weights.Parameters.ToList();
        comparison.Value("teacher_parameters", teachers.Select(p => built.TheirsOfTeacher(p.Name)).Order(StringComparer.Ordinal).Select(n => (object?)n).ToList());
        comparison.Value("teacher_equals_student", teachers.All(p => p.Value.ToHost().Bytes.AsSpan().SequenceEqual(built.Method.Weights.Find(p.Name)!.Value.ToHost().Bytes)));
    }
}
