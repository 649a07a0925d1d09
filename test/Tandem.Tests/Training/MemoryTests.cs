using Tandem.Recipes;
using Tandem.Torch;
using Xunit;

namespace Tandem.Tests.Training;

/// <summary>Counters of the whole process: no other test may run meanwhile.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class Alone
{
    public const string Name = "alone";
}

[Collection(Alone.Name)]
public sealed class MemoryTests
{
    [Fact]
    public void TwoHundredStepsKeepTensorsConstantAndMemoryFlat()
    {
        using var folder = new TemporaryFolder();
        Environment.SetEnvironmentVariable("TANDEM_CACHE", folder["cache"]);
        // What earlier tests left to the collector goes first.
        GC.Collect();
        GC.WaitForPendingFinalizers();
        var alive = new List<long>();
        var bytes = new List<long>();
        var resident = new List<long>();
        var recipe = TinyRun.Recipe(folder, "run", "steps=240", "run.log_every=10");
        using (var pretraining = Pretraining.Start(RecipeDocument.Load(recipe[0], recipe[1..])))
        {
            pretraining.Run(e =>
            {
                if (e.Kind != "step" || e.Step < 40)
                    return;
                alive.Add(Tensor.Alive);
                bytes.Add(Libtorch.Memory.LiveBytes);
                resident.Add(Resident());
            }, TestContext.Current.CancellationToken);
        }
        Assert.Equal(21, alive.Count);
        // What other tests forgot may be collected meanwhile, so the count may fall; it must not rise, not once.
        Assert.True(alive.Zip(alive.Skip(1)).All(pair => pair.Second <= pair.First), $"tensors held by C#: {string.Join(", ", alive)}");
        Assert.True(bytes.Max() - bytes[0] <= 4096, $"bytes of tensors: {string.Join(", ", bytes)}");
        // The collector and the cache of blocks breathe; a leak of one step's activations (1 MB and more) would show as 200 MB.
        Assert.True(resident[^1] - resident[0] < 64L << 20, $"resident bytes: {string.Join(", ", resident)}");
    }

    static long Resident() => long.Parse(File.ReadAllText("/proc/self/statm").Split(' ')[1]) * Environment.SystemPageSize;
}
