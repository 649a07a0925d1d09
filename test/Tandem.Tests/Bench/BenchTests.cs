using Tandem.Bench;
using Tandem.Layers;
using Tandem.Tests.Torch;
using Tandem.Torch;
using Xunit;

namespace Tandem.Tests.Bench;

[Collection(Training.Alone.Name)]
public sealed class BenchTests
{
    [Fact]
    public void UsefulWorkIsWhatTheTableSays()
    {
        Assert.Equal(0.431188, UsefulWork.Operations(UsefulWork.Image(ImageShape.Small)) / 1e9, 6);
        Assert.Equal(57.08953, UsefulWork.Operations(UsefulWork.Image(ImageShape.Base)) / 1e9, 5);
        Assert.Equal(20.316945, UsefulWork.Operations(UsefulWork.Audio(AudioShape.Small)) / 1e9, 6);
        Assert.Equal(75.010425, UsefulWork.Operations(UsefulWork.Text(TextShape.Small)) / 1e9, 6);
    }

    [Theory]
    [InlineData(true, Precision.Float32)]
    [InlineData(true, Precision.BFloat16)]
    [InlineData(false, Precision.Float32)]
    public void TheRecorderCountsTheFormulaToTheLastDigit(bool small, Precision precision) => Kernel.Run(() =>
    {
        var shape = (small ? ImageShape.Small : ImageShape.Base) with { Batch = small ? 3 : 1 };
        using var row = new ImageRow("test", shape, precision);
        using var recorder = new Recorder();
        row.Loss();
        var (student, teacher) = UsefulWork.Image(shape);
        Assert.Equal(shape.Batch * (student + teacher), recorder.MultiplyAdds);
    });

    [Theory]
    [InlineData(Precision.Float32)]
    [InlineData(Precision.BFloat16)]
    public void SoItDoesForSequences(Precision precision) => Kernel.Run(() =>
    {
        foreach (var (row, (student, teacher)) in new (Data2Vec2Row, (long, long))[]
        {
            (new AudioRow("test", AudioShape.Small with { Batch = 1 }, precision), UsefulWork.Audio(AudioShape.Small)),
            (new TextRow("test", TextShape.Small with { Batch = 1 }, precision), UsefulWork.Text(TextShape.Small)),
        })
        {
            using var owned = row;
            using var recorder = new Recorder();
            row.Loss();
            Assert.Equal(student + teacher, recorder.MultiplyAdds);
        }
    });

    [Fact]
    public void TheSmallRowsHaveThePublishedSizes() => Kernel.Run(() =>
    {
        using var image = new ImageRow("test", ImageShape.Small with { Batch = 1 }, Precision.Float32);
        Assert.Equal(844_288, image.Weights.TrainedElements);
        using var audio = new AudioRow("test", AudioShape.Small with { Batch = 1 }, Precision.Float32);
        Assert.Equal(5_497_348, audio.Weights.TrainedElements);
        using var text = new TextRow("test", TextShape.Small with { Batch = 1 }, Precision.Float32);
        Assert.Equal(10_131_968, text.Weights.TrainedElements);
    });

    [Theory]
    [InlineData(Precision.Float32)]
    [InlineData(Precision.BFloat16)]
    public void TwoHundredStepsKeepTensorsAndMemoryConstant(Precision precision) => Kernel.Run(() =>
    {
        using var row = new ImageRow("test", ImageShape.Small with { Width = 32, DecoderWidth = 32, Groups = 2, Batch = 4 }, precision);
        for (var i = 0; i < 20; i++)
            row.Step();
        var (tensors, memory) = (Tensor.Alive, Libtorch.Memory);
        Libtorch.ResetPeakMemory();
        var first = row.Step();
        var peak = Libtorch.Memory.PeakBytes;
        var last = first;
        for (var i = 0; i < 200; i++)
            last = row.Step();
        Assert.Equal(tensors, Tensor.Alive);
        Assert.Equal(memory.LiveBytes, Libtorch.Memory.LiveBytes);
        Assert.Equal(memory.LiveBlocks, Libtorch.Memory.LiveBlocks);
        Assert.Equal(peak, Libtorch.Memory.PeakBytes);
        Assert.Equal(memory.CachedBytes, Libtorch.Memory.CachedBytes);
        Assert.True(last < first, $"the loss went from {first} to {last}");
    });
}
