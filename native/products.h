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

inline float to_element(float v, float) { return v; }
inline bf16 to_element(float v, bf16) { return bf16(to_bf16(v), bf16::from_bits()); }

// to[panel][step][column][within step] = from[column·across + depth·along], zero outside; any types.
template <class T, class W>
void pack(const W* from, int64_t across, int64_t along, int64_t depth, int64_t columns, T* to) {
    constexpr int64_t g = step_of<T>;
    int64_t steps = steps_of<T>(depth), panels = panels_of(columns), strips = panels * (panel / 16);
#pragma omp parallel for schedule(static) if (depth * columns > 16384 && at::get_num_threads() > 1)
    for (int64_t strip = 0; strip < strips; strip++) {
        int64_t first = strip * 16, count = std::min<int64_t>(16, columns - first);
        T* __restrict out = to + (first / panel) * panel * steps * g + (first % panel) * g;
        for (int64_t s = 0; s < steps; s++, out += panel * g) {
            for (int64_t j = 0; j < g; j++) {
                int64_t d = s * g + j;
                if (d < depth && count == 16) {
                    const W* in = from + first * across + d * along;
                    for (int64_t c = 0; c < 16; c++) out[c * g + j] = to_element(static_cast<float>(in[c * across]), T{});
                } else {
                    for (int64_t c = 0; c < 16; c++)
                        out[c * g + j] = to_element(d < depth && c < count ? static_cast<float>(from[(first + c) * across + d * along]) : 0.0f, T{});
                }
            }
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
    constexpr int64_t g = step_of<T>;
    int64_t steps = steps_of<T>(depth);
    for (int64_t p = 0; p < panels_of(columns); p++) {
        const T* b = packed + p * panel * steps * g;
        int64_t i = 0;
        for (; i + 6 <= count; i += 6) tile<6>(a + (first + i) * lda, lda, g, b, steps, first + i, p * panel, finish);
        const T* rest = a + (first + i) * lda;
        switch (count - i) {
            case 5: tile<5>(rest, lda, g, b, steps, first + i, p * panel, finish); break;
            case 4: tile<4>(rest, lda, g, b, steps, first + i, p * panel, finish); break;
            case 3: tile<3>(rest, lda, g, b, steps, first + i, p * panel, finish); break;
            case 2: tile<2>(rest, lda, g, b, steps, first + i, p * panel, finish); break;
            case 1: tile<1>(rest, lda, g, b, steps, first + i, p * panel, finish); break;
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

// Rows of g in groups of six columns: to[group][step][column in group][within step]; the last group is filled with zeros. Masked stores of
// six words take ten times as long as whole ones, whose two words too many are overwritten by the next step's: not so in the last step.
inline void pack_left(const float* g, int64_t ld, int64_t rows, int64_t columns, float* to) {
    for (int64_t r = 0; r < rows; r++)
        for (int64_t n = 0; n < columns; n += 6) {
            float* out = to + n * rows + r * 6;
            const float* in = g + r * ld + n;
            if (r + 1 < rows && n + 8 <= columns) {
                _mm256_storeu_ps(out, _mm256_loadu_ps(in));
                continue;
            }
            int64_t count = std::min<int64_t>(6, columns - n);
            __m256 six = _mm256_maskz_loadu_ps(static_cast<__mmask8>((1u << count) - 1), in);
            _mm256_mask_storeu_ps(out, 0x3f, six);
        }
}

inline void pack_left(const bf16* g, int64_t ld, int64_t rows, int64_t columns, bf16* to) {
    int64_t steps = (rows + 1) / 2;
    for (int64_t s = 0; s < steps; s++) {
        const bf16 *even = g + 2 * s * ld, *odd = 2 * s + 1 < rows ? even + ld : nullptr;
        int64_t n = 0;
        if (s + 1 < steps)
            for (; n + 8 <= columns; n += 6) {
                __m256i low = _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(even + n)));
                __m256i high = _mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(odd + n))), 16);
                _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + n * steps * 2 + s * 12), _mm256_or_si256(low, high));
            }
        for (; n < columns; n += 6) {
            auto mask = static_cast<__mmask8>((1u << std::min<int64_t>(6, columns - n)) - 1);
            __m256i low = _mm256_cvtepu16_epi32(_mm_maskz_loadu_epi16(mask, even + n));
            __m256i high = odd == nullptr ? _mm256_setzero_si256() : _mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_maskz_loadu_epi16(mask, odd + n)), 16);
            _mm256_mask_storeu_epi32(to + n * steps * 2 + s * 12, 0x3f, _mm256_or_si256(low, high));
        }
    }
}

// 64 columns of x as a panel.
inline void pack_right(const float* x, int64_t ld, int64_t rows, int64_t columns, float* to) {
    for (int64_t r = 0; r < rows; r++)
        for (int v = 0; v < 4; v++) _mm512_storeu_ps(to + r * panel + v * 16, load16(x + r * ld + v * 16, first_lanes(columns - v * 16)));
}

