namespace Tandem.Data.Images;

/// <summary>
/// torchvision's ColorJitter: each factor uniform in [max(0, 1 − x), 1 + x] (the hue's turn in [−h, h]), drawn in the order brightness, contrast,
/// saturation, hue after a random order of application. A strength of 0 leaves its change out and draws nothing for it.
/// </summary>
/// <param name="Brightness">Strength for brightness.</param>
/// <param name="Contrast">Strength for contrast.</param>
/// <param name="Saturation">Strength for saturation.</param>
/// <param name="Hue">Largest turn of the hue, 0 … 0.5.</param>
/// <param name="Probability">How often it is applied at all; 1 draws nothing.</param>
public sealed record ColourJitter(double Brightness, double Contrast, double Saturation, double Hue = 0, double Probability = 1)
{
    /// <summary>Draws the changes and applies them in place.</summary>
    public void Apply(Picture picture, IPictureDraws draws)
    {
        if (Probability < 1 && draws.Chance() >= Probability)
            return;
        Span<int> order = stackalloc int[4];
        draws.Permutation(order);
        Span<double> factors = stackalloc double[4];
        factors[0] = Factor(Brightness, draws);
        factors[1] = Factor(Contrast, draws);
        factors[2] = Factor(Saturation, draws);
        factors[3] = Hue > 0 ? draws.UniformFloat(-Hue, Hue) : double.NaN;
        foreach (var change in order)
        {
            if (double.IsNaN(factors[change]))
                continue;
            switch (change)
            {
                case 0: Colour.Brightness(picture, factors[0]); break;
                case 1: Colour.Contrast(picture, factors[1]); break;
                case 2: Colour.Saturation(picture, factors[2]); break;
                default: Colour.Hue(picture, factors[3]); break;
            }
        }
    }

    static double Factor(double strength, IPictureDraws draws) =>
        strength > 0 ? draws.UniformFloat(Math.Max(0, 1 - strength), 1 + strength) : double.NaN;
}
