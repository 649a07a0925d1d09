namespace Tandem.Data.Masks;

/// <summary>
/// Masks made of squares on a grid (or spans on a line), brought to an exact count. All counts are cut from double products exactly as
/// the publisher's code cuts them, slips of rounding included: 196·(1 − 0.8) gives 39.
/// </summary>
public static class BlockMask
{
    /// <summary>Draws rows of masks, 1 = masked, one after the other.</summary>
    /// <param name="options">The law.</param>
    /// <param name="grid">Rows and columns of places; one row for a line.</param>
    /// <param name="count">Number of masks.</param>
    /// <param name="draws">Where the draws come from.</param>
    /// <returns>[count · places].</returns>
    public static byte[] Draw(MaskOptions options, (int Rows, int Columns) grid, int count, IMaskDraws draws)
    {
        var places = grid.Rows * grid.Columns;
        var share = options.Inverse ? 1 - options.Probability : options.Probability;
        var masks = new byte[count * places];
        for (var row = 0; row < count; row++)
            Cover(options, grid, share, masks.AsSpan(row * places, places), draws);
        if (options.SameCount)
        {
            for (var row = 0; row < count; row++)
                Equalise(options, grid, (int)(places * share), masks.AsSpan(row * places, places), draws);
        }
        if (options.Inverse)
        {
            foreach (ref var bit in masks.AsSpan())
                bit = (byte)(1 - bit);
        }
        return masks;
    }

    static void Cover(MaskOptions options, (int Rows, int Columns) grid, double share, Span<byte> mask, IMaskDraws draws)
    {
        var (length, line) = (options.Length, grid.Rows == 1);
        if (options.NonOverlapping)
        {
            var (down, across) = (line ? 1 : Tiles(grid.Rows, length), Tiles(grid.Columns, length));
            var chosen = draws.Pick(Enumerable.Range(0, down * across).ToArray(), (int)(down * across * (share + options.Adjust) * (1 + options.Dropout)));
            foreach (var tile in chosen)
            {
                for (var y = tile / across * length; y < Math.Min(grid.Rows, (tile / across + 1) * length); y++)
                    for (var x = tile % across * length; x < Math.Min(grid.Columns, (tile % across + 1) * length); x++)
                        mask[(y * grid.Columns) + x] = 1;
            }
            return;
        }
        var area = line ? length : length * length;
        var places = mask.Length;
        var half = length / 2;
        foreach (var centre in draws.Centres((int)(places * ((share + options.Adjust) / area) * (1 + options.Dropout)), places))
        {
            for (var dy = line ? 0 : -half; dy < (line ? 1 : length - half); dy++)
            {
                for (var dx = -half; dx < length - half; dx++)
                {
                    // Clamped, so that squares at the border pile up on it.
                    var y = Math.Clamp((centre / grid.Columns) + dy, 0, grid.Rows - 1);
                    var x = Math.Clamp((centre % grid.Columns) + dx, 0, grid.Columns - 1);
                    mask[(y * grid.Columns) + x] = 1;
                }
            }
        }
    }

    static int Tiles(int side, int length) => (side + length - 1) / length;

    static void Equalise(MaskOptions options, (int Rows, int Columns) grid, int wanted, Span<byte> mask, IMaskDraws draws)
    {
        if (options.ExpandAdjacent)
        {
            var grown = (int)(wanted * (1 + options.Dropout));
            for (var missing = grown - Count(mask); missing > 0; missing = grown - Count(mask))
            {
                var candidates = Neighbours(mask, grid);
                if (candidates.Length == 0)
                    break;
                Set(mask, draws.Pick(candidates, Math.Min(candidates.Length, missing)), 1);
            }
        }
        var count = Count(mask);
        if (count > wanted)
            Set(mask, draws.Pick(Where(mask, 1), count - wanted), 0);
        else if (count < wanted)
            Set(mask, draws.Pick(Where(mask, 0), wanted - count), 1);
    }

    static int Count(ReadOnlySpan<byte> mask)
    {
        var count = 0;
        foreach (var bit in mask)
            count += bit;
        return count;
    }

    static void Set(Span<byte> mask, int[] places, byte value)
    {
        foreach (var place in places)
            mask[place] = value;
    }

    static int[] Where(ReadOnlySpan<byte> mask, byte value)
    {
        var found = new List<int>();
        for (var i = 0; i < mask.Length; i++)
        {
            if (mask[i] == value)
                found.Add(i);
        }
        return [.. found];
    }

    // Free places with a masked neighbour above, below, left or right.
    static int[] Neighbours(ReadOnlySpan<byte> mask, (int Rows, int Columns) grid)
    {
        var found = new List<int>();
        for (var i = 0; i < mask.Length; i++)
        {
            var (y, x) = (i / grid.Columns, i % grid.Columns);
            if (mask[i] == 0 && ((y > 0 && mask[i - grid.Columns] == 1) || (y + 1 < grid.Rows && mask[i + grid.Columns] == 1)
                || (x > 0 && mask[i - 1] == 1) || (x + 1 < grid.Columns && mask[i + 1] == 1)))
                found.Add(i);
        }
        return [.. found];
    }
}

/// <summary>Random masking: every row keeps the places whose uniform draws are smallest.</summary>
public static class RandomMask
{
    /// <summary>Kept places of a row of <paramref name="places"/>: int(places · (1 − p)), in double.</summary>
    public static int Kept(int places, double probability) => (int)(places * (1 - probability));

    /// <summary>The mask of one row: 1 for all but the <paramref name="kept"/> smallest draws.</summary>
    public static byte[] Of(ReadOnlySpan<float> noise, int kept)
    {
        var order = Order(noise);
        var mask = new byte[noise.Length];
        Array.Fill(mask, (byte)1);
        foreach (var place in order.AsSpan(0, kept))
            mask[place] = 0;
        return mask;
    }

    /// <summary>Places by ascending draw; equal draws keep their order.</summary>
    public static int[] Order(ReadOnlySpan<float> noise)
    {
        var keys = noise.ToArray();
        return [.. Enumerable.Range(0, keys.Length).OrderBy(i => keys[i])];
    }
}
