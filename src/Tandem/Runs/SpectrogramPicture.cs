using Tandem.Data.Audio;

namespace Tandem.Runs;

/// <summary>A recording as a picture: time to the right, log-mel bands upwards, loud is bright.</summary>
static class SpectrogramPicture
{
    const int MostColumns = 400;

    // Decibels below the loudest that are still seen.
    const float Depth = 60;

    // From dark blue through violet and orange to pale yellow: equal steps look equal, in print too.
    static readonly (float Red, float Green, float Blue)[] Colours = [(8, 10, 40), (62, 20, 110), (140, 40, 120), (215, 75, 85), (250, 150, 60), (252, 235, 165)];

    /// <summary>PNG of 40 rows and 400 columns at most, fewer where the recording is shorter.</summary>
    /// <param name="samples">16 kHz.</param>
    public static byte[] Of(ReadOnlySpan<float> samples)
    {
        var picture = Draw(samples, MostColumns);
        return Png.Encode(picture.Pixels, picture.Width, picture.Height, 3);
    }

    /// <summary>Pixels of 40 rows.</summary>
    /// <param name="samples">16 kHz.</param>
    /// <param name="most">Columns, at most; longer recordings are shown in fewer, wider steps.</param>
    /// <param name="least">Columns, at least; what lies after a shorter recording is as dark as silence.</param>
    public static Thumbnail Draw(ReadOnlySpan<float> samples, int most, int least = 1)
    {
        const int rows = LogMel.Bands / 2;
        var levels = LogMel.Spectrogram(samples);
        var frames = levels.Length / LogMel.Bands;
        var (shown, columns) = (Math.Clamp(frames, 1, most), Math.Clamp(frames, least, most));
        var picture = new float[rows * columns];
        picture.AsSpan().Fill(float.NegativeInfinity);
        for (var column = 0; column < shown; column++)
        {
            var (from, to) = (column * frames / shown, Math.Max((column + 1) * frames / shown, (column * frames / shown) + 1));
            for (var row = 0; row < rows; row++)
            {
                var loudest = float.NegativeInfinity;
                for (var frame = from; frame < Math.Min(to, frames); frame++)
                    loudest = Math.Max(loudest, Math.Max(levels[(frame * LogMel.Bands) + (2 * row)], levels[(frame * LogMel.Bands) + (2 * row) + 1]));
                picture[((rows - 1 - row) * columns) + column] = loudest;
            }
        }
        var top = picture.Max();
        var bytes = new byte[3 * picture.Length];
        for (var i = 0; i < picture.Length; i++)
        {
            // Levels are natural logarithms of power.
            var share = Math.Clamp(1 + ((picture[i] - top) * 4.3429f / Depth), 0, 1) * (Colours.Length - 1);
            var step = Math.Min((int)share, Colours.Length - 2);
            var (a, b, part) = (Colours[step], Colours[step + 1], share - step);
            bytes[3 * i] = (byte)(a.Red + ((b.Red - a.Red) * part));
            bytes[(3 * i) + 1] = (byte)(a.Green + ((b.Green - a.Green) * part));
            bytes[(3 * i) + 2] = (byte)(a.Blue + ((b.Blue - a.Blue) * part));
        }
        return new(columns, rows, bytes);
    }
}
