using Tandem.Data.Masks;
using Tandem.Torch;

namespace Tandem.Data.Audio;

/// <summary>
/// Masks of a batch of recordings. As published, the masks of a recording are drawn over all its frames and then cropped to a window of their own, so
/// that the counts of rows differ a little; the recording counts with at most <see cref="MostWindows"/> windows, beyond which nobody could tell
/// a difference. Where recordings are padded, frames of padding are never masked, and all rows mask equally many frames: as many as the row with the
/// fewest; the others free frames drawn uniformly among their masked ones.
/// </summary>
/// <param name="sampler">The law.</param>
/// <param name="options">Samples to frames, padding, seed.</param>
sealed class AudioMasks(MaskSampler sampler, AudioBatchOptions options)
{
    /// <summary>A recording longer than so many windows of its batch is treated as if it had just these: masks for hours of frames would be drawn for nothing.</summary>
    public const int MostWindows = 16;

    /// <summary>The masks: uint8 [recordings · copies, frames], copies of a recording adjacent.</summary>
    /// <param name="full">Samples of each whole recording.</param>
    /// <param name="target">Samples of a row.</param>
    /// <param name="place">The batch's place.</param>
    /// <param name="window">Draws where a row's window begins.</param>
    public HostTensor Draw(int[] full, int target, BatchPlace place, Func<int, WindowStart> window)
    {
        var (copies, frames) = (sampler.Copies, options.Frames.Of(target));
        var masks = new byte[checked(full.Length * copies * frames)];
        for (var row = 0; row < full.Length; row++)
        {
            var drawn = sampler.Draw((1, Math.Min(options.Frames.Of(full[row]), MostWindows * frames)), place.Step, place.Slot + row);
            var own = Math.Min(frames, drawn.Length / copies);
            var to = masks.AsSpan(row * copies * frames, copies * frames);
            if (own == frames)
                CollatedAudio.CropMasks(drawn, copies, frames, window(row), to);
            else
                Spread(drawn, copies, own, frames, to);
        }
        if (options.Pad)
            Equalise(masks, frames, place);
        return HostTensor.From<byte>(masks, full.Length * copies, frames);
    }

    static void Spread(ReadOnlySpan<byte> drawn, int copies, int own, int frames, Span<byte> to)
    {
        for (var copy = 0; copy < copies; copy++)
            drawn.Slice(copy * own, own).CopyTo(to[(copy * frames)..]);
    }

    void Equalise(byte[] masks, int frames, BatchPlace place)
    {
        var rows = masks.Length / frames;
        var counts = new int[rows];
        for (var row = 0; row < rows; row++)
            counts[row] = masks.AsSpan(row * frames, frames).Count((byte)1);
        var fewest = counts.Min();
        for (var row = 0; row < rows; row++)
        {
            var mask = masks.AsSpan(row * frames, frames);
            var masked = new int[counts[row]];
            for (int at = 0, next = 0; at < frames; at++)
            {
                if (mask[at] == 1)
                    masked[next++] = at;
            }
            var (recording, copy) = Math.DivRem(row, sampler.Copies);
            var draw = Randomness.Of(options.Seed, FormattableString.Invariant($"freed frames {copy}"), place.Step, place.Slot + recording);
            draw.Pick(masked.AsSpan(), masked.Length - fewest);
            foreach (var at in masked.AsSpan(0, masked.Length - fewest))
                mask[at] = 0;
        }
    }
}
