// What the attention kernels share: where heads lie, biases, padding and dropout on a row of scores, small products over rows.
#pragma once
#include "vectors.h"

namespace tandem {

constexpr int64_t lanes = 16;
constexpr int64_t tile_rows = 96;  // queries at a time, at most

// Tiles of equal size: a last one of few queries would cost as much as a full one.
inline int64_t tile_of(int64_t queries) {
    int64_t tiles = (queries + tile_rows - 1) / tile_rows;
    return (queries + tiles - 1) / tiles;
}

inline int64_t padded(int64_t n) { return (n + lanes - 1) / lanes * lanes; }

// Where a head's rows lie: element (sample, row, head, channel) at sample·s + row·r + head·width + channel.
template <class T>
struct Heads {
    T* base;
    int64_t sample, row;
    T* at(int64_t n, int64_t h, int64_t width) const { return base + n * sample + h * width; }
};

struct Shape {
    int64_t samples, heads, queries, keys, width;   // width of one head
    float scale;
    int64_t row(int64_t n, int64_t h, int64_t query) const { return (n * heads + h) * queries + query; }
};

struct Extras {
    const float* bias;          // [bias_samples, bias_heads, queries, keys]
    int64_t bias_samples, bias_heads;
    const bool* padding;        // [samples, keys]
    const uint8_t* kept;        // [samples, heads, queries, keys], a recorded dropout mask
    Drop drop;
    float* bias_gradient;       // [samples, bias_heads, queries, keys]

