// Attention on bfloat16 rows with products of pairs: half the instructions of float32. Sums, softmax and its gradient are float32; weights
// and gradients of scores are rounded for the products that take them. A word is a pair of neighbours along a product's depth.
#pragma once
#include "attention.h"

#ifdef TANDEM_AVX512
namespace tandem {

template <int Rows, int Vecs>
inline void pair_block(const int32_t* a, int64_t ai, int64_t ak, const int32_t* b, int64_t ldb, float* c, int64_t ldc, int64_t steps, bool accumulate) {
#if defined(__AVX512BF16__)
    __m512 sum[Rows][Vecs];
#pragma GCC unroll 6
    for (int i = 0; i < Rows; i++)
#pragma GCC unroll 4
        for (int j = 0; j < Vecs; j++) sum[i][j] = accumulate ? load16(c + i * ldc + j * lanes) : _mm512_setzero_ps();
    for (int64_t k = 0; k < steps; k++) {
        __m512bh right[Vecs];
#pragma GCC unroll 4
        for (int j = 0; j < Vecs; j++) right[j] = (__m512bh)_mm512_loadu_si512(b + k * ldb + j * lanes);
#pragma GCC unroll 6
        for (int i = 0; i < Rows; i++) {
            int32_t pair;
            std::memcpy(&pair, a + i * ai + k * ak, 4);
            __m512bh left = (__m512bh)_mm512_set1_epi32(pair);
#pragma GCC unroll 4
            for (int j = 0; j < Vecs; j++) sum[i][j] = _mm512_dpbf16_ps(sum[i][j], left, right[j]);
        }
    }
#pragma GCC unroll 6
    for (int i = 0; i < Rows; i++)
#pragma GCC unroll 4
        for (int j = 0; j < Vecs; j++) store16(c + i * ldc + j * lanes, sum[i][j]);
#endif
}

template <int Vecs>
inline void pair_rows(const int32_t* a, int64_t ai, int64_t ak, const int32_t* b, int64_t ldb, float* c, int64_t ldc, int64_t rows, int64_t steps, bool accumulate) {
    int64_t i = 0;
    for (; i + 6 <= rows; i += 6) pair_block<6, Vecs>(a + i * ai, ai, ak, b, ldb, c + i * ldc, ldc, steps, accumulate);
    for (; i + 2 <= rows; i += 2) pair_block<2, Vecs>(a + i * ai, ai, ak, b, ldb, c + i * ldc, ldc, steps, accumulate);
    for (; i < rows; i++) pair_block<1, Vecs>(a + i * ai, ai, ak, b, ldb, c + i * ldc, ldc, steps, accumulate);
}

// c [rows, columns] (+)= a · b with words a(i, k) = a[i·ai + k·ak], b rows of words; columns are a multiple of 16.
inline void pair_product(const int32_t* a, int64_t ai, int64_t ak, const int32_t* b, int64_t ldb, float* c, int64_t ldc, int64_t rows, int64_t columns, int64_t steps,
                         bool accumulate) {
    int64_t j = 0;
    for (; j + 4 * lanes <= columns; j += 4 * lanes) pair_rows<4>(a, ai, ak, b + j, ldb, c + j, ldc, rows, steps, accumulate);
    for (; j + 2 * lanes <= columns; j += 2 * lanes) pair_rows<2>(a, ai, ak, b + j, ldb, c + j, ldc, rows, steps, accumulate);
    for (; j < columns; j += lanes) pair_rows<1>(a, ai, ak, b + j, ldb, c + j, ldc, rows, steps, accumulate);
}

// Rows two by two: to[row div 2][column] is a word of both; zeros beyond the last row and column.
inline void couple(const bf16* from, int64_t row, int32_t* to, int64_t ld, int64_t count, int64_t width) {
    for (int64_t i = 0; i < count; i += 2)
        for (int64_t k = 0; k < ld; k += lanes) {
            __mmask16 m = first_lanes(width - k);
            __m512i low = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(m, from + i * row + k)), high = _mm512_setzero_si512();
            if (i + 1 < count) high = _mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(m, from + (i + 1) * row + k)), 16);
            _mm512_storeu_si512(to + i / 2 * ld + k, _mm512_or_si512(low, high));
        }
}

inline const int32_t* words(const bf16* p) { return reinterpret_cast<const int32_t*>(p); }
inline bf16* elements(int32_t* p) { return reinterpret_cast<bf16*>(p); }

// Whether rows are made of whole words.
inline bool in_pairs(const Shape& d, int64_t query_row, int64_t key_row) { return has_bf16_products && d.width % 2 == 0 && query_row % 2 == 0 && key_row % 2 == 0; }

inline void turn(const bf16* from, int64_t row, int32_t* to, int64_t ld, int64_t rows, int64_t width) {
    transpose(reinterpret_cast<const float*>(from), row / 2, reinterpret_cast<float*>(to), ld, rows, width / 2);
}

