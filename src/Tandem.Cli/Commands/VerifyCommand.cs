using Tandem.Verify;

namespace Tandem.Cli.Commands;

/// <summary><c>tandem verify</c>: golden cases against what is computed here.</summary>
sealed class VerifyCommand : Command
{
    const int RowsShown = 20;

    public override string Name => "verify";

    public override string Summary => "Checks computations against recorded ones: golden cases";

    public override string Example => "tandem verify test/golden";

    public override IReadOnlyList<Operand> Operands { get; } = [new("FOLDER", "a folder with cases (case.json) at any depth, or one case")];

    public override string Remarks => "Cases are float32 whatever --precision says. The exit code is 6 when a case failed, 3 when one cannot be read.";

    public override Task<int> Run(Call call)
    {
        var device = call.Options.Device == "auto" ? "cpu" : call.Options.Device;
        var result = Verification.Run(call.Operands[0], device, new Listener(call.Output), cancellation: call.Stop);
        Show(result, call.Output);
        call.Output.Document(result.ToJson());
        return Task.FromResult(result.Failed > 0 ? (int)ErrorKind.Verification : 0);
    }

    static void Show(VerificationResult result, Output output)
    {
        var compared = result.Cases.Where(one => one.Worst is not null).OrderByDescending(one => one.Worst!.Relative).ThenBy(one => one.Path, StringComparer.Ordinal).ToList();
        if (compared.Count > 0)
        {
            output.Table(
                ["status", "absolute", "relative", "tensor", "case"],
                compared.Take(output.Verbose ? int.MaxValue : RowsShown).Select(one => (IReadOnlyList<string>)[Word(one.Status), one.Worst!.Absolute.ToString("0.0e+00"), one.Worst.Relative.ToString("0.0e+00"), one.Worst.Tensor, one.Path]));
            if (!output.Verbose && compared.Count > RowsShown)
                output.Line($"… and {compared.Count - RowsShown} cases with smaller deviations (--verbose shows all)");
            output.Line();
        }
        foreach (var group in result.Cases.Where(one => one.Status == CaseStatus.Skipped).GroupBy(one => one.Reason))
            output.Line($"skipped  {(group.Count() == 1 ? group.First().Path : $"{group.Count()} cases")}: {group.Key}");
        foreach (var one in result.Cases.Where(one => one.Status == CaseStatus.Failed))
            output.Line($"FAILED   {one.Path}: {one.Reason}");
        output.Line($"{result.Passed} passed, {result.Failed} failed, {result.Skipped} skipped");
    }

    static string Word(CaseStatus status) => status.ToString().ToLowerInvariant();

    /// <summary>Hears of cases in the thread that checks them (Progress of .NET would queue them).</summary>
    sealed class Listener(Output output) : IProgress<CaseResult>
    {
        int done;

        public void Report(CaseResult value) => output.Status($"{++done} checked: {value.Path}");
    }
}
