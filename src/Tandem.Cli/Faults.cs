using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Tandem.Cli;

/// <summary>Tells what went wrong: a paragraph for people, an object for machines, a report file for faults of our own.</summary>
static class Faults
{
    // One line, so that it can end JSON lines as well.
    static readonly JsonSerializerOptions Format = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Tells of an error on the process's streams and returns the exit code.</summary>
    public static int Tell(Exception cause, string[] arguments, bool json, bool verbose) => Tell(cause, arguments, json, verbose, Console.Out, Console.Error);

    /// <summary>Tells of an error on streams of the caller's.</summary>
    internal static int Tell(Exception cause, string[] arguments, bool json, bool verbose, TextWriter output, TextWriter people)
    {
        var error = Error(cause, arguments);
        if (json)
            output.WriteLine(new JsonObject { ["error"] = Json(error) }.ToJsonString(Format));
        else
            people.WriteLine(Capitalised(error.Paragraph));
        if (verbose)
            people.WriteLine(cause);
        return (int)error.Kind;
    }

    /// <summary>The error that people are told; for a fault of our own, the one that names the report that was written.</summary>
    public static TandemException Error(Exception cause, string[] arguments) => cause as TandemException ?? Crash(cause, arguments);

    /// <summary>The error for machines.</summary>
    public static JsonObject Json(TandemException error) => new()
    {
        ["kind"] = error.Kind.ToString().ToLowerInvariant(),
        ["message"] = error.Message,
        ["where"] = error.Where,
        ["expected"] = error.Expected,
        ["remedy"] = error.Remedy,
    };

    static TandemException Crash(Exception cause, string[] arguments)
    {
        var report = Write(cause, arguments);
        return new TandemException(
            ErrorKind.Internal,
            $"this is a fault of Tandem's own: {cause.GetType().Name}: {cause.Message.ReplaceLineEndings(" ")}",
            remedy: report is null
                ? "No report could be written; please send what 'tandem … --verbose' prints, as CONTRIBUTING.md describes"
                : $"What happened is written down in {report}; please send that file as CONTRIBUTING.md describes (it holds your command line: look at it first)",
            inner: cause);
    }

    static string? Write(Exception cause, string[] arguments)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"tandem-fault-{DateTime.UtcNow:yyyyMMdd-HHmmss}-{Environment.ProcessId}.txt");
        var text = $"""
            tandem {AboutTandem.Version} ({AboutTandem.Commit ?? "no commit"})
            {RuntimeInformation.OSDescription}, {RuntimeInformation.FrameworkDescription}, {RuntimeInformation.ProcessArchitecture}
            tandem {string.Join(' ', arguments)}

            {cause}

            """;
        foreach (var folder in new[] { Path.Combine(AboutTandem.CacheFolder, "faults"), Path.GetTempPath() })
        {
            try
            {
                Directory.CreateDirectory(folder);
                var file = Path.Combine(folder, name);
                File.WriteAllText(file, text);
                return file;
            }
            catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
            {
                continue;
            }
        }
        return null;
    }

    static string Capitalised(string text) => text.Length == 0 ? text : char.ToUpperInvariant(text[0]) + text[1..];
}
