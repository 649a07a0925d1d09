using Tandem.Data.Audio;
using Tandem.Torch;

namespace Tandem.Verify.Audio;

/// <summary>Kinds <c>collate</c>, <c>buckets</c> and <c>order_batches</c> of method <c>audio</c>.</summary>
sealed class CollationKinds : ICaseKind
{
    public string Method => "audio";

    public IReadOnlyList<string> Kinds => ["collate", "buckets", "order_batches"];

    public void Check(GoldenCase golden, Comparison comparison, string device)
    {
        if (golden.Kind == "collate")
            Collate(golden, comparison);
        else if (golden.Kind == "buckets")
            Buckets(comparison);
        else
            Batches(golden, comparison);
    }

    static void Collate(GoldenCase golden, Comparison comparison)
    {
        var c = golden.Config;
        var (pad, longest, buckets) = (c.GetBool("enable_padding"), c.GetIntOrNull("max_sample_size"), c.GetInt("num_batch_buckets", 0));
        List<float[]> waves = [.. golden.Inputs.Under("wave.").OrderBy(wave => int.Parse(wave.Key, System.Globalization.CultureInfo.InvariantCulture)).Select(wave => wave.Value.As<float>().ToArray())];
        int[] sizes = [.. waves.Select(wave => wave.Length)];
        var target = AudioCollation.Target(sizes, pad, longest);
        var length = target;
        if (buckets > 0)
        {
            int[] capped = [.. sizes.Select(size => Math.Min(size, longest ?? int.MaxValue))];
            var bounds = AudioCollation.Bounds(capped, buckets);
            int[] bucketed = [.. capped.Select(size => AudioCollation.Bucket(bounds, size))];
            comparison.Value("buckets", bounds.Select(bound => (object?)(long)bound).ToList());
            comparison.Value("bucketed_sizes", bucketed.Select(size => (object?)(long)size).ToList());
            length = bucketed.Max();
        }
        var starts = new Queue<long>(golden.Inputs.TryGet("crop_starts")?.As<long>().ToArray() ?? []);
        List<object?> ranges = [];
        var made = CollatedAudio.Of(waves, target, length, range =>
        {
            ranges.Add((long)range);
            return (int)starts.Dequeue();
        });
        comparison.Require(starts.Count == 0, $"{starts.Count} recorded starts are left");
        comparison.Value("crop_ranges", ranges);
        // What each recording counts with when batches are cut: capped only where nothing is padded.
        comparison.Value("sizes_seen", sizes.Select(size => (object?)(long)(pad || longest is null ? size : Math.Min(size, longest.Value))).ToList());
        comparison.Tensor("source", HostTensor.From<float>(made.Samples, waves.Count, made.Length));
        if (pad)
            comparison.Tensor("padding_mask", Padding(made));
    }

    internal static HostTensor Padding(CollatedAudio made)
    {
        var padding = new bool[made.Samples.Length];
        for (var i = 0; i < made.Lengths.Length; i++)
            padding.AsSpan((i * made.Length) + made.Lengths[i], made.Length - made.Lengths[i]).Fill(true);
        return HostTensor.From<bool>(padding, made.Lengths.Length, made.Length);
    }

    static void Buckets(Comparison comparison)
    {
        foreach (var told in comparison.Given("cases").EnumerateArray())
        {
            int[] sizes = [.. told.GetProperty("sizes").EnumerateArray().Select(size => size.GetInt32())];
            var bounds = AudioCollation.Bounds(sizes, told.GetProperty("num_buckets").GetInt32());
            comparison.Require(bounds.SequenceEqual(told.GetProperty("buckets").EnumerateArray().Select(bound => bound.GetInt32())), $"the bounds are {string.Join(", ", bounds)}");
            comparison.Require(sizes.Select(size => AudioCollation.Bucket(bounds, size)).SequenceEqual(told.GetProperty("bucketed").EnumerateArray().Select(size => size.GetInt32())), "lengths fall into other buckets");
        }
    }

    static void Batches(GoldenCase golden, Comparison comparison)
    {
        var longest = golden.Config.GetIntOrNull("max_sample_size");
        int[] sizes = [.. golden.Inputs["sizes"].As<long>().ToArray().Select(size => (int)size)], ties = [.. golden.Inputs["permutation"].As<long>().ToArray().Select(tie => (int)tie)];
        var order = LengthBatches.Order(sizes, longest, ties);
        comparison.Tensor("ordered_indices", HostTensor.From<long>([.. order.Select(recording => (long)recording)], order.Length));
        int[] counted = [.. sizes.Select(size => Math.Min(size, longest ?? int.MaxValue))]; // padding is off in these cases
        foreach (var told in comparison.Given("cases").EnumerateArray())
        {
            var c = new Models.Peers.ConfigReader(told.GetProperty("config"), "cases.config.");
            var limits = new BatchLimits(c.GetInt("max_tokens", 0), c.GetInt("max_sentences", 0), c.GetInt("required_batch_size_multiple", 8));
            c.WithoutEffect("max_sample_size");
            if (c.Unread().FirstOrDefault() is { } unknown)
                throw new CaseFailedException($"'{unknown}' is not understood");
            var batches = LengthBatches.Cut(order, counted, limits);
            var recorded = told.GetProperty("batches_before_drop").EnumerateArray().Select(batch => batch.EnumerateArray().Select(i => i.GetInt32()).ToArray()).ToList();
            comparison.Require(batches.Count == recorded.Count && batches.Zip(recorded).All(pair => pair.First.SequenceEqual(pair.Second)), $"other batches than recorded for {limits}");
            var drops = LengthBatches.DropsLast(batches, limits);
            var dropped = told.GetProperty("dropped_last");
            comparison.Require(drops == (dropped.ValueKind == System.Text.Json.JsonValueKind.Array), $"the last batch is {(drops ? "" : "not ")}left out for {limits}");
        }
    }
}
