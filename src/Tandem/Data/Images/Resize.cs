using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Tandem.Data.Images;

/// <summary>A rectangle of whole pixels.</summary>
/// <param name="Left">First column.</param>
/// <param name="Top">First row.</param>
/// <param name="Width">Columns.</param>
/// <param name="Height">Rows.</param>
public readonly record struct Area(int Left, int Top, int Width, int Height)
{
    /// <summary>A whole picture.</summary>
    public static Area Of(Picture picture) => new(0, 0, picture.Width, picture.Height);
}

/// <summary>Part of a picture to be resized, in source pixels, fractions allowed.</summary>
/// <param name="Left">Left edge.</param>
/// <param name="Top">Upper edge.</param>
/// <param name="Right">Right edge.</param>
/// <param name="Bottom">Lower edge.</param>
public readonly record struct SourceBox(float Left, float Top, float Right, float Bottom);

/// <summary>
/// Resizing, bit exact as Pillow's (libImaging/Resample.c): horizontal pass, rounded to bytes, vertical pass, weights of 22 fixed-point
/// bits; pictures with alpha are resized premultiplied.
/// </summary>
public static class Resize
{
    /// <summary>Resizes a picture.</summary>
    /// <param name="picture">The source, 1 to 4 channels; with 2 or 4 the last is alpha.</param>
    /// <param name="width">Pixels in a row of the result.</param>
    /// <param name="height">Rows of the result.</param>
    /// <param name="filter">The resampling filter.</param>
    /// <param name="box">Which part of the source; all of it if null. Pixels outside the box but under the filter have influence.</param>
    /// <returns>A new picture.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A side is not positive, or the box leaves the picture or is empty.</exception>
    public static Picture Apply(Picture picture, int width, int height, Interpolation filter, SourceBox? box = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(height);
        var part = box ?? new SourceBox(0, 0, picture.Width, picture.Height);
        if (!(part.Left >= 0 && part.Top >= 0 && part.Right <= picture.Width && part.Bottom <= picture.Height && part.Left < part.Right && part.Top < part.Bottom))
            throw new ArgumentOutOfRangeException(nameof(box), box, $"the box does not lie in a picture of {picture.Width} x {picture.Height}");
        if (width == picture.Width && height == picture.Height && part == new SourceBox(0, 0, picture.Width, picture.Height))
            return picture.Copy();
        if (filter == Interpolation.Nearest)
            return Nearest(picture, width, height, part);
        if (picture.Channels is 1 or 3)
            return Channels(picture, Area.Of(picture), width, height, filter, part);
        using var premultiplied = Alpha.Premultiply(picture);
        var result = Channels(premultiplied, Area.Of(picture), width, height, filter, part);
        Alpha.Divide(result);
        return result;
    }

    /// <summary>Cuts an area out and resizes it: the same as a crop followed by a resize, without the copy. 1 or 3 channels.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The area leaves the picture.</exception>
    public static Picture Cropped(Picture picture, Area area, int width, int height, Interpolation filter)
    {
        if (area.Left < 0 || area.Top < 0 || area.Width <= 0 || area.Height <= 0 || area.Left + area.Width > picture.Width || area.Top + area.Height > picture.Height)
            throw new ArgumentOutOfRangeException(nameof(area), area, $"the crop does not lie in a picture of {picture.Width} x {picture.Height}");
        if (filter != Interpolation.Nearest && picture.Channels is 1 or 3 && (area.Width != width || area.Height != height))
            return Channels(picture, area, width, height, filter, new SourceBox(0, 0, area.Width, area.Height));
        var crop = Crop.Cut(picture, area);
        if (area.Width == width && area.Height == height)
            return crop;
        using (crop)
            return Apply(crop, width, height, filter);
    }

