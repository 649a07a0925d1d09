using System.Text.RegularExpressions;
using Tandem.Runs;
using Xunit;

namespace Tandem.Tests.Runs;

/// <summary>Finding, describing, comparing and removing runs.</summary>
public sealed class RunListingTests : IDisposable
{
    readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void RunsAreFoundAtAnyDepthTheNewestFirst()
    {
        SmallRun.Write(folder["old"]);
        SmallRun.Write(folder["deep", "er", "middle"], state: RunState.Running);
        SmallRun.Write(folder["old", "inner"], state: RunState.Stopped);
        folder.Write("mine/recipe.json", "{\"base\": \"data2vec2/images-mini\"}");
        folder.Write("old/checkpoints/step-00000040/recipe.json", "{\"format\": \"tandem run recipe 1\"}");
        folder.Write(".hidden/recipe.json", "{\"format\": \"tandem run recipe 1\"}");
        Directory.CreateSymbolicLink(folder["link"], folder["old"]);
        var runs = RunListing.Under(folder.Path);
        Assert.Equal(["old/inner stopped", "deep/er/middle interrupted", "old finished"], runs.Select(run => $"{run.Name} {run.State}"));
        var old = runs[^1];
        Assert.Equal((40, 100, 1.0, "eval/knn", "data2vec2/images-mini", null), (old.Status.Step, old.Status.Steps, old.Status.Loss, old.BestBy, old.Recipe, old.Fault));
        Assert.Equal(0.5, old.BestValue!.Value, 6);
        Assert.InRange(old.Bytes, 1000, 20_000);
        Assert.Equal("old", RunListing.Under(folder["old"])[^1].Name);
    }

    [Fact]
    public void ARunningRunIsNotInterruptedWhileItsLockIsHeld()
    {
        SmallRun.Write(folder["run"], state: RunState.Running);
        using (RunFolder.Open(folder["run"]))
            Assert.Equal("running", Assert.Single(RunListing.Under(folder.Path)).State);
        Assert.Equal("interrupted", RunDescription.Of(folder["run"]).State);
    }

    [Fact]
    public void ADamagedStatusIsNamed()
    {
        SmallRun.Write(folder["run"]);
        File.WriteAllText(folder["run", "status.json"], "{");
        Assert.Contains("damaged", Assert.Single(RunListing.Under(folder.Path)).Fault, StringComparison.Ordinal);
    }

    [Fact]
    public void ADescriptionHoldsWhatWasChosenAndWhatCameOut()
    {
        var run = RunDescription.Of(SmallRun.Write(folder["run"]));
        Assert.Equal(["run.folder", "optimizer.learning_rate"], run.Chosen.Select(value => value.Key));
        Assert.Equal(1, run.Defaults);
        Assert.Equal([20, 40], run.Evaluations.Select(line => line.Step));
        Assert.Equal(["eval/knn", "eval/knn_untrained"], run.Evaluations[0].Values.Keys);
        var checkpoint = Assert.Single(run.Checkpoints);
        Assert.Equal(("step-00000040", 40, 1000, true, false), (checkpoint.Name, checkpoint.Step, checkpoint.Bytes, checkpoint.IsLast, checkpoint.IsBest));
        Assert.Equal("Nothing speaks against this run. Looked at, 4 times up to step 40: variance and effective rank of targets and the student's features; the loss against its start.", run.Reason);
        Assert.Contains("\"gauge/prediction_deviation\":null", run.ToJson().ToJsonString(), StringComparison.Ordinal);
    }

    [Fact]
    public void RunsAreComparedAtTheirEndsAndAfterEqualTime()
    {
        SmallRun.Write(folder["a", "run"]);
        SmallRun.Write(folder["b", "run"], lines: 6, secondsALine: 20, lift: 0.1, learningRate: 0.5);
        var runs = RunComparison.Of([folder["a", "run"], folder["b", "run"] + "/"]);
        Assert.Equal(["a/run", "b/run"], runs.Names);
        var difference = Assert.Single(runs.Differences);
        Assert.Equal(("optimizer.learning_rate", "0.001", "0.5"), (difference.Key, difference.Texts[0], difference.Texts[1]));
        Assert.Equal(40, runs.Seconds);
        Assert.Equal([40, 20], Of(runs.AtSeconds, "steps").Last);
        Assert.Equal([1, 4], Of(runs.AtSeconds, "loss").Last);
        Assert.Equal([0.5, 0.5], Of(runs.AtSeconds, "eval/knn").Last.Select(value => Math.Round(value!.Value, 6)));
        Assert.Equal([0.5, 0.7], Of(runs.Numbers, "eval/knn").Best!.Select(value => Math.Round(value!.Value, 6)));
        Assert.Equal([64, 32], Of(runs.Numbers, "samples_per_second").Last);
        Assert.Equal([40, 120], Of(runs.Numbers, "seconds").Last);
        Assert.Equal([("seconds", "40 s", "2 min 0 s")], Of(runs.Numbers, "seconds").Rows.Select(row => (row.Name, row.Values[0], row.Values[1])));
    }

