using System.Text.Json.Nodes;

namespace Tandem.Verify;

/// <summary>What became of a case.</summary>
public enum CaseStatus
{
    /// <summary>Everything agreed.</summary>
    Passed,
    /// <summary>Something differed, was missing, or was not understood.</summary>
    Failed,
    /// <summary>It cannot be checked yet, or not here.</summary>
    Skipped,
}

/// <summary>The result of one case.</summary>
/// <param name="Path">The case's folder, relative to the one given.</param>
/// <param name="Method">Its method.</param>
/// <param name="Kind">Its kind.</param>
/// <param name="Status">What became of it.</param>
/// <param name="Worst">The largest deviation; null when no float was compared.</param>
/// <param name="Reason">Why it failed or was skipped; null when it passed.</param>
public sealed record CaseResult(string Path, string Method, string Kind, CaseStatus Status, Deviation? Worst, string? Reason);

/// <summary>The result of a verification.</summary>
/// <param name="Cases">All cases, by path.</param>
public sealed record VerificationResult(IReadOnlyList<CaseResult> Cases)
{
    /// <summary>Number of cases that passed.</summary>
    public int Passed => Cases.Count(result => result.Status == CaseStatus.Passed);

    /// <summary>Number of cases that failed.</summary>
    public int Failed => Cases.Count(result => result.Status == CaseStatus.Failed);

    /// <summary>Number of cases that were skipped.</summary>
    public int Skipped => Cases.Count(result => result.Status == CaseStatus.Skipped);

    /// <summary>The document that <c>tandem verify --json</c> prints. A deviation that is not finite is null.</summary>
    public JsonObject ToJson() => new()
    {
        ["passed"] = Passed,
        ["failed"] = Failed,
        ["skipped"] = Skipped,
        ["cases"] = new JsonArray([.. Cases.Select(result => (JsonNode)new JsonObject
        {
            ["path"] = result.Path,
            ["method"] = result.Method,
            ["kind"] = result.Kind,
            ["status"] = result.Status.ToString().ToLowerInvariant(),
            ["worst"] = result.Worst is null ? null : new JsonObject
            {
                ["tensor"] = result.Worst.Tensor,
                ["absolute"] = Finite(result.Worst.Absolute),
                ["relative"] = Finite(result.Worst.Relative),
            },
            ["reason"] = result.Reason,
        })]),
    };

    static JsonValue? Finite(double value) => double.IsFinite(value) ? JsonValue.Create(value) : null;
}

/// <summary>Runs golden cases through the classes that training uses, and compares.</summary>
public static class Verification
{
    const int ReasonsTold = 5;

    /// <summary>Checks all cases in a folder.</summary>
    /// <param name="folder">A folder with cases at any depth, or one case.</param>
    /// <param name="device">Where to compute: <c>cpu</c>, <c>cuda:0</c>.</param>
    /// <param name="progress">Hears of each case when it is done.</param>
    /// <param name="kinds">The checks to choose from; <see cref="CaseKinds.All"/> when null.</param>
    /// <param name="cancellation">Ends the verification between two cases.</param>
    /// <exception cref="TandemException">No case was found, or a <c>case.json</c> cannot be read (<see cref="ErrorKind.Input"/>).</exception>
    public static VerificationResult Run(string folder, string device = "cpu", IProgress<CaseResult>? progress = null, IReadOnlyList<ICaseKind>? kinds = null, CancellationToken cancellation = default)
    {
        if (!Directory.Exists(folder))
            throw new TandemException(ErrorKind.Input, "there is no such folder", folder, "a folder with golden cases");
        var root = Path.GetFullPath(folder);
        // All descriptions are read first: a wrong one is the input's fault, and is told before an hour of computing.
        List<GoldenCase> cases = [.. Directory.EnumerateFiles(root, "case.json", SearchOption.AllDirectories).Order(StringComparer.Ordinal).Select(file => GoldenCase.Open(Path.GetDirectoryName(file)!, root))];
        if (cases.Count == 0)
            throw new TandemException(ErrorKind.Input, "there is no golden case", folder, "folders with a case.json");
        List<CaseResult> results = [];
        for (var i = 0; i < cases.Count; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            var result = Check(cases[i], device, kinds);
            cases[i] = null!; // its tensors may go
            results.Add(result);
            progress?.Report(result);
        }
        return new VerificationResult(results);
    }

    /// <summary>Checks one case. Whatever goes wrong inside fails this case only.</summary>
    /// <param name="golden">The case.</param>
    /// <param name="device">Where to compute.</param>
    /// <param name="kinds">The checks to choose from; <see cref="CaseKinds.All"/> when null.</param>
    public static CaseResult Check(GoldenCase golden, string device = "cpu", IReadOnlyList<ICaseKind>? kinds = null)
    {
        Comparison? comparison = null;
        CaseResult Result(CaseStatus status, string? reason) => new(golden.Path, golden.Method, golden.Kind, status, comparison?.Worst, reason);
        try
        {
            var kind = CaseKinds.Of(golden, kinds);
            comparison = new Comparison(golden);
            kind.Check(golden, comparison, device);
            comparison.Finish();
            return comparison.Failures.Count == 0 ? Result(CaseStatus.Passed, null) : Result(CaseStatus.Failed, Told(comparison.Failures));
        }
        catch (SkippedException cause)
        {
            return Result(CaseStatus.Skipped, cause.Message);
        }
        catch (CaseFailedException cause)
        {
            return Result(CaseStatus.Failed, Told([.. comparison?.Failures ?? [], cause.Message]));
        }
        catch (TandemException cause)
        {
            return Result(CaseStatus.Failed, Told([.. comparison?.Failures ?? [], cause.Paragraph]));
        }
        catch (Exception cause) when (cause is not OperationCanceledException)
        {
            var place = cause.StackTrace?.Split('\n')[0].Trim();
            return Result(CaseStatus.Failed, Told([.. comparison?.Failures ?? [], $"the check crashed: {cause.GetType().Name}: {cause.Message} {place}"]));
        }
    }

    static string Told(IReadOnlyList<string> failures) =>
        string.Join("; ", failures.Take(ReasonsTold)) + (failures.Count > ReasonsTold ? $"; and {failures.Count - ReasonsTold} more" : "");
}