inline void forward_pairs(const Shape& d, const Extras& e, Heads<bf16> q, Heads<bf16> k, Heads<bf16> v, Heads<bf16> out, float* logsum) {
    int64_t wide = padded(d.width), long_ = padded(d.keys), step = tile_of(d.queries), half = (d.keys + 1) / 2;
#pragma omp parallel for schedule(dynamic, 8) if (at::get_num_threads() > 1)
    for (int64_t task = 0; task < d.samples * d.heads; task++) {
        int64_t n = task / d.heads, h = task % d.heads;
        float* scores = scratch(tile_rows * (long_ + long_ / 2 + wide + 1) + half * wide + d.width / 2 * long_);
        float *outputs = scores + tile_rows * long_, *factors = outputs + tile_rows * wide;
        auto weights = reinterpret_cast<int32_t*>(factors + tile_rows), values = weights + tile_rows * long_ / 2, turned = values + half * wide;
        turn(k.at(n, h, d.width), k.row, turned, long_, d.keys, d.width);
        couple(v.at(n, h, d.width), v.row, values, wide, d.keys, d.width);
        for (int64_t from = 0; from < d.queries; from += step) {
            int64_t count = std::min(step, d.queries - from);
            pair_product(words(q.at(n, h, d.width) + from * q.row), q.row / 2, 1, turned, long_, scores, long_, count, long_, d.width / 2, false);
            for (int64_t i = 0; i < count; i++)
                factors[i] = weigh_row(scores + i * long_, elements(weights + i * long_ / 2), d, e, n, h, from + i, d.scale, logsum + d.row(n, h, from + i));
            pair_product(weights, long_ / 2, 1, values, wide, outputs, wide, count, wide, half, false);
            scatter(outputs, wide, out.at(n, h, d.width) + from * out.row, out.row, count, d.width, 1.0f, factors);
        }
    }
}

inline void backward_pairs(const Shape& d, const Extras& e, Heads<bf16> q, Heads<bf16> k, Heads<bf16> v, Heads<bf16> out, Heads<bf16> g, const float* logsum,
                           Heads<bf16> gq, Heads<bf16> gk, Heads<bf16> gv) {
    int64_t wide = padded(d.width), long_ = padded(d.keys), step = tile_of(d.queries), half = (d.keys + 1) / 2;
    constexpr int64_t couples = (tile_rows + 1) / 2;
#pragma omp parallel for schedule(dynamic, 8) if (at::get_num_threads() > 1)
    for (int64_t task = 0; task < d.samples * d.heads; task++) {
        int64_t n = task / d.heads, h = task % d.heads;
        float* grad_keys = scratch(d.keys * wide * 2 + tile_rows * (wide + 2 * long_ + long_ / 2) + 2 * couples * (long_ + wide) + half * wide + d.width * long_);
        float *grad_values = grad_keys + d.keys * wide, *grad_queries = grad_values + d.keys * wide, *scores = grad_queries + tile_rows * wide, *dp = scores + tile_rows * long_;
        auto rows = reinterpret_cast<int32_t*>(dp + tile_rows * long_), weights = rows + tile_rows * long_ / 2, slopes = weights + couples * long_;
        auto queries = slopes + couples * long_, grads = queries + couples * wide, keys = grads + couples * wide, turned_keys = keys + half * wide;
        auto turned_values = turned_keys + d.width / 2 * long_;
        turn(k.at(n, h, d.width), k.row, turned_keys, long_, d.keys, d.width);
        turn(v.at(n, h, d.width), v.row, turned_values, long_, d.keys, d.width);
        couple(k.at(n, h, d.width), k.row, keys, wide, d.keys, d.width);
        for (int64_t from = 0; from < d.queries; from += step) {
            int64_t count = std::min(step, d.queries - from), pairs = (count + 1) / 2;
            const bf16 *query = q.at(n, h, d.width) + from * q.row, *gradient = g.at(n, h, d.width) + from * g.row;
            couple(query, q.row, queries, wide, count, d.width);
            couple(gradient, g.row, grads, wide, count, d.width);
            pair_product(words(query), q.row / 2, 1, turned_keys, long_, scores, long_, count, long_, d.width / 2, false);
            pair_product(words(gradient), g.row / 2, 1, turned_values, long_, dp, long_, count, long_, d.width / 2, false);
            for (int64_t i = 0; i < count; i++) {
                int32_t *weight = weights + i / 2 * long_, *slope = slopes + i / 2 * long_;
                bf16* row = elements(rows + i * long_ / 2);
                float delta = delta_of(out.at(n, h, d.width) + (from + i) * out.row, gradient + i * g.row, d.width);
                unweigh_row(scores + i * long_, dp + i * long_, d, e, n, h, from + i, d.scale, logsum[d.row(n, h, from + i)], delta, [&](int64_t j, __m512 used, __m512 s) {
                    __m256i low = round16(s);
                    _mm256_storeu_si256(reinterpret_cast<__m256i*>(row + j), low);
                    __m512i p = _mm512_cvtepu16_epi32(round16(used)), t = _mm512_cvtepu16_epi32(low);
                    if (i % 2 != 0) {
                        p = _mm512_or_si512(_mm512_slli_epi32(p, 16), _mm512_loadu_si512(weight + j));
                        t = _mm512_or_si512(_mm512_slli_epi32(t, 16), _mm512_loadu_si512(slope + j));
                    }
                    _mm512_storeu_si512(weight + j, p);
                    _mm512_storeu_si512(slope + j, t);
                });
            }
            pair_product(weights, 1, long_, grads, wide, grad_values, wide, d.keys, wide, pairs, from > 0);
            pair_product(slopes, 1, long_, queries, wide, grad_keys, wide, d.keys, wide, pairs, from > 0);
            pair_product(rows, long_ / 2, 1, keys, wide, grad_queries, wide, count, wide, half, false);
            scatter(grad_queries, wide, gq.at(n, h, d.width) + from * gq.row, gq.row, count, d.width, d.scale);
        }
        scatter(grad_keys, wide, gk.at(n, h, d.width), gk.row, d.keys, d.width, d.scale);
        scatter(grad_values, wide, gv.at(n, h, d.width), gv.row, d.keys, d.width, 1.0f);
    }
}

}  // namespace tandem
#endif
