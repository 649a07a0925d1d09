using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Tandem.Data.Sources;

namespace Tandem.Cli.Commands;

/// <summary><c>tandem embed</c>: pictures become vectors in a file.</summary>
sealed class EmbedCommand : Command
{
    const int NamesTold = 20;

    static readonly HashSet<string> PictureExtensions = new(StringComparer.OrdinalIgnoreCase) { ".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm", ".avif", ".heic" };

    public override string Name => "embed";

    public override string Summary => "Turns pictures into vectors and writes them to a file";

    public override string Example => "tandem embed runs/photos photos out=photos.npy";

    public override IReadOnlyList<Operand> Operands { get; } =
    [
        new("MODEL", "a model folder, a run folder (its best checkpoint, else its last) or a checkpoint folder"),
        new("INPUT", "pictures: files, folders, tars, lists, data sets", Times.AtLeastOnce),
    ];

    public override IReadOnlyList<Setting> Settings { get; } =
    [
        new("out", "the file: .npy (names in FILE.names.txt beside), .safetensors (tensors embeddings and names) or .jsonl", Required: true),
        new("batch", "pictures computed at once (64)"),
        new("limit", "at most so many pictures of each folder or archive, drawn by --seed (all)"),
        new("format", "format of the inputs, where their content does not tell"),
        new("split", "which part, where one path holds several: train or test"),
    ];

    public override string Remarks => "Pictures that cannot be read are left out, counted and named. docs/json.md describes the files.";

    public override Task<int> Run(Call call)
    {
        var path = call["out"]!;
        var clock = Stopwatch.StartNew();
        call.ApplyThreads();
        if (!call.Options.DryRun)
            EmbeddingFile.Check(path);
        using var encoder = Encoder.Load(call.Operands[0], call.Options.Device, call.Options.Precision);
        var inputs = Inputs(call);
        try
        {
            if (call.Options.DryRun)
            {
                call.Output.Line($"{inputs.Sum(input => input.Count)} pictures to {path}, {encoder.Width} numbers each");
                return Task.FromResult(0);
            }
            var skipped = new Skipped(call.Output);
            var samples = EmbeddingFile.Write(path, encoder.Width, inputs.SelectMany(input => input.Embed(encoder, Options(call, skipped), call.Stop)));
            skipped.Tell();
            call.Output.Line(string.Create(CultureInfo.InvariantCulture, $"{samples} embeddings of {encoder.Width} numbers in {path} ({clock.Elapsed.TotalSeconds:0.0} s){(skipped.Count > 0 ? $"; {skipped.Count} pictures left out" : "")}"));
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
        Limit = call.Whole("limit"),
        Seed = call.Seed(),
        Skipped = skipped.Take,
        Progress = (done, total) => call.Output.Status($"{done} of {total} pictures"),
    };

    // Picture files that stand in a row are one input: a shell may have made thousands of them out of *.jpg.
    static List<Input> Inputs(Call call)
    {
        List<Input> inputs = [];
        List<string> files = [];
        var several = call.Operands.Count > 2;
        foreach (var operand in call.Operands.Skip(1))
        {
            if (call["format"] is null && File.Exists(operand) && PictureExtensions.Contains(Path.GetExtension(operand)))
            {
                files.Add(operand);
                continue;
            }
            Flush();
            inputs.Add(new(null, PictureSource.Open(operand, new SourceOptions { Format = call["format"], Split = call["split"], Labels = "none", Warn = call.Output.Note }), several ? operand : null));
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
    sealed record Input(string[]? Files, PictureSource? Source, string? Before)
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
