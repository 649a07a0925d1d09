using System.Text.Json.Nodes;
using Tandem.Models.Formats;
using Tandem.Torch;
using Tandem.Verify;
using Xunit;

namespace Tandem.Tests.Verify;

public sealed class VerificationTests : IDisposable
{
    readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void FormatsAreReadAndWrittenAsRecorded()
    {
        var result = Verification.Run(GoldenFolder.Case("formats"));
        Assert.All(result.Cases, golden => Assert.True(golden.Status == CaseStatus.Passed, $"{golden.Path}: {golden.Reason}"));
        Assert.True(result.Passed >= 9);
    }

    [Theory]
    [InlineData(1.0f, CaseStatus.Passed, null)]
    [InlineData(1.0009f, CaseStatus.Passed, null)]
    [InlineData(1.1f, CaseStatus.Failed, "leaves [rtol 0.001")]
    [InlineData(float.NaN, CaseStatus.Failed, "NaN")]
    [InlineData(float.PositiveInfinity, CaseStatus.Failed, "∞|Infinity")]
    public void FloatsPassWithinTheirTolerance(float actual, CaseStatus status, string? reason)
    {
        Case("a", expect: new() { ["y"] = HostTensor.From<float>([1], 1) });
        Expect(Run((_, comparison) => comparison.Tensor("y", HostTensor.From<float>([actual], 1))), status, reason);
    }

    [Fact]
    public void InfinityPassesOnlyAgainstTheSameInfinity()
    {
        Case("a", expect: new() { ["y"] = HostTensor.From<float>([float.PositiveInfinity], 1) });
        Expect(Run((_, comparison) => comparison.Tensor("y", HostTensor.From<float>([float.PositiveInfinity], 1))), CaseStatus.Passed);
        Expect(Run((_, comparison) => comparison.Tensor("y", HostTensor.From<float>([float.NegativeInfinity], 1))), CaseStatus.Failed);
        Expect(Run((_, comparison) => comparison.Tensor("y", HostTensor.From<float>([3e38f], 1))), CaseStatus.Failed);
    }

    [Fact]
    public void NaNPassesOnNeitherSide()
    {
        Case("a", expect: new() { ["y"] = HostTensor.From<float>([float.NaN], 1) });
        Expect(Run((_, comparison) => comparison.Tensor("y", HostTensor.From<float>([float.NaN], 1))), CaseStatus.Failed);
    }

    [Fact]
    public void TheLongestPrefixDecidesTheTolerance()
    {
        Case("a", tolerance: """{"default":[0,0],"grad.*":[0,0.1],"grad.blocks.*":[0,1],"grad.blocks.0.w":[0,10]}""");
        var golden = GoldenCase.Open(folder["a"]);
        Assert.Equal((0, 10), golden.ToleranceOf("grad.blocks.0.w"));
        Assert.Equal((0, 1), golden.ToleranceOf("grad.blocks.1.w"));
        Assert.Equal((0, 0.1), golden.ToleranceOf("grad.head"));
        Assert.Equal((0, 0), golden.ToleranceOf("loss"));
    }

    [Fact]
    public void ShapeAndTypeMustAgree()
    {
        Case("a", expect: new() { ["y"] = HostTensor.From<float>([1, 2], 2) });
        Expect(Run((_, comparison) => comparison.Tensor("y", HostTensor.From<float>([1, 2], 2, 1))), CaseStatus.Failed, "shape [2, 1] instead of [2]");
        Expect(Run((_, comparison) => comparison.Tensor("y", HostTensor.From<double>([1, 2], 2))), CaseStatus.Failed, "type Double instead of Float");
    }

    [Fact]
    public void IntegersMustBeEqualWhateverTheTolerance()
    {
        Case("a", expect: new() { ["y"] = HostTensor.From<long>([1, 2], 2) }, tolerance: """{"default":[1,10]}""");
        Expect(Run((_, comparison) => comparison.Tensor("y", HostTensor.From<long>([1, 3], 2))), CaseStatus.Failed, "differs in 1 of 2 elements, first at [1]: 3 instead of 2");
    }

