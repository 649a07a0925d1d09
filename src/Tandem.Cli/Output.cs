using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Spectre.Console;

namespace Tandem.Cli;

/// <summary>
/// Where everything that a command says goes. Results for people stand on standard output, or on standard error when a machine reads along
/// (<c>--json</c>); notes and progress always on standard error. Colours and moving lines appear on a terminal only.
/// </summary>
sealed class Output(GlobalOptions options)
{
    static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    static readonly JsonSerializerOptions OneLine = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    readonly Lock gate = new();
    int statusWidth;

    public bool Json => options.Json;

    public bool Verbose => options.Verbose;

    /// <summary>Whether the last JSON line told of the error that ends the command.</summary>
    public bool ErrorTold { get; private set; }

    bool ToStandardError => options.Json;

    /// <summary>Whether progress may move: a person looks at it.</summary>
    public bool Moving => !options.Quiet && !Console.IsErrorRedirected && Environment.GetEnvironmentVariable("TERM") is not (null or "dumb");

    /// <summary>A line of the result.</summary>
    public void Line(string text = "")
    {
        if (options.Json && options.Quiet)
            return;
        lock (gate)
        {
            EraseStatus();
            (ToStandardError ? Console.Error : Console.Out).WriteLine(text);
        }
    }

    /// <summary>A line beside the result: what is being done, what was noticed.</summary>
    public void Note(string text)
    {
        if (options.Quiet)
            return;
        lock (gate)
        {
            EraseStatus();
            Console.Error.WriteLine(text);
        }
    }

    /// <summary>A line that only those who asked for more see.</summary>
    public void Detail(string text)
    {
        if (options.Verbose)
            Note(text);
    }

    /// <summary>The state of long work, rewritten in place on a terminal; elsewhere nothing.</summary>
    public void Status(string text)
    {
        if (!Moving)
            return;
        lock (gate)
        {
            var width = Math.Max(20, Console.WindowWidth - 1);
            var shown = text.Length > width ? text[..(width - 1)] + "…" : text;
            Console.Error.Write("\r" + shown.PadRight(statusWidth));
            statusWidth = shown.Length;
        }
    }

    /// <summary>A table of the result. Cells are plain text; the last column may be long.</summary>
    public void Table(IReadOnlyList<string> headers, IEnumerable<IReadOnlyList<string>> rows)
    {
        if (options.Json && options.Quiet)
            return;
        var writer = ToStandardError ? Console.Error : Console.Out;
        var terminal = !(ToStandardError ? Console.IsErrorRedirected : Console.IsOutputRedirected);
        var colours = terminal && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR")) && Environment.GetEnvironmentVariable("TERM") is not (null or "dumb");
        using var text = new StringWriter();
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = colours ? AnsiSupport.Yes : AnsiSupport.No,
            ColorSystem = colours ? ColorSystemSupport.Standard : ColorSystemSupport.NoColors,
            Interactive = InteractionSupport.No,
            Out = new AnsiConsoleOutput(text),
        });
        // Who reads a pipe wants a row a line, however long.
        console.Profile.Width = terminal ? Math.Max(40, Console.WindowWidth - 1) : 10_000;
        var table = new Table { Border = TableBorder.None, ShowHeaders = true };
        foreach (var header in headers)
            table.AddColumn(new TableColumn(new Markup($"[bold]{Markup.Escape(header)}[/]")) { NoWrap = header != headers[^1] });
        foreach (var row in rows)
            table.AddRow([.. row.Select(cell => new Text(cell))]);
        console.Write(table);
        lock (gate)
        {
            EraseStatus();
            foreach (var line in text.ToString().TrimEnd('\n').Split('\n'))
                writer.WriteLine(line.TrimEnd());
        }
    }

    /// <summary>The JSON document of a command that answers once. Nothing without <c>--json</c>.</summary>
    public void Document(JsonNode document)
    {
        if (options.Json)
            Console.Out.WriteLine(document.ToJsonString(Indented));
    }

    /// <summary>A JSON line of long work. Nothing without <c>--json</c>.</summary>
    public void JsonLine(JsonNode line)
    {
        if (!options.Json)
            return;
        Console.Out.WriteLine(line.ToJsonString(OneLine));
        Console.Out.Flush();
        ErrorTold = line["error"] is not null;
    }

    /// <summary>Takes the moving line away, if there is one.</summary>
    public void EndStatus()
    {
        lock (gate)
            EraseStatus();
    }

    void EraseStatus()
    {
        if (statusWidth == 0)
            return;
        Console.Error.Write("\r" + new string(' ', statusWidth) + "\r");
        statusWidth = 0;
    }
}