    bool drops() const { return kept != nullptr || drop.on; }
    const float* bias_of(const Shape& d, int64_t n, int64_t h, int64_t query) const {
        if (bias == nullptr || h >= bias_heads) return nullptr;
        return bias + (((bias_samples == 1 ? 0 : n) * bias_heads + h) * d.queries + query) * d.keys;
    }
    float* bias_gradient_of(const Shape& d, int64_t n, int64_t h, int64_t query) const {
        if (bias_gradient == nullptr || h >= bias_heads) return nullptr;
        return bias_gradient + ((n * bias_heads + h) * d.queries + query) * d.keys;
    }
    const bool* padding_of(const Shape& d, int64_t n) const { return padding == nullptr ? nullptr : padding + n * d.keys; }
    // What a probability is multiplied with. Rows begin at even numbers, so that vectors can be drawn.
    float factor(const Shape& d, int64_t row, int64_t key) const {
        if (kept != nullptr) return kept[row * d.keys + key] != 0 ? drop.scale : 0.0f;
        return drop.factor(row * padded(d.keys) + key);
    }
};

// A thread's memory, grown when a larger problem comes.
inline float* scratch(size_t floats) {
    thread_local std::vector<float> memory;
    if (memory.size() < floats + 16) memory.resize(floats + 16);
    auto address = reinterpret_cast<uintptr_t>(memory.data());
    return reinterpret_cast<float*>((address + 63) & ~uintptr_t{63});
}

#ifdef TANDEM_AVX512

// Sixteen scores, scaled, with bias and padding.
inline __m512 score16(const float* row, int64_t j, __mmask16 m, __m512 scale, const float* bias, const bool* padding) {
    __m512 v = _mm512_mul_ps(load16(row + j, m), scale);
    if (bias != nullptr) v = _mm512_add_ps(v, load16(bias + j, m));
    if (padding != nullptr) {
        __m128i hidden = _mm_maskz_loadu_epi8(m, padding + j);
        v = _mm512_mask_mov_ps(v, _mm_test_epi8_mask(hidden, hidden), _mm512_set1_ps(-INFINITY));
    }
    return v;
}

// Lanes that dropout keeps of sixteen keys of a row.
inline __mmask16 kept16(const Shape& d, const Extras& e, int64_t row, int64_t j, __mmask16 m) {
    if (e.kept == nullptr) return _mm512_kand(m, keep16(e.drop, row * padded(d.keys) + j));
    __m128i kept = _mm_maskz_loadu_epi8(m, e.kept + row * d.keys + j);
    return _mm_test_epi8_mask(kept, kept);
}

// A row of scores → what its values are weighted with, but for a factor that is returned; the logarithm of its sum of exponentials goes to
// `logsum`. `to` may be the row itself. Where all keys are padding a query attends to nothing: its weights are 0.
template <class T>
inline float weigh_row(float* row, T* to, const Shape& d, const Extras& e, int64_t n, int64_t h, int64_t query, float scale_of, float* logsum) {
    const float* bias = e.bias_of(d, n, h, query);
    const bool* padding = e.padding_of(d, n);
    __m512 scale = _mm512_set1_ps(scale_of), most = _mm512_set1_ps(-INFINITY), sums = _mm512_setzero_ps();
    for (int64_t j = 0; j < d.keys; j += lanes) {
        __mmask16 m = first_lanes(d.keys - j);
        __m512 v = score16(row, j, m, scale, bias, padding);
        store16(row + j, v);  // rows are padded to whole vectors
        most = _mm512_mask_max_ps(most, m, most, v);
    }
    float shift = _mm512_reduce_max_ps(most);
    if (shift == -INFINITY) {
        for (int64_t j = 0; j < d.keys; j += lanes) store16(to + j, _mm512_setzero_ps());
        return *logsum = 0;
    }
    __m512 from = _mm512_set1_ps(shift);
    bool drops = e.drops();
    for (int64_t j = 0; j < d.keys; j += lanes) {
        __mmask16 m = first_lanes(d.keys - j);
        __m512 v = _mm512_maskz_mov_ps(m, exp16(_mm512_sub_ps(load16(row + j), from)));
        sums = _mm512_add_ps(sums, v);
        if (drops) v = _mm512_maskz_mov_ps(kept16(d, e, d.row(n, h, query), j, m), v);
        store16(to + j, v);
    }
    float sum = _mm512_reduce_add_ps(sums);
    *logsum = shift + std::log(sum);
    return (drops ? e.drop.scale : 1.0f) / sum;
}

// Gradient of a row. From scores and gradients of what the values are weighted with: the weights, and the gradients of the scaled scores.
// take(key, lanes, weights, gradients) gets both.
template <class Take>
inline void unweigh_row(const float* scores, const float* gradients, const Shape& d, const Extras& e, int64_t n, int64_t h, int64_t query, float scale_of, float logsum,
                        float delta_of, Take&& take) {
    const float* bias = e.bias_of(d, n, h, query);
    float* bias_gradient = e.bias_gradient_of(d, n, h, query);
    const bool* padding = e.padding_of(d, n);
    __m512 scale = _mm512_set1_ps(scale_of), shift = _mm512_set1_ps(logsum), delta = _mm512_set1_ps(delta_of), raise = _mm512_set1_ps(e.drop.scale);
    bool drops = e.drops();
    for (int64_t j = 0; j < d.keys; j += lanes) {
        __mmask16 m = first_lanes(d.keys - j);
        __m512 p = _mm512_maskz_mov_ps(m, exp16(_mm512_sub_ps(score16(scores, j, m, scale, bias, padding), shift)));
        __m512 g = load16(gradients + j), used = p;
        if (drops) {
            __mmask16 kept = kept16(d, e, d.row(n, h, query), j, m);
            used = _mm512_maskz_mul_ps(kept, p, raise);
            g = _mm512_maskz_mul_ps(kept, g, raise);
        }
        g = _mm512_mul_ps(p, _mm512_sub_ps(g, delta));
        if (bias_gradient != nullptr) store16(bias_gradient + j, g, m);
        take(j, used, g);
    }
}

// Row sum of weights times their gradients, by way of the output: it holds with dropout as well.
template <class T>
inline float delta_of(const T* output, const T* gradient, int64_t width) {
    __m512 sum = _mm512_setzero_ps();
    for (int64_t c = 0; c < width; c += lanes) {
        __mmask16 m = first_lanes(width - c);
        sum = _mm512_fmadd_ps(load16(output + c, m), load16(gradient + c, m), sum);
    }
    return _mm512_reduce_add_ps(sum);
}

// Rows times factors, one for all or one each.
template <class T>
inline void scatter(const float* from, int64_t ld, T* to, int64_t row, int64_t count, int64_t width, float factor, const float* factors = nullptr) {
    for (int64_t i = 0; i < count; i++) {
        __m512 by = _mm512_set1_ps(factors != nullptr ? factors[i] : factor);
        for (int64_t k = 0; k < width; k += lanes) store16(to + i * row + k, _mm512_mul_ps(load16(from + i * ld + k), by), first_lanes(width - k));
    }
}

// 32-bit words: rows of `columns` words → [columns, ldt] with zeros beyond `rows`; ldt is a multiple of 16.
inline void transpose(const float* from, int64_t ld, float* to, int64_t ldt, int64_t rows, int64_t columns) {
    for (int64_t i = 0; i < ldt; i += lanes)
        for (int64_t k = 0; k < columns; k += lanes) {
            __mmask16 m = first_lanes(columns - k);
            __m512 r[16];
#pragma GCC unroll 16
            for (int64_t j = 0; j < 16; j++) r[j] = i + j < rows ? load16(from + (i + j) * ld + k, m) : _mm512_setzero_ps();
            transpose16(r);
#pragma GCC unroll 16
            for (int64_t j = 0; j < 16; j++)
                if (k + j < columns) store16(to + (k + j) * ldt + i, r[j]);
        }
}

#endif

}  // namespace tandem
