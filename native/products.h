// Matrix products for layers: many rows times a small matrix. The matrix is packed once a call into panels of 64 columns; the rows are read
// where they lie, and what follows the product (bias, GELU, rounding) happens while the sums are still in registers. float32 sums for both
// element types. Every result is a function of the shapes alone, never of the number of threads.
#pragma once
#include "vectors.h"

#ifdef TANDEM_AVX512
namespace tandem {

constexpr int64_t panel = 64;       // columns of a panel: four vectors
constexpr int64_t row_block = 96;   // rows of a task: they and their results stay in the second cache

// Depth steps that one instruction takes: bfloat16 comes in pairs.
template <class T>
constexpr int64_t step_of = sizeof(T) == 2 ? 2 : 1;

inline int64_t panels_of(int64_t columns) { return (columns + panel - 1) / panel; }

template <class T>
int64_t steps_of(int64_t depth) { return (depth + step_of<T> - 1) / step_of<T>; }

template <class T>
int64_t packed_size(int64_t depth, int64_t columns) { return panels_of(columns) * panel * steps_of<T>(depth) * step_of<T>; }

// Sixteen words, each what a step takes of a column: of neighbours along the depth, or of neighbouring columns.
inline __m512 words_along(const float* from, float) { return load16(from); }
inline __m512 words_along(const float* from, bf16) {
    return _mm512_castsi512_ps(_mm512_or_si512(_mm512_zextsi256_si512(round16(load16(from))), _mm512_maskz_broadcast_i64x4(0xf0, round16(load16(from + 16)))));
}
inline __m512 words_across(const float* from, int64_t, float) { return load16(from); }
inline __m512 words_across(const float* from, int64_t along, bf16) {
    return _mm512_castsi512_ps(_mm512_or_si512(_mm512_cvtepu16_epi32(round16(load16(from))), _mm512_slli_epi32(_mm512_cvtepu16_epi32(round16(load16(from + along))), 16)));
}

inline float to_element(float v, float) { return v; }
inline bf16 to_element(float v, bf16) { return bf16(to_bf16(v), bf16::from_bits()); }

// to[panel][step][column][within step] = from[column·across + depth·along], zero outside. One of across and along is 1.
template <class T>
void pack(const float* from, int64_t across, int64_t along, int64_t depth, int64_t columns, T* to) {
    constexpr int64_t within = step_of<T>;
    int64_t steps = steps_of<T>(depth), strips = panels_of(columns) * (panel / 16);
#pragma omp parallel for schedule(static) if (depth * columns > 16384 && at::get_num_threads() > 1)
    for (int64_t strip = 0; strip < strips; strip++) {
        int64_t first = strip * 16, count = std::min<int64_t>(16, columns - first), step = 0;
        T* out = to + (first / panel) * panel * steps * within + (first % panel) * within;
        auto row_of = [&](int64_t at) { return reinterpret_cast<float*>(out + at * panel * within); };
        const float* in = from + first * across;
        if (count == 16 && along == 1) {
            for (; (step + 16) * within <= depth; step += 16) {
                __m512 words[16];
#pragma GCC unroll 16
                for (int c = 0; c < 16; c++) words[c] = words_along(in + c * across + step * within, T{});
                transpose16(words);
#pragma GCC unroll 16
                for (int i = 0; i < 16; i++) _mm512_storeu_ps(row_of(step + i), words[i]);
            }
        } else if (count == 16 && across == 1) {
            for (; (step + 1) * within <= depth; step++) _mm512_storeu_ps(row_of(step), words_across(in + step * within * along, along, T{}));
        }
        for (; step < steps; step++)
            for (int64_t c = 0; c < 16; c++)
                for (int64_t j = 0; j < within; j++) {
                    int64_t d = step * within + j;
                    out[(step * panel + c) * within + j] = to_element(d < depth && c < count ? in[c * across + d * along] : 0.0f, T{});
                }
    }
}

// sums[i][v] += a(row i, ·) · panel. A row's step lies at a + i·ai + step·ak.
template <int R>
inline void multiply(const float* a, int64_t ai, int64_t ak, const float* b, int64_t steps, __m512 (&sums)[R][4]) {
    for (int64_t k = 0; k < steps; k++) {
        __m512 right[4];
#pragma GCC unroll 4
        for (int v = 0; v < 4; v++) right[v] = _mm512_loadu_ps(b + k * panel + v * 16);
#pragma GCC unroll 8
        for (int i = 0; i < R; i++) {
            __m512 left = _mm512_set1_ps(a[i * ai + k * ak]);
#pragma GCC unroll 4
            for (int v = 0; v < 4; v++) sums[i][v] = _mm512_fmadd_ps(left, right[v], sums[i][v]);
        }
    }
}

#if defined(__AVX512BF16__)
template <int R>
inline void multiply(const bf16* a, int64_t ai, int64_t ak, const bf16* b, int64_t steps, __m512 (&sums)[R][4]) {
    for (int64_t k = 0; k < steps; k++) {
        __m512bh right[4];
#pragma GCC unroll 4
        for (int v = 0; v < 4; v++) right[v] = (__m512bh)_mm512_loadu_si512(b + k * 2 * panel + v * 32);
#pragma GCC unroll 8
        for (int i = 0; i < R; i++) {
            int32_t pair;
            std::memcpy(&pair, a + i * ai + k * ak, 4);
            __m512bh left = (__m512bh)_mm512_set1_epi32(pair);
#pragma GCC unroll 4
            for (int v = 0; v < 4; v++) sums[i][v] = _mm512_dpbf16_ps(sums[i][v], left, right[v]);
        }
    }
}
#else
template <int R>
inline void multiply(const bf16*, int64_t, int64_t, const bf16*, int64_t, __m512 (&)[R][4]) { TORCH_CHECK(false, "this processor has no bfloat16 products"); }
#endif

template <int R, class T, class Finish>
inline void tile(const T* a, int64_t ai, int64_t ak, const T* b, int64_t steps, int64_t row, int64_t column, Finish&& finish) {
    __m512 sums[R][4];
#pragma GCC unroll 8
    for (int i = 0; i < R; i++)
#pragma GCC unroll 4
        for (int v = 0; v < 4; v++) sums[i][v] = _mm512_setzero_ps();
    multiply<R>(a, ai, ak, b, steps, sums);
#pragma GCC unroll 8
    for (int i = 0; i < R; i++)
#pragma GCC unroll 4
        for (int v = 0; v < 4; v++) finish(row + i, column + v * 16, sums[i][v]);
}

// Rows [first, first + count) of a (row stride lda, depth contiguous) times a packed matrix; finish(row, column, 16 sums) takes the results.
template <class T, class Finish>
void rows_times(const T* a, int64_t lda, int64_t first, int64_t count, const T* packed, int64_t depth, int64_t columns, Finish&& finish) {
    constexpr int64_t within = step_of<T>;
    int64_t steps = steps_of<T>(depth);
    for (int64_t p = 0; p < panels_of(columns); p++) {
        const T* b = packed + p * panel * steps * within;
        int64_t i = 0;
        for (; i + 6 <= count; i += 6) tile<6>(a + (first + i) * lda, lda, within, b, steps, first + i, p * panel, finish);
        const T* rest = a + (first + i) * lda;
        switch (count - i) {
            case 5: tile<5>(rest, lda, within, b, steps, first + i, p * panel, finish); break;
            case 4: tile<4>(rest, lda, within, b, steps, first + i, p * panel, finish); break;
            case 3: tile<3>(rest, lda, within, b, steps, first + i, p * panel, finish); break;
            case 2: tile<2>(rest, lda, within, b, steps, first + i, p * panel, finish); break;
            case 1: tile<1>(rest, lda, within, b, steps, first + i, p * panel, finish); break;
            default: break;
        }
    }
}

// body(first, count) for blocks of rows, on any thread in any order: bodies must not share results.
template <class Body>
void for_row_blocks(int64_t rows, Body&& body) {
    int64_t tasks = (rows + row_block - 1) / row_block;
#pragma omp parallel for schedule(dynamic, 1) if (tasks > 1 && at::get_num_threads() > 1)
    for (int64_t t = 0; t < tasks; t++) body(t * row_block, std::min(row_block, rows - t * row_block));
}

// Memory of a thread for the time of a call; `slot` keeps uses apart.
template <class T>
T* thread_memory(int64_t elements, int slot) {
    thread_local std::vector<char> memory[4];
    auto& m = memory[slot];
    size_t bytes = static_cast<size_t>(elements) * sizeof(T) + 64;
    if (m.size() < bytes) m.resize(bytes);
    return reinterpret_cast<T*>((reinterpret_cast<uintptr_t>(m.data()) + 63) & ~uintptr_t{63});
}

// ---- gradients of weights: outputs [n, k] = sum over rows of g[row, n] · x[row, k]

// to[step][column][within step] = 16·vectors columns of rows, zeros beyond `columns` and behind an odd last row.
template <int vectors>
void pack_rows(const float* x, int64_t ld, int64_t rows, int64_t columns, float* to) {
    for (int64_t r = 0; r < rows; r++)
        for (int v = 0; v < vectors; v++) _mm512_storeu_ps(to + (r * vectors + v) * 16, load16(x + r * ld + v * 16, first_lanes(columns - v * 16)));
}

template <int vectors>
void pack_rows(const bf16* x, int64_t ld, int64_t rows, int64_t columns, bf16* to) {
    for (int64_t s = 0; s < (rows + 1) / 2; s++) {
        const bf16* even = x + 2 * s * ld;
        for (int v = 0; v < vectors; v++) {
            __mmask16 m = first_lanes(columns - v * 16);
            __m512i low = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(m, even + v * 16));
            __m512i high = 2 * s + 1 < rows ? _mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(m, even + ld + v * 16)), 16) : _mm512_setzero_si512();
            _mm512_storeu_si512(to + (s * vectors + v) * 32, _mm512_or_si512(low, high));
        }
    }
}