inline void pack_right(const bf16* x, int64_t ld, int64_t rows, int64_t columns, bf16* to) {
    for (int64_t s = 0; s < (rows + 1) / 2; s++) {
        const bf16* even = x + 2 * s * ld;
        for (int v = 0; v < 4; v++) {
            __mmask16 m = first_lanes(columns - v * 16);
            __m512i low = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(m, even + v * 16));
            __m512i high = 2 * s + 1 < rows ? _mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(m, even + ld + v * 16)), 16) : _mm512_setzero_si512();
            _mm512_storeu_si512(to + s * 2 * panel + v * 32, _mm512_or_si512(low, high));
        }
    }
}

// Where rows lie that may overlap: `count` rows a sample, `step` elements apart, samples `sample` elements apart.
struct Windows { int64_t count, step, sample; };

// Gradient of a weight [n, k] and, if wanted, of a bias [n], from g [rows, n] and x [rows, k], or windows of x. Rows are summed in a fixed
// number of parts, which are then added in order.
template <class T>
void weight_gradient(const T* g, const T* x, int64_t rows, int64_t n, int64_t k, float* weight, float* bias, const Windows* windows = nullptr) {
    constexpr int64_t depth = 128;     // rows at a time
    constexpr int64_t width = 256;     // columns of x that one task takes
    constexpr int64_t s = step_of<T>;
    int64_t parts = std::min<int64_t>(n * k <= (1 << 17) ? 8 : 4, std::max<int64_t>(1, rows / 256)), slices = (k + width - 1) / width;
    int64_t part_rows = ((rows + parts - 1) / parts + depth - 1) / depth * depth;
    at::Tensor sums = at::empty({parts, n * k}, at::kFloat), bias_sums = at::empty({parts, n}, at::kFloat);
    int64_t groups = (n + 5) / 6;
#pragma omp parallel for schedule(dynamic, 1) if (parts * slices > 1 && at::get_num_threads() > 1)
    for (int64_t task = 0; task < parts * slices; task++) {
        int64_t part = task / slices, slice = task % slices, begin = std::min(rows, part * part_rows), end = std::min(rows, begin + part_rows);
        int64_t from = slice * width, columns = std::min(width, k - from);
        float* out = data<float>(sums) + part * n * k + from;
        for (int64_t i = 0; i < n; i++) std::memset(out + i * k, 0, columns * sizeof(float));
        bool sum_bias = bias != nullptr && slice == 0;
        float* b = data<float>(bias_sums) + part * n;
        if (sum_bias) std::memset(b, 0, n * sizeof(float));
        T *left = thread_memory<T>(groups * 6 * depth, 0), *right = thread_memory<T>(panel * depth, 1);
        for (int64_t r = begin, count; r < end; r += count) {
            count = std::min(depth, end - r);
            const T* rows_of_x = x + r * k;
            int64_t ld = k;
            if (windows != nullptr) {
                count = std::min(count, windows->count - r % windows->count);
                rows_of_x = x + r / windows->count * windows->sample + r % windows->count * windows->step;
                ld = windows->step;
            }
            int64_t steps = steps_of<T>(count);
            pack_left(g + r * n, n, count, n, left);
            if (sum_bias)
                for (int64_t c = 0; c < n; c += 16) {
                    __mmask16 m = first_lanes(n - c);
                    __m512 total = load16(b + c, m);
                    for (int64_t i = 0; i < count; i++) total = _mm512_add_ps(total, load16(g + (r + i) * n + c, m));
                    store16(b + c, total, m);
                }
            for (int64_t p = 0; p < columns; p += panel) {
                pack_right(rows_of_x + from + p, ld, count, columns - p, right);
                for (int64_t q = 0; q < groups; q++)
                    tile<6>(left + q * 6 * steps * s, s, 6 * s, right, steps, q * 6, p, [&](int64_t row, int64_t column, __m512 v) {
                        __mmask16 m = first_lanes(columns - column);
                        if (row >= n || m == 0) return;
                        float* to = out + row * k + column;
                        store16(to, _mm512_add_ps(load16(to, m), v), m);
                    });
            }
        }
    }
    for_chunks(n * k / 16 + 1, parts * 64, [&](int64_t, int64_t first, int64_t last) {
        for (int64_t i = first * 16; i < std::min(last * 16, n * k); i += 16) {
            __mmask16 m = first_lanes(n * k - i);
            __m512 total = load16(data<float>(sums) + i, m);
            for (int64_t p = 1; p < parts; p++) total = _mm512_add_ps(total, load16(data<float>(sums) + p * n * k + i, m));
            store16(weight + i, total, m);
        }
    });
    if (bias != nullptr)
        for (int64_t i = 0; i < n; i++) {
            float total = 0;
            for (int64_t p = 0; p < parts; p++) total += data<float>(bias_sums)[p * n + i];
            bias[i] = total;
        }
}

}  // namespace tandem
#endif
