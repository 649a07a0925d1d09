using System.Diagnostics;
using Xunit;

namespace Tandem.Tests.House;

/// <summary>What the set-up does about packages, with Debian's own programs replaced by ones that only take notes.</summary>
public sealed class SetupTests : IDisposable
{
    readonly TemporaryFolder folder = new();

    public SetupTests()
    {
        Assert.SkipUnless(File.Exists("/var/lib/dpkg/status"), "this is no Debian");
        Directory.CreateDirectory(folder["bin"]);
        Directory.CreateDirectory(folder["state"]);
        // Everything is installed but one package that is needed and one that is wanted, until apt-get has been asked.
        Program("dpkg-query", """
            for p in libicu72 libtorch-dev libgloo-dev libopenblas0-openmp libturbojpeg0 libspng0 libwebp7 libsndfile1; do echo "installed $p"; done
            [[ -f $NOTES.installed ]] && echo "installed g++" && echo "installed libsoxr0"
            exit 0
            """);
        Program("apt-get", """
            echo "apt-get $*" >> "$NOTES"
            [[ -f $NOTES.fail ]] && exit 100
            [[ $* == *install* ]] && touch "$NOTES.installed"
            exit 0
            """);
        Program("apt-cache", """[[ -f $NOTES.unknown && " $(cat "$NOTES.unknown") " == *" $2 "* ]] && exit 100; exit 0""");
        Program("update-alternatives", "exit 0");
        Program("sudo", """[[ -f $NOTES.nosudo ]] && exit 1; shift; exec "$@" """);
    }

    string Notes => folder["notes"];

    public void Dispose() => folder.Dispose();

    [Fact]
    public void MissingPackagesAreInstalledOnce()
    {
        Assert.Equal(0, Check().Code);
        Assert.Equal(["apt-get update -q", "apt-get install -yq --no-install-recommends g++ libsoxr0"], File.ReadAllLines(Notes));
        Assert.Equal((0, ""), Check());
        Assert.Equal(2, File.ReadAllLines(Notes).Length);
    }

    [Fact]
    public void WhatCannotBeInstalledIsRefusedWithTheCommand()
    {
        File.WriteAllText(Notes + ".fail", "");
        var (code, error) = Check();
        Assert.Equal(4, code);
        Assert.Contains("apt-get install g++ libsoxr0", error);
    }

    [Fact]
    public void AWantedPackageThatTheReleaseDoesNotHaveStopsNothing()
    {
        File.WriteAllText(Notes + ".unknown", "libsoxr0");
        Assert.Equal(0, Check().Code);
        Assert.Equal("apt-get install -yq --no-install-recommends g++", File.ReadAllLines(Notes)[1]);
        Assert.Equal((0, ""), Check());
    }

    [Fact]
    public void OfTwoNamesTheOneThatTheReleaseKnowsIsInstalled()
    {
        // Ubuntu's name of a library that Debian calls otherwise.
        Program("dpkg-query", "for p in libicu72 libtorch-dev libgloo-dev libopenblas0-openmp libspng0 libwebp7 libsndfile1 libsoxr0 g++; do echo \"installed $p\"; done");
        File.WriteAllText(Notes + ".unknown", "libturbojpeg0");
        Assert.Equal(0, Check().Code);
        Assert.Equal("apt-get install -yq --no-install-recommends libturbojpeg", File.ReadAllLines(Notes)[1]);
    }

    [Fact]
    public void WithoutRightsTheCommandIsPrinted()
    {
        Assert.SkipWhen(Environment.IsPrivilegedProcess, "root has all rights");
        File.WriteAllText(Notes + ".nosudo", "");
        var (code, error) = Check();
        Assert.Equal(4, code);
        Assert.Contains("sudo apt-get update && sudo apt-get install -y g++ libsoxr0", error);
        Assert.False(File.Exists(Notes));
    }

    [Fact]
    public void PackagesAreLeftAloneOnRequest()
    {
        Assert.Equal((0, ""), Check(("TANDEM_SETUP", "skip")));
        Assert.False(File.Exists(Notes));
    }

    (int Code, string Error) Check(params (string Name, string Value)[] environment)
    {
        var script = $"source '{Repository.At("native", "setup.sh")}'; state='{folder["state"]}'; check_packages";
        var start = new ProcessStartInfo("bash", ["-euo", "pipefail", "-c", script]) { UseShellExecute = false, RedirectStandardError = true };
        start.Environment["PATH"] = $"{folder["bin"]}:{Environment.GetEnvironmentVariable("PATH")}";
        start.Environment["NOTES"] = Notes;
        start.Environment.Remove("LIBTORCH");
        start.Environment.Remove("TANDEM_SETUP");
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, error);
    }

    void Program(string name, string text)
    {
        var file = folder.Write($"bin/{name}", "#!/bin/bash\n" + text + "\n");
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }
}