// Where rows lie that may overlap: `count` rows a sample, `step` elements apart, samples `sample` elements apart.
struct Windows { int64_t count, step, sample; };

// Gradient of a weight [n, k] and, if wanted, of a bias [n], from g [rows, n] and x [rows, k], or windows of x. A task packs what it needs by
// itself, a block of rows at a time, whose products are summed in registers to the block's end: tasks that wait for one another's packing cost
// more than packing twice. Many rows of a small weight are cut into parts, which are then added in order; else tasks are tiles of the weight.
template <class T>
void weight_gradient(const T* g, const T* x, int64_t rows, int64_t n, int64_t k, float* weight, float* bias, const Windows* windows = nullptr) {
    constexpr int64_t within = step_of<T>;
    constexpr int64_t block = 1024 / sizeof(T);  // rows: a thousand columns of them take a megabyte, about what the second cache holds
    constexpr int64_t share = 48;                // outputs that are packed side by side: three vectors, eight tiles
    constexpr int64_t most = 960;                // outputs and inputs of a task: 20 shares, 15 panels
    constexpr int64_t tasks_wanted = 8;
    int64_t parts = n * k <= 1 << 17 && rows >= 256 * tasks_wanted ? tasks_wanted : 1, part_rows = (rows + parts - 1) / parts;
    int64_t high = parts > 1 ? std::min(n, most) : 8 * share, wide = parts > 1 ? std::min(k, most) : 3 * panel, across = (k + wide - 1) / wide;
    while (parts == 1 && high > 2 * share && (n + high - 1) / high * across < tasks_wanted) high /= 2;
    int64_t down = (n + high - 1) / high, most_steps = steps_of<T>(block);
    // A window's last step may hold one row only.
    if (windows != nullptr) most_steps = block;
    at::Tensor sums, bias_sums;
    if (parts > 1) sums = at::empty({parts, n * k}, at::kFloat);
    if (parts > 1 && bias != nullptr) bias_sums = at::empty({parts, n}, at::kFloat);
#pragma omp parallel for schedule(dynamic, 1) if (parts * down * across > 1 && at::get_num_threads() > 1)
    for (int64_t task = 0; task < parts * down * across; task++) {
        int64_t part = task / (down * across), from_n = task / across % down * high, from_k = task % across * wide;
        int64_t own_n = std::min(high, n - from_n), own_k = std::min(wide, k - from_k);
        int64_t first = part * part_rows, end = std::min(rows, first + part_rows);
        float* out = (parts > 1 ? data<float>(sums) + part * n * k : weight) + from_n * k + from_k;
        float* out_bias = bias == nullptr || from_k > 0 ? nullptr : (parts > 1 ? data<float>(bias_sums) + part * n : bias) + from_n;
        T *left = thread_memory<T>((own_n + share - 1) / share * share * most_steps * within, 0), *right = thread_memory<T>(panels_of(own_k) * panel * most_steps * within, 1);
        for (int64_t begin = first; begin < end; begin += block) {
            int64_t last = std::min(end, begin + block), steps = 0;
            for (int64_t r = begin, count; r < last; r += count, steps += steps_of<T>(count)) {
                count = last - r;
                const T* from = x + r * k;
                if (windows != nullptr) {
                    count = std::min(count, windows->count - r % windows->count);
                    from = x + r / windows->count * windows->sample + r % windows->count * windows->step;
                }
                for (int64_t o = 0; o < own_n; o += share) pack_rows<share / 16>(g + r * n + from_n + o, n, count, own_n - o, left + (o * most_steps + steps * share) * within);
                for (int64_t p = 0; p < own_k; p += panel)
                    pack_rows<panel / 16>(from + from_k + p, windows == nullptr ? k : windows->step, count, own_k - p, right + (p * most_steps + steps * panel) * within);
            }
            for (int64_t c = 0; out_bias != nullptr && c < own_n; c += 16) {
                __mmask16 m = first_lanes(own_n - c);
                __m512 total = _mm512_setzero_ps();
                for (int64_t r = begin; r < last; r++) total = _mm512_add_ps(total, load16(g + r * n + from_n + c, m));
                store16(out_bias + c, begin == first ? total : _mm512_add_ps(load16(out_bias + c, m), total), m);
            }
            for (int64_t p = 0; p < own_k; p += panel)
                for (int64_t i = 0; i < own_n; i += 6)
                    tile<6>(left + (i / share * share * most_steps + i % share) * within, within, share * within, right + p * most_steps * within, steps, i, p,
                            [&](int64_t row, int64_t column, __m512 v) {
                                if (row >= own_n) return;
                                __mmask16 m = first_lanes(own_k - column);
                                float* to = out + row * k + column;
                                store16(to, begin == first ? v : _mm512_add_ps(load16(to, m), v), m);
                            });
        }
    }
    if (parts == 1) return;
    for_chunks(n * k / 16 + 1, parts * 64, [&](int64_t, int64_t first, int64_t last) {
        for (int64_t i = first * 16; i < std::min(last * 16, n * k); i += 16) {
            __mmask16 m = first_lanes(n * k - i);
            __m512 total = load16(data<float>(sums) + i, m);
            for (int64_t p = 1; p < parts; p++) total = _mm512_add_ps(total, load16(data<float>(sums) + p * n * k + i, m));
            store16(weight + i, total, m);
        }
    });
    for (int64_t i = 0; bias != nullptr && i < n; i++) {
        float total = 0;
        for (int64_t p = 0; p < parts; p++) total += data<float>(bias_sums)[p * n + i];
        bias[i] = total;
    }
}

}  // namespace tandem
#endif
