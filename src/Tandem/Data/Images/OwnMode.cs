using System.Buffers.Binary;

namespace Tandem.Data.Images;

/// <summary>
/// Resizing and cutting before the conversion to RGB, as Pillow does it by mode: palettes and bilevel pictures by nearest, pictures with alpha
/// premultiplied, inks each for itself, 16-bit grey in double precision.
/// </summary>
static class OwnMode
{
    public static FilePicture Resized(FilePicture file, int width, int height, Interpolation filter)
    {
        if (file.Width == width && file.Height == height)
            return file;
        if (file.Mode is PixelMode.Palette or PixelMode.Bilevel)
            filter = Interpolation.Nearest;
        if (file.Mode == PixelMode.Grey16)
            return With(file, width, height, Deep(file, width, height, filter));
        var picture = new Picture(file.Width, file.Height, FilePicture.BytesOf(file.Mode), file.Samples);
        using var resized = file.Mode == PixelMode.Cmyk && filter != Interpolation.Nearest
            ? Resize.Channels(picture, Area.Of(picture), width, height, filter, new SourceBox(0, 0, picture.Width, picture.Height))
            : Resize.Apply(picture, width, height, filter);
        return With(file, width, height, resized.Pixels.ToArray());
    }

    public static FilePicture Cut(FilePicture file, Area area, byte fill)
    {
        if (file.Mode == PixelMode.Grey16)
        {
            var deep = new byte[2 * area.Width * area.Height];
            for (var i = 0; i < area.Width * area.Height; i++)
            {
                var (x, y) = (area.Left + (i % area.Width), area.Top + (i / area.Width));
                var inside = x >= 0 && y >= 0 && x < file.Width && y < file.Height;
                BinaryPrimitives.WriteUInt16LittleEndian(deep.AsSpan(2 * i), inside ? BinaryPrimitives.ReadUInt16LittleEndian(file.Samples.AsSpan(2 * ((y * file.Width) + x))) : fill);
            }
            return With(file, area.Width, area.Height, deep);
        }
        using var cut = Crop.Cut(new Picture(file.Width, file.Height, FilePicture.BytesOf(file.Mode), file.Samples), area, fill);
        return With(file, area.Width, area.Height, cut.Pixels.ToArray());
    }

    static FilePicture With(FilePicture file, int width, int height, byte[] samples) =>
        new() { Width = width, Height = height, Mode = file.Mode, Samples = samples, Palette = file.Palette };

    // Pillow's 32-bit passes: weights not rounded, whole numbers after each pass, halves away from zero; cut to 16 bits at the end here, since RGB clips anyway.
    static byte[] Deep(FilePicture file, int width, int height, Interpolation filter)
    {
        var values = new double[file.Width * file.Height];
        for (var i = 0; i < values.Length; i++)
            values[i] = BinaryPrimitives.ReadUInt16LittleEndian(file.Samples.AsSpan(2 * i));
        if (filter == Interpolation.Nearest)
        {
            int[] columns = Resize.Positions(width, 0, file.Width), rows = Resize.Positions(height, 0, file.Height);
            values = [.. rows.SelectMany(row => columns.Select(column => values[(row * file.Width) + column]))];
        }
        else
        {
            values = Pass(values, file.Width, file.Height, width, filter, (line, place) => (line * file.Width) + place);
            values = Pass(values, file.Height, width, height, filter, (line, place) => (place * width) + line, (line, place) => (place * width) + line);
        }
        var samples = new byte[2 * width * height];
        for (var i = 0; i < values.Length; i++)
            BinaryPrimitives.WriteUInt16LittleEndian(samples.AsSpan(2 * i), (ushort)Math.Clamp(values[i], 0, 65535));
        return samples;
    }

    static double[] Pass(double[] from, int sources, int lines, int outputs, Interpolation filter, Func<int, int, int> source, Func<int, int, int>? target = null)
    {
        if (sources == outputs)
            return from;
        var map = KernelMap.Of(sources, outputs, filter, 0, sources);
        var to = new double[lines * outputs];
        for (var line = 0; line < lines; line++)
        {
            for (var o = 0; o < outputs; o++)
            {
                var sum = 0.0;
                for (var i = 0; i < map.Count[o]; i++)
                    sum += from[source(line, map.First[o] + i)] * map.Weights[(o * map.Taps) + i];
                to[target is null ? (line * outputs) + o : target(line, o)] = Math.Round(sum, MidpointRounding.AwayFromZero);
            }
        }
        return to;
    }
}
