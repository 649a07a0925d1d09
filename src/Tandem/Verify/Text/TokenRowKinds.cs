using System.Globalization;
using Tandem.Data.Text;
using Tandem.Torch;

namespace Tandem.Verify.Text;

/// <summary>Kinds <c>blocks</c> and <c>indexed_dataset</c> of method <c>roberta</c>: how token rows are cut, and fairseq's files of them.</summary>
sealed class TokenRowKinds : ICaseKind
{
    public string Method => "roberta";

    public IReadOnlyList<string> Kinds => ["blocks", "indexed_dataset"];

    public void Check(GoldenCase golden, Comparison comparison, string device)
    {
        if (golden.Kind == "blocks")
            Blocks(golden, comparison);
        else
            Lines(golden, comparison);
    }

    static void Blocks(GoldenCase golden, Comparison comparison)
    {
        golden.Config.WithoutEffect("eos");
        var mode = golden.Config.GetString("sample_break_mode") switch
        {
            "none" => BlockBreak.None,
            "complete" => BlockBreak.Complete,
            "complete_doc" => BlockBreak.CompleteDocument,
            "eos" => BlockBreak.Line,
            var other => throw new CaseFailedException($"there is no sample_break_mode '{other}'"),
        };
        var begin = golden.Config.GetLong("bos");
        int[] sizes = [.. golden.Inputs["sizes"].As<long>().ToArray().Select(size => checked((int)size))];
        var tokens = golden.Inputs["tokens"].As<long>().ToArray();
        var slices = TokenBlocks.Cut(sizes, golden.Config.GetInt("tokens_per_sample") - 1, mode, golden.Config.GetInt("document_sep_len", 1));
        comparison.Tensor("slices", HostTensor.From<long>([.. slices.SelectMany(slice => new[] { slice.Start, slice.Start + slice.Length })], slices.Count, 2));
        for (var i = 0; i < slices.Count; i++)
        {
            long[] block = [begin, .. tokens.AsSpan((int)slices[i].Start, slices[i].Length)];
            comparison.Tensor(string.Create(CultureInfo.InvariantCulture, $"block{i:00}"), HostTensor.From<long>(block, block.Length));
        }
    }

    static void Lines(GoldenCase golden, Comparison comparison)
    {
        golden.Config.WithoutEffect("dtype");
        _ = golden.File("train.bin");
        using var store = TokenStore.OpenFairseq(golden.File("train.idx"));
        comparison.Require(store.Lines == golden.Config.GetInt("lines"), $"the files hold {store.Lines} lines");
        long start = 0;
        for (var i = 0; i < store.Lines; i++)
        {
            var line = new long[store.Sizes[i]];
            store.Read(start, line);
            start += line.Length;
            comparison.Tensor(string.Create(CultureInfo.InvariantCulture, $"line{i:00}"), HostTensor.From<long>(line, line.Length));
        }
    }
}
