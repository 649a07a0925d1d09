// Attention in float32: for float32 rows, and for bfloat16 ones where the processor has no products of pairs.
#pragma once
#include "attention.h"

namespace tandem {

typedef float vec __attribute__((vector_size(64), aligned(4)));

template <int Rows, int Vecs>
inline void block(const float* a, int64_t ai, int64_t ak, const float* b, int64_t ldb, float* c, int64_t ldc, int64_t depth, bool accumulate) {
    vec sum[Rows][Vecs];
    for (int i = 0; i < Rows; i++)
        for (int j = 0; j < Vecs; j++) sum[i][j] = accumulate ? *reinterpret_cast<const vec*>(c + i * ldc + j * lanes) : vec{};
    for (int64_t k = 0; k < depth; k++) {
        vec right[Vecs];
        for (int j = 0; j < Vecs; j++) right[j] = *reinterpret_cast<const vec*>(b + k * ldb + j * lanes);
        for (int i = 0; i < Rows; i++) {
            float left = a[i * ai + k * ak];
            for (int j = 0; j < Vecs; j++) sum[i][j] += left * right[j];
        }
    }
    for (int i = 0; i < Rows; i++)
        for (int j = 0; j < Vecs; j++) *reinterpret_cast<vec*>(c + i * ldc + j * lanes) = sum[i][j];
}

template <int Vecs>
inline void rows_of(const float* a, int64_t ai, int64_t ak, const float* b, int64_t ldb, float* c, int64_t ldc, int64_t rows, int64_t depth, bool accumulate) {
    int64_t i = 0;
    for (; i + 6 <= rows; i += 6) block<6, Vecs>(a + i * ai, ai, ak, b, ldb, c + i * ldc, ldc, depth, accumulate);
    for (; i + 2 <= rows; i += 2) block<2, Vecs>(a + i * ai, ai, ak, b, ldb, c + i * ldc, ldc, depth, accumulate);
    for (; i < rows; i++) block<1, Vecs>(a + i * ai, ai, ak, b, ldb, c + i * ldc, ldc, depth, accumulate);
}

// c [rows, columns] (+)= a · b with a(i, k) = a[i·ai + k·ak], b row-major; columns are a multiple of 16.
inline void product(const float* a, int64_t ai, int64_t ak, const float* b, int64_t ldb, float* c, int64_t ldc, int64_t rows, int64_t columns, int64_t depth, bool accumulate) {
    int64_t j = 0;
    for (; j + 4 * lanes <= columns; j += 4 * lanes) rows_of<4>(a, ai, ak, b + j, ldb, c + j, ldc, rows, depth, accumulate);
    for (; j + 2 * lanes <= columns; j += 2 * lanes) rows_of<2>(a, ai, ak, b + j, ldb, c + j, ldc, rows, depth, accumulate);
    for (; j < columns; j += lanes) rows_of<1>(a, ai, ak, b + j, ldb, c + j, ldc, rows, depth, accumulate);
}

// Rows of a head as floats times a factor, filled with zeros up to ld, a multiple of 16.
template <class T>
void gather(const T* from, int64_t row, float* to, int64_t ld, int64_t count, int64_t width, float factor) {
    for (int64_t i = 0; i < count; i++) {
#ifdef TANDEM_AVX512
        for (int64_t k = 0; k < ld; k += lanes) store16(to + i * ld + k, _mm512_mul_ps(load16(from + i * row + k, first_lanes(width - k)), _mm512_set1_ps(factor)));
#else
        load_row(from + i * row, to + i * ld, width);
        for (int64_t k = 0; k < width; k++) to[i * ld + k] *= factor;
        for (int64_t k = width; k < ld; k++) to[i * ld + k] = 0;
#endif
    }
}

#ifndef TANDEM_AVX512

inline void transpose(const float* from, int64_t ld, float* to, int64_t ldt, int64_t rows, int64_t columns) {
    for (int64_t k = 0; k < columns; k++) {
        for (int64_t i = 0; i < rows; i++) to[k * ldt + i] = from[i * ld + k];
        for (int64_t i = rows; i < ldt; i++) to[k * ldt + i] = 0;
    }
}

template <class T>
void scatter(const float* from, int64_t ld, T* to, int64_t row, int64_t count, int64_t width, float factor, const float* factors = nullptr) {
    std::vector<float> line(width);
    for (int64_t i = 0; i < count; i++) {
        for (int64_t k = 0; k < width; k++) line[k] = from[i * ld + k] * (factors != nullptr ? factors[i] : factor);
        store_row(line.data(), to + i * row, width);
    }
}

inline void score_row(float* row, const Shape& d, const Extras& e, int64_t n, int64_t h, int64_t query, float scale) {
    const float* bias = e.bias_of(d, n, h, query);
    const bool* padding = e.padding_of(d, n);
    for (int64_t j = 0; j < d.keys; j++) {
        row[j] *= scale;
        if (bias != nullptr) row[j] += bias[j];
        if (padding != nullptr && padding[j]) row[j] = -INFINITY;
    }
}

// Where all keys are padding a query attends to nothing: its weights are 0.
inline float weigh_row(float* row, float* to, const Shape& d, const Extras& e, int64_t n, int64_t h, int64_t query, float scale, float* logsum) {
    score_row(row, d, e, n, h, query, scale);
    float shift = -INFINITY, sum = 0;
#pragma omp simd reduction(max : shift)
    for (int64_t j = 0; j < d.keys; j++) shift = std::max(shift, row[j]);
    if (shift == -INFINITY) {
        std::fill(to, to + padded(d.keys), 0.0f);
        return *logsum = 0;
    }
#pragma omp simd reduction(+ : sum)
    for (int64_t j = 0; j < d.keys; j++) {
        to[j] = fast_exp(row[j] - shift);
        sum += to[j];
    }
    if (e.drops())
        for (int64_t j = 0; j < d.keys; j++) to[j] *= e.factor(d, d.row(n, h, query), j);
    for (int64_t j = d.keys; j < padded(d.keys); j++) to[j] = 0;
    *logsum = shift + std::log(sum);
    return 1.0f / sum;
}

#endif

template <class T>
void forward_heads(const Shape& d, const Extras& e, Heads<T> q, Heads<T> k, Heads<T> v, Heads<T> out, float* logsum) {
    int64_t wide = padded(d.width), long_ = padded(d.keys), step = tile_of(d.queries);
#pragma omp parallel for schedule(dynamic, 8) if (at::get_num_threads() > 1)
    for (int64_t task = 0; task < d.samples * d.heads; task++) {
        int64_t n = task / d.heads, h = task % d.heads;
        float* memory = scratch(d.keys * wide * 2 + d.width * long_ + tile_rows * (2 * wide + long_ + 1));
        float *keys = memory, *values = keys + d.keys * wide, *turned = values + d.keys * wide, *queries = turned + d.width * long_;
        float *outputs = queries + tile_rows * wide, *scores = outputs + tile_rows * wide, *factors = scores + tile_rows * long_;
        gather(k.at(n, h, d.width), k.row, keys, wide, d.keys, d.width, 1.0f);
        gather(v.at(n, h, d.width), v.row, values, wide, d.keys, d.width, 1.0f);
        transpose(keys, wide, turned, long_, d.keys, d.width);
        for (int64_t from = 0; from < d.queries; from += step) {
            int64_t count = std::min(step, d.queries - from);
            gather(q.at(n, h, d.width) + from * q.row, q.row, queries, wide, count, d.width, d.scale);
            product(queries, wide, 1, turned, long_, scores, long_, count, long_, d.width, false);
            for (int64_t i = 0; i < count; i++)
                factors[i] = weigh_row(scores + i * long_, scores + i * long_, d, e, n, h, from + i, 1.0f, logsum + d.row(n, h, from + i));
            product(scores, long_, 1, values, wide, outputs, wide, count, wide, d.keys, false);
            scatter(outputs, wide, out.at(n, h, d.width) + from * out.row, out.row, count, d.width, 1.0f, factors);
        }
    }
}

template <class T>
void backward_heads(const Shape& d, const Extras& e, Heads<T> q, Heads<T> k, Heads<T> v, Heads<T> out, Heads<T> g, const float* logsum, Heads<T> gq, Heads<T> gk,
                    Heads<T> gv) {
    int64_t wide = padded(d.width), long_ = padded(d.keys), step = tile_of(d.queries);
#pragma omp parallel for schedule(dynamic, 8) if (at::get_num_threads() > 1)
    for (int64_t task = 0; task < d.samples * d.heads; task++) {
        int64_t n = task / d.heads, h = task % d.heads;
        float* memory = scratch(d.keys * wide * 4 + d.width * long_ * 2 + tile_rows * (3 * wide + 2 * long_));
        float *keys = memory, *values = keys + d.keys * wide, *grad_keys = values + d.keys * wide, *grad_values = grad_keys + d.keys * wide;
        float *turned_keys = grad_values + d.keys * wide, *turned_values = turned_keys + d.width * long_, *queries = turned_values + d.width * long_;
        float *grads = queries + tile_rows * wide, *grad_queries = grads + tile_rows * wide, *p = grad_queries + tile_rows * wide, *dp = p + tile_rows * long_;
        gather(k.at(n, h, d.width), k.row, keys, wide, d.keys, d.width, 1.0f);
        gather(v.at(n, h, d.width), v.row, values, wide, d.keys, d.width, 1.0f);
        transpose(keys, wide, turned_keys, long_, d.keys, d.width);
        transpose(values, wide, turned_values, long_, d.keys, d.width);
        for (int64_t from = 0; from < d.queries; from += step) {
            int64_t count = std::min(step, d.queries - from);
            gather(q.at(n, h, d.width) + from * q.row, q.row, queries, wide, count, d.width, d.scale);
            gather(g.at(n, h, d.width) + from * g.row, g.row, grads, wide, count, d.width, 1.0f);
            product(queries, wide, 1, turned_keys, long_, p, long_, count, long_, d.width, false);
            product(grads, wide, 1, turned_values, long_, dp, long_, count, long_, d.width, false);
            for (int64_t i = 0; i < count; i++) {
                float *pr = p + i * long_, *row = dp + i * long_, shift = logsum[d.row(n, h, from + i)];
                const T *o = out.at(n, h, d.width) + (from + i) * out.row, *go = g.at(n, h, d.width) + (from + i) * g.row;
#ifdef TANDEM_AVX512
                unweigh_row(pr, row, d, e, n, h, from + i, 1.0f, shift, delta_of(o, go, d.width), [&](int64_t j, __m512 used, __m512 gradient) {
                    store16(pr + j, used);
                    store16(row + j, gradient);
                });
#else
                float delta = 0;
                for (int64_t c = 0; c < d.width; c++) delta += static_cast<float>(o[c]) * static_cast<float>(go[c]);
                score_row(pr, d, e, n, h, from + i, 1.0f);
                float* bias_gradient = e.bias_gradient_of(d, n, h, from + i);
                for (int64_t j = 0; j < d.keys; j++) {
                    float factor = e.drops() ? e.factor(d, d.row(n, h, from + i), j) : 1.0f, weight = fast_exp(pr[j] - shift);
                    row[j] = weight * (row[j] * factor - delta);
                    pr[j] = weight * factor;
                    if (bias_gradient != nullptr) bias_gradient[j] = row[j];
                }
                for (int64_t j = d.keys; j < long_; j++) pr[j] = row[j] = 0;
#endif
            }
            product(p, 1, long_, grads, wide, grad_values, wide, d.keys, wide, count, from > 0);
            product(dp, long_, 1, keys, wide, grad_queries, wide, count, wide, d.keys, false);
            product(dp, 1, long_, queries, wide, grad_keys, wide, d.keys, wide, count, from > 0);
            scatter(grad_queries, wide, gq.at(n, h, d.width) + from * gq.row, gq.row, count, d.width, d.scale);
        }
        // The queries were scaled already, so the keys' gradient is complete.
        scatter(grad_keys, wide, gk.at(n, h, d.width), gk.row, d.keys, d.width, 1.0f);
        scatter(grad_values, wide, gv.at(n, h, d.width), gv.row, d.keys, d.width, 1.0f);
    }
}

}  // namespace tandem
