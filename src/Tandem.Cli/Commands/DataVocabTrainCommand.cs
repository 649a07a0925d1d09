using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Tandem.Data.Text;
using Tandem.Models.Formats;
using Tandem.Runs;

namespace Tandem.Cli.Commands;

/// <summary><c>tandem data vocab train</c>: a vocabulary from a corpus.</summary>
sealed class DataVocabTrainCommand : Command
{
    public override string Name => "data vocab train";

    public override string Summary => "Trains a byte-level BPE vocabulary on text";

    public override string Example => "tandem data vocab train corpus.txt.gz out=vocabulary size=8000";

    public override IReadOnlyList<Operand> Operands { get; } = [new("FILE", "text, JSON lines, tables or tar shards, perhaps gzipped; folders, globs and ranges as well", Times.AtLeastOnce)];

    public override IReadOnlyList<Setting> Settings { get; } =
    [
        new("out", "the folder for vocab.json, merges.txt and tokenizer.json", Required: true),
        new("size", "tokens in all, bytes and special ones included (8000)"),
        new("min_frequency", "pairs that are rarer are not merged (2)"),
        .. TextSettings.All,
    ];

    public override string Remarks => "The same corpus gives the same vocabulary, whatever the number of threads. Special tokens have RoBERTa's places: <s> 0, <pad> 1, </s> 2, <unk> 3, <mask> last.";

    public override Task<int> Run(Call call)
    {
        var (size, least) = (TextSettings.Number(call, "size", 8000), TextSettings.Number(call, "min_frequency", 2));
        var smallest = 256 + VocabularyFiles.SpecialCount;
        if (size < smallest)
            throw new TandemException(ErrorKind.Usage, $"size={size} is too small", "size", $"at least {smallest}: 256 bytes and {VocabularyFiles.SpecialCount} special tokens");
        if (call.Options.DryRun)
        {
            var source = TextSource.Open(string.Join("::", call.Operands), TextSettings.Read(call));
            call.Output.Line($"A vocabulary of {size} tokens would be trained on {source.Files.Count} file(s), {Units.Bytes(source.Bytes)}, and written to {call["out"]}.");
            call.Output.Document(new JsonObject { ["dry_run"] = true, ["out"] = call["out"], ["size"] = size, ["files"] = source.Files.Count, ["bytes"] = source.Bytes });
            return Task.FromResult(0);
        }
        var clock = Stopwatch.StartNew();
        var trained = BpeTraining.Train(string.Join("::", call.Operands), TextSettings.Read(call), new()
        {
            Size = size - VocabularyFiles.SpecialCount,
            MinFrequency = least,
            Threads = call.Options.Threads ?? 0,
            Stop = call.Stop,
            Warn = call.Output.Note,
            Progress = (what, done) => call.Output.Status(what == "counting" ? $"counting: {done / 1e6:F0} MB" : $"merging: {done} tokens"),
        });
        call.Output.EndStatus();
        var folder = call["out"]!;
        try
        {
            VocabularyFiles.Write(folder, trained);
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            throw AtomicFile.Refused(folder, cause);
        }
        var tokens = trained.Tokens.Count + VocabularyFiles.SpecialCount;
        if (tokens < size)
            call.Output.Note($"The corpus gave {tokens} tokens only: no further pair occurs {least} times.");
        call.Output.Line(string.Create(CultureInfo.InvariantCulture, $"{tokens} tokens, {trained.Merges.Count} merges in {clock.Elapsed.TotalSeconds:F1} s: {folder}"));
        call.Output.Document(new JsonObject { ["out"] = folder, ["tokens"] = tokens, ["merges"] = trained.Merges.Count, ["seconds"] = clock.Elapsed.TotalSeconds });
        return Task.FromResult(0);
    }
}
