using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Tandem.Data.Text;

namespace Tandem.Cli.Commands;

/// <summary><c>tandem data tokenize</c>: what a tokenizer makes of a text, and how fast.</summary>
sealed class DataTokenizeCommand : Command
{
    const int CharactersShown = 200;

    public override string Name => "data tokenize";

    public override string Summary => "Shows what a tokenizer makes of a text, and how fast";

    public override string Example => "tandem data tokenize corpus.txt.gz tokenizer=vocabulary";

    public override IReadOnlyList<Operand> Operands { get; } = [new("FILE", "text, JSON lines, tables or tar shards, perhaps gzipped")];

    public override IReadOnlyList<Setting> Settings { get; } =
    [
        new("tokenizer", "a folder with tokenizer.json; encoder.json, vocab.bpe and perhaps dict.txt; vocab.json and merges.txt; or vocab.txt", Required: true),
        new("show", "lines whose pieces are shown (3)"),
        .. TextSettings.All,
    ];

    public override Task<int> Run(Call call)
    {
        var tokenizer = Tokenizer.Load(call["tokenizer"]!);
        var show = TextSettings.Number(call, "show", 3);
        long lines = 0, bytes = 0, tokens = 0;
        var rows = new List<(string Text, int[] Ids)>();
        var threads = call.Options.Threads ?? Environment.ProcessorCount;
        var clock = new Stopwatch();
        foreach (var group in TextSource.Open(call.Operands[0], TextSettings.Read(call)).Chunks().Chunk(threads * 2))
        {
            call.Stop.ThrowIfCancellationRequested();
            for (var i = 0; i < group[0].Count && rows.Count < show; i++)
            {
                var text = Short(group[0][i]);
                if (text.Length > 0)
                    rows.Add((text, tokenizer.Encode(text)));
            }
            clock.Start();
            Parallel.For(0, group.Length, new ParallelOptions { MaxDegreeOfParallelism = threads }, i =>
            {
                var ids = new List<int>();
                long found = 0;
                for (var line = 0; line < group[i].Count; line++)
                {
                    ids.Clear();
                    tokenizer.Encode(group[i][line], ids);
                    found += ids.Count;
                }
                Interlocked.Add(ref tokens, found);
            });
            clock.Stop();
            foreach (var chunk in group)
            {
                lines += chunk.Count;
                bytes += chunk.Size;
                chunk.Dispose();
            }
        }
        Tell(call, tokenizer, rows, (lines, bytes, tokens, clock.Elapsed.TotalSeconds, threads));
        return Task.FromResult(0);
    }

    // The beginning of a line, cut where a character begins.
    static string Short(ReadOnlySpan<byte> line)
    {
        var text = Encoding.UTF8.GetString(line[..Math.Min(line.Length, 4 * CharactersShown)]);
        return text.Length <= CharactersShown ? text.TrimEnd('\uFFFD') : text[..(char.IsHighSurrogate(text[CharactersShown - 1]) ? CharactersShown - 1 : CharactersShown)];
    }

    static void Tell(Call call, Tokenizer tokenizer, List<(string Text, int[] Ids)> rows, (long Lines, long Bytes, long Tokens, double Seconds, int Threads) all)
    {
        foreach (var (text, ids) in rows)
        {
            call.Output.Line(text);
            call.Output.Line("  " + string.Join(" | ", ids.Select(tokenizer.Token)));
            call.Output.Line("  " + string.Join(' ', ids));
        }
        var speed = all.Bytes / 1e6 / Math.Max(all.Seconds, 1e-9);
        call.Output.Line(string.Create(CultureInfo.InvariantCulture,
            $"{tokenizer.Description}: {all.Lines} lines, {all.Bytes / 1e6:F2} MB, {all.Tokens} tokens ({(double)all.Bytes / Math.Max(1, all.Tokens):F2} bytes a token), {speed:F1} MB/s on {all.Threads} threads"));
        call.Output.Document(new JsonObject
        {
            ["tokenizer"] = tokenizer.Description,
            ["size"] = tokenizer.Size,
            ["lines"] = all.Lines,
            ["bytes"] = all.Bytes,
            ["tokens"] = all.Tokens,
            ["seconds"] = all.Seconds,
            ["threads"] = all.Threads,
            ["shown"] = new JsonArray([.. rows.Select(row => (JsonNode)new JsonObject
            {
                ["text"] = row.Text,
                ["pieces"] = new JsonArray([.. row.Ids.Select(id => (JsonNode)tokenizer.Token(id))]),
                ["ids"] = new JsonArray([.. row.Ids.Select(id => (JsonNode)id)]),
            })]),
        });
    }
}