    [Fact]
    public void AComparisonIsAPage()
    {
        SmallRun.Write(folder["a"]);
        SmallRun.Write(folder["b"], lines: 1);
        RunComparison.Of([folder["a"], folder["b"]]).WritePage(folder["page.html"]);
        var html = File.ReadAllText(folder["page.html"]);
        foreach (var words in new[] { "After equal time", "Curves over steps", "Curves over time", "<b>kNN</b>", "The recipes do not differ.", ">a<", ">b<" })
            Assert.Contains(words, html, StringComparison.Ordinal);
        Assert.DoesNotContain("NaN", html, StringComparison.Ordinal);
    }

    [Fact]
    public void AComparisonShowsTheHealthOfTwelveRunsInLinesOfTheirOwn()
    {
        List<string> runs = [.. Enumerable.Range(0, 12).Select(run => folder[$"run{run}"])];
        runs.ForEach(run => SyntheticRun.Write(run));
        RunComparison.Of(runs).WritePage(folder["page.html"]);
        var html = File.ReadAllText(folder["page.html"]);
        var (start, end) = (html.IndexOf("<b>Effective rank, targets</b>", StringComparison.Ordinal), html.IndexOf("<b>Effective rank, the student", StringComparison.Ordinal));
        Assert.InRange(start, 0, end);
        var lines = Regex.Matches(html[start..end], "<path class=\"(s[0-9]+)\"").Select(match => match.Groups[1].Value).Distinct().ToList();
        Assert.Equal(12, lines.Count);
        var styles = lines.ConvertAll(line => Regex.Match(html, $@"\.{line} \{{ ([^}}]+) \}}").Groups[1].Value);
        Assert.Equal(12, styles.Where(style => style.Length > 0).Distinct().Count());
    }

    [Fact]
    public void ARunAloneCannotBeCompared()
    {
        SmallRun.Write(folder["a"]);
        Assert.Equal(ErrorKind.Usage, Assert.Throws<TandemException>(() => RunComparison.Of([folder["a"], folder["a", "."]])).Kind);
        Assert.Equal(ErrorKind.Usage, Assert.Throws<TandemException>(() => RunComparison.Of([folder["a"], folder["b"]])).Kind);
    }

    [Fact]
    public void OnlyWhatTheRunWroteIsRemoved()
    {
        SmallRun.Write(folder["a"]);
        SmallRun.Write(folder["b"]);
        folder.Write("b/notes.txt", "mine");
        folder.Write("weights/model.bin", "elsewhere");
        Directory.CreateSymbolicLink(folder["a", "checkpoints", "link"], folder["weights"]);
        Directory.CreateSymbolicLink(folder["b", "samples"], folder["weights"]);
        Assert.Equal([1, 1], RunRemoval.Look([folder["a"], folder["b"], folder["b"] + "/"]).Select(run => run.Kept.Count));
        Assert.True(RunFolder.IsRun(folder["a"]));
        var removed = RunRemoval.Remove([folder["a"], folder["b"]]);
        Assert.InRange(removed[0].Bytes, 1000, 20_000);
        // The link is nobody's but its maker's.
        Assert.Equal(["checkpoints/link"], Directory.EnumerateFileSystemEntries(folder["a", "checkpoints"]).Select(entry => Path.GetRelativePath(folder["a"], entry)));
        Assert.Equal(["checkpoints"], Directory.EnumerateFileSystemEntries(folder["a"]).Select(Path.GetFileName));
        Assert.Equal(["notes.txt"], Directory.EnumerateFileSystemEntries(folder["b"]).Select(Path.GetFileName));
        Assert.Equal("elsewhere", File.ReadAllText(folder["weights", "model.bin"]));
    }

    [Fact]
    public void WhatIsNoRunOrInUseIsRefusedAndNothingGoes()
    {
        SmallRun.Write(folder["a"]);
        SmallRun.Write(folder["used"]);
        folder.Write("mine/recipe.json", "{\"base\": \"data2vec2/images-mini\"}");
        Directory.CreateSymbolicLink(folder["link"], folder["a"]);
        using var held = RunFolder.Open(folder["used"]);
        Assert.Equal(ErrorKind.Machine, Assert.Throws<TandemException>(() => RunRemoval.Remove([folder["a"], folder["used"]])).Kind);
        foreach (var wrong in new[] { folder["mine"], folder["link"], folder["link"] + "/", folder["missing"], folder.Path })
            Assert.Equal(ErrorKind.Usage, Assert.Throws<TandemException>(() => RunRemoval.Remove([folder["a"], wrong])).Kind);
        Assert.True(File.Exists(folder["mine", "recipe.json"]));
        Assert.Equal("finished", RunDescription.Of(folder["a"]).State);
    }

    static ComparedMetric Of(IEnumerable<ComparedMetric> numbers, string name) => numbers.Single(number => number.Name == name);
}