    [Fact]
    public void EveryExpectedTensorAndValueMustBeProduced()
    {
        Case("a", expect: new() { ["y"] = HostTensor.From<float>([1], 1) }, values: """{"n":3}""");
        Expect(Run((_, _) => { }), CaseStatus.Failed, "tensor 'y' was not produced; the value 'n' was not produced");
    }

    [Fact]
    public void AGradientThatShouldNotBeFails()
    {
        Case("a", expect: new() { ["grad.w"] = HostTensor.From<float>([1], 1) });
        Expect(Run((_, comparison) =>
        {
            comparison.Tensor("grad.w", HostTensor.From<float>([1], 1));
            comparison.Tensor("grad.v", HostTensor.From<float>([0], 1));
        }), CaseStatus.Failed, "'grad.v' has a gradient");
    }

    [Fact]
    public void UnknownFieldsAndInputsFailByName()
    {
        Case("a", config: """{"depth":2,"model":{"width":4,"strange":true},"seed":1}""", inputs: new() { ["x"] = HostTensor.From<float>([1], 1), ["draw.dropout.000"] = HostTensor.From<float>([1], 1) });
        Expect(Run((golden, _) =>
        {
            Assert.Equal(2, golden.Config.GetInt("depth"));
            Assert.Equal(4, golden.Config.Object("model").GetInt("width"));
            golden.Config.WithoutEffect("seed");
            Assert.Equal(1, golden.Inputs["x"].Count);
        }), CaseStatus.Failed, "the configuration's field 'model.strange' is not understood; the input 'draw.dropout.000' is not understood");
    }

    [Theory]
    [InlineData("""{"n":3}""", 3, true)]
    [InlineData("""{"n":3}""", 4, false)]
    [InlineData("""{"n":3}""", 3.00001, false)]
    [InlineData("""{"n":3.0}""", 3.00001, true)]
    [InlineData("""{"n":3.0}""", 3.1, false)]
    [InlineData("""{"n":"a"}""", "a", true)]
    [InlineData("""{"n":"a"}""", 1, false)]
    [InlineData("""{"n":true}""", true, true)]
    [InlineData("""{"n":true}""", 1, false)]
    [InlineData("""{"n":null}""", null, true)]
    [InlineData("""{"n":[1,2]}""", new[] { 1, 2 }, true)]
    [InlineData("""{"n":[1,2]}""", new[] { 1, 2, 3 }, false)]
    public void ValuesAreComparedByTheirKind(string values, object? actual, bool passes)
    {
        Case("a", values: values);
        Expect(Run((_, comparison) => comparison.Value("n", actual)), passes ? CaseStatus.Passed : CaseStatus.Failed);
    }

    [Fact]
    public void ObjectsMustHaveTheSameKeys()
    {
        Case("a", values: """{"n":{"a":1,"b":[0.5]}}""");
        Expect(Run((_, comparison) => comparison.Value("n", new JsonObject { ["a"] = 1, ["b"] = new JsonArray(0.5) })), CaseStatus.Passed);
        Expect(Run((_, comparison) => comparison.Value("n", new Dictionary<string, object?> { ["a"] = 1, ["c"] = 1 })), CaseStatus.Failed, "n.b is missing; n.c is not expected");
    }