    /// <summary>Each channel for itself, whatever it means; the box is relative to the area.</summary>
    internal static Picture Channels(Picture picture, Area area, int width, int height, Interpolation filter, SourceBox box)
    {
        var channels = picture.Channels;
        var across = width != area.Width || box.Left != 0 || box.Right != width ? KernelMap.Of(area.Width, width, filter, box.Left, box.Right) : null;
        var down = height != area.Height || box.Top != 0 || box.Bottom != height ? KernelMap.Of(area.Height, height, filter, box.Top, box.Bottom) : null;
        var result = Picture.Rent(width, height, channels);
        var firstRow = down is null ? 0 : down.First[0];
        var endRow = down is null ? area.Height : down.First[^1] + down.Count[^1];
        if (down is null)
        {
            Across(picture, area, firstRow, endRow, across, result.Pixels, width);
            return result;
        }
        var between = ArrayPool<byte>.Shared.Rent((endRow - firstRow) * width * channels);
        Across(picture, area, firstRow, endRow, across, between, width);
        for (var y = 0; y < height; y++)
        {
            var rows = between.AsSpan((down.First[y] - firstRow) * width * channels);
            Down(rows, width * channels, down.Fixed.AsSpan(y * down.Taps, down.Count[y]), result.Row(y));
        }
        ArrayPool<byte>.Shared.Return(between);
        return result;
    }

    static void Across(Picture picture, Area area, int firstRow, int endRow, KernelMap? map, Span<byte> to, int width)
    {
        var channels = picture.Channels;
        var pitch = width * channels;
        // One pixel of 4 bytes per source column and a few spare ones, so that the wide loop may read past the end.
        var wide = map is not null && channels is 3 or 4 ? ArrayPool<byte>.Shared.Rent((4 * area.Width) + 32) : null;
        for (var y = firstRow; y < endRow; y++)
        {
            var from = picture.Row(area.Top + y).Slice(area.Left * channels, area.Width * channels);
            var row = to.Slice((y - firstRow) * pitch, pitch);
            if (map is null)
                from.CopyTo(row);
            else if (wide is null)
                AcrossScalar(from, row, map, channels);
            else
                AcrossWide(from, wide, row, map, channels);
        }
        if (wide is not null)
            ArrayPool<byte>.Shared.Return(wide);
    }

    static void AcrossScalar(ReadOnlySpan<byte> from, Span<byte> to, KernelMap map, int channels)
    {
        for (var o = 0; o < map.First.Length; o++)
        {
            var weights = map.Fixed.AsSpan(o * map.Taps, map.Count[o]);
            for (var c = 0; c < channels; c++)
            {
                var sum = 1 << (KernelMap.Precision - 1);
                var at = (map.First[o] * channels) + c;
                foreach (var weight in weights)
                {
                    sum += from[at] * weight;
                    at += channels;
                }
                to[(o * channels) + c] = Clip(sum);
            }
        }
    }

