using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Tandem.Data.Sources;
using Tandem.Models;
using Tandem.Runs;

namespace Tandem.Cli.Commands;

/// <summary><c>tandem embed</c>: samples become vectors in a file.</summary>
sealed class EmbedCommand : Command
{
    const int NamesTold = 20;

    public override string Name => "embed";

    public override string Summary => "Turns pictures, recordings or texts into vectors and writes them to a file";

    public override string Example => "tandem embed runs/photos photos out=photos.npy";

    public override IReadOnlyList<Operand> Operands { get; } =
    [
        new("MODEL", "a model folder, a run folder (its best checkpoint, else its last) or a checkpoint folder"),
        new("INPUT", "pictures, recordings or texts, by what the model takes: files, folders, tars, lists, data sets", Times.AtLeastOnce),
    ];

    public override IReadOnlyList<Setting> Settings { get; } =
    [
        new("out", "the file: .npy (names beside it: photos.npy, photos.names.txt), .safetensors (tensors embeddings and names), .jsonl or .parquet", Required: true),
        new("batch", "rows computed at once (64)"),
        new("layer", "0: the input of the shared blocks, i: the i-th of them (the last)"),
        new("limit", "at most so many samples of each folder or archive, drawn by --seed (all)"),
        new("format", "format of the inputs, where their content does not tell"),
        new("split", "which part, where one path holds several: train or test"),
        new("column", "where the text stands in a table or JSON lines (the usual names)"),
    ];

    public override string Remarks => "Samples that cannot be read are left out, counted and named. docs/json.md describes the files.";

    public override Task<int> Run(Call call)
    {
        var path = call["out"]!;
        var clock = Stopwatch.StartNew();
        call.ApplyThreads();
        if (!call.Options.DryRun)
            EmbeddingFile.Check(path);
        if (ModelPath.Doubt(call.Operands[0]) is { } doubt)
            call.Output.Note(doubt);
        using var encoder = Encoder.Load(call.Operands[0], call.Options.Device, call.Options.Precision);
        var inputs = Inputs(call, encoder.Preprocessing);
        try
        {
            if (call.Options.DryRun)
            {
                var count = inputs.Sum(input => input.Count);
                call.Output.Line($"{count} {encoder.Preprocessing.Samples} to {path}, {encoder.Width} numbers each");
                call.Output.Document(new JsonObject { ["dry_run"] = true, ["out"] = path, ["samples"] = count, ["width"] = encoder.Width });
                return Task.FromResult(0);
            }
            var skipped = new Skipped(call.Output);
            long samples;
            try
            {
                samples = EmbeddingFile.Write(path, encoder.Width, inputs.SelectMany(input => input.Embed(encoder, Options(call, skipped), call.Stop)));
            }
            finally
            {
                // Also, and above all, where not one sample could be read.
                skipped.Tell();
            }
            call.Output.Line(string.Create(CultureInfo.InvariantCulture, $"{samples} embeddings of {encoder.Width} numbers in {path} ({clock.Elapsed.TotalSeconds:0.0} s){(skipped.Count > 0 ? $"; {skipped.Count} left out" : "")}"));
            call.Output.Document(new JsonObject
            {
                ["out"] = path,
                ["samples"] = samples,
                ["skipped"] = skipped.Count,
                ["width"] = encoder.Width,
                ["seconds"] = Math.Round(clock.Elapsed.TotalSeconds, 3),
            });
            return Task.FromResult(0);
        }
        finally
        {
            foreach (var input in inputs)
                input.Source?.Dispose();
        }
    }

    static EmbedOptions Options(Call call, Skipped skipped) => new()
    {
        Batch = call.Whole("batch") ?? 64,
        Layer = call.Whole("layer", least: 0),
        Limit = call.Whole("limit"),
        Seed = call.Seed(),
        Skipped = skipped.Take,
        Progress = (done, total) => call.Output.Status($"{done} of {total}"),
    };

    // Files of one sample that stand in a row are one input: a shell may have made thousands of them out of *.jpg.
    static List<Input> Inputs(Call call, Preprocessing preprocessing)
    {
        List<Input> inputs = [];
        List<string> files = [];
        var several = call.Operands.Count > 2;
        foreach (var operand in call.Operands.Skip(1))
        {
            if (call["format"] is null && File.Exists(operand) && preprocessing.IsSample(operand))
            {
                files.Add(operand);
                continue;
            }
            Flush();
            inputs.Add(new(null, preprocessing.Open(operand, new SourceOptions { Format = call["format"], Split = call["split"], Column = call["column"], Labels = "none", Warn = call.Output.Note, Stop = call.Stop }, cached: false), several ? operand : null));
        }
        Flush();
        return inputs;

        void Flush()
        {
            if (files.Count > 0)
                inputs.Add(new([.. files], null, null));
            files.Clear();
        }
    }

    /// <summary>Files, or a source whose names are put behind its path where there are several inputs.</summary>
    sealed record Input(string[]? Files, Source? Source, string? Before)
    {
        public int Count => Files?.Length ?? Source!.Count;

        public IEnumerable<Embedding> Embed(Encoder encoder, EmbedOptions options, CancellationToken stop) => Source is null
            ? encoder.Embed(Files!, options, stop)
            : encoder.Embed(Source, options, stop).Select(embedding => Before is null ? embedding : embedding with { Name = Path.Combine(Before, embedding.Name) });
    }

    sealed class Skipped(Output output)
    {
        readonly List<string> reasons = [];

        public int Count { get; private set; }

        public void Take(BadSample bad)
        {
            Count++;
            if (reasons.Count < NamesTold || output.Verbose)
                reasons.Add(bad.Reason);
        }

        public void Tell()
        {
            foreach (var reason in reasons)
                output.Note($"left out: {reason}");
            if (Count > reasons.Count)
                output.Note($"… and {Count - reasons.Count} more (--verbose names them all)");
        }
    }
}
