using Tandem.Data.Sources;
using Tandem.Layers;
using Tandem.Networks;
using Tandem.Recipes;
using Tandem.Runs;

namespace Tandem;

/// <summary>What a run looks at while it trains: accuracy of nearest neighbours on held-out labels, and the neighbours of ten fixed pictures.</summary>
sealed class PretrainingProbe : IDisposable
{
    public static PretrainingProbe? Open(PretrainingRecipe recipe, Source source) => null;

    public IReadOnlyList<(string Name, double Value)> Run(EncoderNetwork encoder, Precision precision, RunFolder run, long step) => [];

    public void Dispose()
    {
    }
}