    [Fact]
    public void ACrashFailsItsCaseAndTheOthersGoOn()
    {
        Case("a");
        Case("b");
        var result = Verification.Run(folder.Path, kinds: [new Check((golden, _) =>
        {
            if (golden.Path == "a")
                throw new InvalidOperationException("boom");
        })]);
        Assert.Equal((1, 1, 0), (result.Passed, result.Failed, result.Skipped));
        Assert.Contains("boom", result.Cases[0].Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void WhatIsNotBuiltIsSkippedAndWhatIsUnknownFails()
    {
        Case("a", kind: "pretrain_step", method: "mae");
        Case("b", kind: "no_such_kind", method: "mae");
        Case("c", kind: "anything", method: "no_such_method");
        Case("d");
        var result = Verification.Run(folder.Path, kinds: [new Check((_, _) => throw new SkippedException("no GPU"))]);
        Assert.Equal([CaseStatus.Skipped, CaseStatus.Failed, CaseStatus.Skipped, CaseStatus.Skipped], result.Cases.Select(golden => golden.Status));
        Assert.Contains("not built yet", result.Cases[0].Reason, StringComparison.Ordinal);
        Assert.Contains("no kind 'no_such_kind'", result.Cases[1].Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("""{"method":"mae"}""")]
    [InlineData("""{"method":"mae","kind":3}""")]
    [InlineData("""{"method":"mae","kind":"mask","tolerance":{"default":[1]}}""")]
    public void AWrongDescriptionIsTheInputsFault(string json)
    {
        folder.Write("a/case.json", json);
        Assert.Equal(ErrorKind.Input, Assert.Throws<TandemException>(() => Verification.Run(folder.Path)).Kind);
    }

    [Fact]
    public void AFolderWithoutCasesIsTheInputsFault() => Assert.Equal(ErrorKind.Input, Assert.Throws<TandemException>(() => Verification.Run(folder.Path)).Kind);

    [Fact]
    public void AnAlteredFileFails()
    {
        Case("a", files: """{"v.txt":"00"}""");
        folder.Write("a/v.txt", "text");
        Expect(Run((golden, _) => golden.File("v.txt")), CaseStatus.Failed, "SHA-256");
    }

    [Fact]
    public void TheDocumentNamesTheLargestDeviation()
    {
        Case("a", expect: new() { ["y"] = HostTensor.From<float>([1, 2], 2), ["z"] = HostTensor.From<float>([0], 1) });
        var json = Verification.Run(folder.Path, kinds: [new Check((_, comparison) =>
        {
            comparison.Tensor("y", HostTensor.From<float>([1, 2.5f], 2));
            comparison.Tensor("z", HostTensor.From<float>([0], 1));
        })]).ToJson();
        Assert.Equal(1, (int)json["failed"]!);
        var worst = json["cases"]![0]!["worst"]!;
        Assert.Equal(("y", 0.5, 0.25), ((string)worst["tensor"]!, (double)worst["absolute"]!, (double)worst["relative"]!));
        Assert.Equal("failed", (string)json["cases"]![0]!["status"]!);
    }

    CaseResult Run(Action<GoldenCase, Comparison> check) => Assert.Single(Verification.Run(folder.Path, kinds: [new Check(check)]).Cases);

    static void Expect(CaseResult result, CaseStatus status, string? reason = null)
    {
        Assert.True(result.Status == status, $"{result.Status}: {result.Reason}");
        if (reason is not null)
            Assert.Contains(reason.Split('|'), part => result.Reason!.Contains(part, StringComparison.Ordinal));
    }

    void Case(string name, string config = "{}", Dictionary<string, HostTensor>? inputs = null, Dictionary<string, HostTensor>? expect = null, string? values = null,
        string tolerance = """{"default":[0.001,1e-8]}""", string? files = null, string kind = "k", string method = "m")
    {
        folder.Write($"{name}/case.json", $$"""{"method":"{{method}}","kind":"{{kind}}","unknown":1,"config":{{config}},"tolerance":{{tolerance}}{{(values is null ? "" : ",\"values\":" + values)}}{{(files is null ? "" : ",\"files\":" + files)}}}""");
        if (inputs is not null)
            Safetensors.Write(folder[name, "inputs.safetensors"], inputs);
        if (expect is not null)
            Safetensors.Write(folder[name, "expect.safetensors"], expect);
    }

    sealed class Check(Action<GoldenCase, Comparison> check) : ICaseKind
    {
        public string Method => "m";

        public IReadOnlyList<string> Kinds => ["k"];

        void ICaseKind.Check(GoldenCase golden, Comparison comparison, string device) => check(golden, comparison);
    }
}