    // Two source pixels of four channels at a time: 8 bytes widened to 8 sums. Weights beyond the count are zero, so an odd last pixel is harmless.
    static void AcrossWide(ReadOnlySpan<byte> from, byte[] wide, Span<byte> to, KernelMap map, int channels)
    {
        if (channels == 3)
            Spread(from, wide);
        else
            from.CopyTo(wide);
        ref var pixels = ref MemoryMarshal.GetArrayDataReference(wide);
        ref var weights = ref MemoryMarshal.GetArrayDataReference(map.Fixed);
        for (var o = 0; o < map.First.Length; o++)
        {
            var sum = Vector256<int>.Zero;
            ref var pixel = ref Unsafe.Add(ref pixels, 4 * map.First[o]);
            ref var weight = ref Unsafe.Add(ref weights, o * map.Taps);
            for (var i = 0; i < map.Count[o]; i += 2)
            {
                var bytes = Vector128.CreateScalarUnsafe(Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref pixel, 4 * i))).AsByte();
                var values = Vector256.WidenLower(Vector128.WidenLower(bytes).ToVector256Unsafe()).AsInt32();
                sum += values * Vector256.Create(Vector128.Create(Unsafe.Add(ref weight, i)), Vector128.Create(Unsafe.Add(ref weight, i + 1)));
            }
            var total = (sum.GetLower() + sum.GetUpper() + Vector128.Create(1 << (KernelMap.Precision - 1))) >> KernelMap.Precision;
            total = Vector128.Min(Vector128.Max(total, Vector128<int>.Zero), Vector128.Create(255));
            to[o * channels] = (byte)total[0];
            to[(o * channels) + 1] = (byte)total[1];
            to[(o * channels) + 2] = (byte)total[2];
            if (channels == 4)
                to[(o * 4) + 3] = (byte)total[3];
        }
    }

    static void Spread(ReadOnlySpan<byte> from, Span<byte> to)
    {
        var x = 0;
        var order = Vector128.Create((byte)0, 1, 2, 255, 3, 4, 5, 255, 6, 7, 8, 255, 9, 10, 11, 255);
        for (; 3 * x + 16 <= from.Length; x += 4)
            Vector128.Shuffle(Vector128.Create(from.Slice(3 * x, 16)), order).CopyTo(to[(4 * x)..]);
        for (; 3 * x < from.Length; x++)
            BinaryPrimitives.WriteInt32LittleEndian(to[(4 * x)..], from[3 * x] | (from[(3 * x) + 1] << 8) | (from[(3 * x) + 2] << 16));
    }

    static void Down(ReadOnlySpan<byte> rows, int pitch, ReadOnlySpan<int> weights, Span<byte> to)
    {
        var x = 0;
        ref var first = ref MemoryMarshal.GetReference(rows);
        for (; x + 8 <= pitch; x += 8)
        {
            var sum = Vector256.Create(1 << (KernelMap.Precision - 1));
            ref var at = ref Unsafe.Add(ref first, x);
            for (var i = 0; i < weights.Length; i++)
            {
                var bytes = Vector128.CreateScalarUnsafe(Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref at, i * pitch))).AsByte();
                sum += Vector256.WidenLower(Vector128.WidenLower(bytes).ToVector256Unsafe()).AsInt32() * Vector256.Create(weights[i]);
            }
            sum = Vector256.Min(Vector256.Max(sum >> KernelMap.Precision, Vector256<int>.Zero), Vector256.Create(255));
            var narrow = Vector128.Narrow(Vector256.Narrow(sum, sum).GetLower().AsUInt16(), Vector128<ushort>.Zero);
            Unsafe.WriteUnaligned(ref to[x], narrow.AsUInt64()[0]);
        }
        for (; x < pitch; x++)
        {
            var sum = 1 << (KernelMap.Precision - 1);
            for (var i = 0; i < weights.Length; i++)
                sum += rows[(i * pitch) + x] * weights[i];
            to[x] = Clip(sum);
        }
    }

    static byte Clip(int sum) => (byte)Math.Clamp(sum >> KernelMap.Precision, 0, 255);

    // The source position is accumulated, as Pillow does, so that rounding falls alike.
    internal static Picture Nearest(Picture picture, int width, int height, SourceBox box)
    {
        var result = Picture.Rent(width, height, picture.Channels);
        var channels = picture.Channels;
        var columns = Positions(width, box.Left, box.Right);
        var rows = Positions(height, box.Top, box.Bottom);
        for (var y = 0; y < height; y++)
        {
            var to = result.Row(y);
            to.Clear();
            if (rows[y] >= picture.Height)
                continue;
            var from = picture.Row(rows[y]);
            for (var x = 0; x < width; x++)
            {
                if (columns[x] < picture.Width)
                    from.Slice(columns[x] * channels, channels).CopyTo(to[(x * channels)..]);
            }
        }
        return result;
    }

    internal static int[] Positions(int outputs, float low, float high)
    {
        var step = (double)(high - low) / outputs;
        var at = low + (step * 0.5);
        var positions = new int[outputs];
        for (var o = 0; o < outputs; o++)
        {
            positions[o] = (int)at;
            at += step;
        }
        return positions;
    }
}
